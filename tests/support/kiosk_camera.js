// For tests: a camera whose pictures are rendered specimens, and which does what the page asks of a person.
// Everything behind getUserMedia is the browser's own: a track, its frames, their count, its end.
(() => {
  const EVERY_MS = 50;
  const WAY_MS = 200;
  const AWAY = { card_front: "card_tilt_right", card_tilt_left: "card_front", card_tilt_right: "card_front" };
  const shown = { key: null, since: 0, times: {}, stage: null, staged: 0 };
  const pictures = new Map();
  window.rehearsed = { pictures: {}, hold: false, tracks: [], asked: 0 };

  const decode = async (base64) => {
    const data = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return createImageBitmap(new Blob([data], { type: "image/jpeg" }));
  };
  window.rehearse = async (all) => {
    for (const [name, encoded] of Object.entries(all)) pictures.set(name, await Promise.all(encoded.map(decode)));
  };

  const since = (key) => {
    if (key !== shown.key) {
      Object.assign(shown, { key, since: performance.now() });
      shown.times[key] = (shown.times[key] ?? -1) + 1;
    }
    return performance.now() - shown.since;
  };

  function acted(action) {
    const at = since(action);
    const [early, middle, late] = pictures.get(action).slice((shown.times[action] % 2) * 3);
    const span = 2000;
    if (at < span * 0.25) return answer({});
    return at < span * 0.575 ? early : at < span * 0.825 ? middle : late;
  }

  function lit(colour) {
    since(colour);
    return pictures.get(colour)[shown.times[colour] % 3];
  }

  function answer({ action, colour }) {
    if (colour && pictures.has(colour)) return lit(colour);
    if (action && pictures.has(action)) return acted(action);
    const ahead = pictures.get("neutral");
    return ahead[Math.floor(performance.now() / 250) % ahead.length];
  }

  function posed(stage) {
    if (stage !== shown.stage) Object.assign(shown, { stage, staged: performance.now() });
    // From the pose before to that of the stage, where there is a film of it; else as if the card had been put down.
    const way = pictures.get(`way_${stage}`) ?? [];
    const place = Math.floor((performance.now() - shown.staged) / WAY_MS);
    if (place < way.length) return { picture: way[place], stretched: true };
    const early = !way.length && performance.now() - shown.staged < 900;
    return { picture: pictures.get((early && AWAY[stage]) || stage)[0], small: early && AWAY[stage] };
  }

  // The halves of the screen light the card's two sides, as paper reflects it. The person's left is the picture's right.
  function lightCard(pen) {
    const halves = window.page?.()?.dataset.halves?.match(/\d+/g)?.map(Number);
    if (!halves || window.rehearsed.unlit) return;
    const mixed = (share) => [0, 1, 2].map((i) => Math.round(255 - 0.35 * (255 - (share * halves[i] + (1 - share) * halves[3 + i]))));
    const across = pen.createLinearGradient(0, 0, pen.canvas.width, 0);
    across.addColorStop(0, `rgb(${mixed(0.2).join(" ")})`);
    across.addColorStop(1, `rgb(${mixed(0.8).join(" ")})`);
    pen.globalCompositeOperation = "multiply";
    pen.fillStyle = across;
    pen.fillRect(0, 0, pen.canvas.width, pen.canvas.height);
    pen.globalCompositeOperation = "source-over";
  }

  function draw(pen) {
    drawUnlit(pen);
    lightCard(pen);
  }

  function drawUnlit(pen) {
    const { stage, action, colour } = window.page?.()?.dataset ?? {};
    const asked = window.rehearsed.stage ?? stage;
    const name = asked === "liveness" || pictures.has(asked) ? asked : "card_front";
    if (!pictures.size) return;
    const { picture, small, stretched } = name === "liveness" ? { picture: answer({ action, colour }) } : posed(name);
    const { canvas } = pen;
    if (stretched) {
      pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
      return;
    }
    if (canvas.width !== picture.width || canvas.height !== picture.height) {
      Object.assign(canvas, { width: picture.width, height: picture.height });
    }
    const sway = name === "liveness" ? 0 : (Math.random() - 0.5) * 1.4;
    pen.drawImage(picture, 0, 0);
    if (!small && !sway) return;
    const scale = small ? 0.7 : 1;
    const [width, height] = [canvas.width * scale, canvas.height * scale];
    pen.drawImage(picture, (canvas.width - width) / 2 + sway, (canvas.height - height) / 2 + sway, width, height);
  }

  navigator.mediaDevices.getUserMedia = async () => {
    window.rehearsed.asked += 1;
    if (window.rehearsed.refuse) throw new DOMException("", window.rehearsed.refuse);
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: 1280, height: 720 });
    const pen = canvas.getContext("2d", { alpha: false });
    const stream = canvas.captureStream(30);
    const [track] = stream.getVideoTracks();
    const timer = setInterval(() => (track.readyState === "live" ? draw(pen) : clearInterval(timer)), EVERY_MS);
    window.rehearsed.tracks.push(track);
    draw(pen);
    return stream;
  };
  // A cable that is pulled out: the track ends by itself, which `stop()` does not report.
  window.unplug = () => {
    const track = window.rehearsed.tracks.at(-1);
    track.stop();
    track.dispatchEvent(new Event("ended"));
  };
})();
