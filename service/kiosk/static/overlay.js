// Drawing over the camera's picture: where to hold card or face, the card that was found, glare, and the edge to move.

const SVG = "http://www.w3.org/2000/svg";
const CARD = 85.6 / 53.98; // width by height of ID-1, ISO/IEC 7810
const EASE = 0.4; // share of the way to the newest corners per frame of the screen; chosen by hand
const STALE_MS = 1500; // after which corners are no longer drawn; chosen by hand
const EDGES = { left: [0, 3], right: [1, 2] };
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

export class Overlay {
  constructor(svg, finder, camera) {
    Object.assign(this, { svg, finder, camera, face: false, corners: null });
    this.parts = {};
    const shapes = ["path scrim", "path guide", "path oval", "path outline", "g glares"];
    for (const shape of [...shapes, "path near", "path near-core", "path push"]) {
      const [tag, name] = shape.split(" ");
      this.parts[name] = document.createElementNS(SVG, tag);
      this.parts[name].setAttribute("class", name);
      svg.append(this.parts[name]);
    }
  }

  /** Prepare for a card, or for a face. */
  begin(face) {
    this.face = face;
    this.guidance = this.corners = null;
    const { width, height } = this.camera.size;
    this.finder.style.setProperty("--aspect", face ? 3 / 4 : width / height || 16 / 9);
    this.finder.classList.toggle("mirrored", this.camera.mirrored);
    this.#draw();
  }

  /** Draw the newest guidance. */
  update(guidance) {
    this.guidance = guidance;
    this.at = performance.now();
    this.finder.classList.toggle("is-good", guidance.hint === "good");
    if (!this.running) this.#run();
  }

  /** Remove everything that was drawn. */
  clear() {
    this.guidance = this.corners = null;
    this.finder.classList.remove("is-good");
    for (const part of Object.values(this.parts)) part.replaceChildren();
    for (const part of Object.values(this.parts)) part.removeAttribute("d");
  }

  #run() {
    this.running = requestAnimationFrame(() => {
      this.running = 0;
      if (!this.guidance) return;
      if (performance.now() - this.at > STALE_MS) this.guidance = { ...this.guidance, corners: null, glare: [] };
      this.#draw();
      if (performance.now() - this.at <= STALE_MS) this.#run();
    });
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.finder;
    if (!width || !this.camera.size.width) return; // not shown, or no picture yet
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const wanted = this.guidance?.corners?.map((corner) => this.#place(corner)) ?? null;
    this.corners = this.#eased(wanted);
    const hole = this.face ? oval(width, height) : frame(width, height);
    const free = !this.face && this.corners;
    this.#path("scrim", free ? "" : `M0 0H${width}V${height}H0Z${hole}`).setAttribute("fill-rule", "evenodd");
    this.#path("guide", this.face || free ? "" : hole);
    this.#path("oval", this.face ? hole : "");
    this.#path("outline", free ? polygon(this.corners) : "");
    this.#edge(free ? nearerEdge(this.guidance) : null);
    this.#glare(free ? (this.guidance?.glare ?? []) : []);
  }

  #eased(wanted) {
    if (!wanted || !this.corners || reducedMotion.matches) return wanted;
    return wanted.map(([x, y], i) => {
      const [px, py] = this.corners[i];
      return [px + (x - px) * EASE, py + (y - py) * EASE];
    });
  }

  /** A position in shares of the camera's picture, converted to the finder, which may crop and mirror the picture. */
  #place([x, y]) {
    const { clientWidth, clientHeight } = this.finder;
    const { width, height } = this.camera.size;
    const scale = Math.max(clientWidth / width, clientHeight / height);
    const left = x * width * scale - (width * scale - clientWidth) / 2;
    const top = y * height * scale - (height * scale - clientHeight) / 2;
    return [this.camera.mirrored ? clientWidth - left : left, top];
  }

  #edge(side) {
    const ends = side && EDGES[side].map((i) => this.corners[i]);
    const line = ends ? `M${ends[0]}L${ends[1]}` : "";
    this.#path("near", line);
    this.#path("near-core", line);
    this.#path("push", ends ? this.#arrow(ends) : "");
  }

  /** An arrow beside the edge that widens as it leaves the card: in perspective it points towards the applicant. */
  #arrow([[ax, ay], [bx, by]]) {
    const centre = this.corners.reduce(([x, y], [px, py]) => [x + px / 4, y + py / 4], [0, 0]);
    const out = Math.sign((ax + bx) / 2 - centre[0]);
    const size = Math.max(18, Math.hypot(bx - ax, by - ay) * 0.2);
    const x = (ax + bx) / 2 + out * size * 0.7;
    const y = (ay + by) / 2;
    const tip = x + out * size * 1.5;
    const neck = x + out * size * 0.6;
    const shaft = `M${x} ${y - size * 0.15}L${neck} ${y - size * 0.5}V${y - size}L${tip} ${y}`;
    return `${shaft}L${neck} ${y + size}V${y + size * 0.5}L${x} ${y + size * 0.15}Z`;
  }

  #glare(boxes) {
    const drawn = boxes.map(([left, top, width, height]) => {
      const [a, b] = [this.#place([left, top]), this.#place([left + width, top + height])];
      const box = document.createElementNS(SVG, "rect");
      const sides = { x: Math.min(a[0], b[0]), y: a[1], width: Math.abs(b[0] - a[0]), height: b[1] - a[1], rx: 8 };
      for (const [name, value] of Object.entries(sides)) box.setAttribute(name, value);
      box.setAttribute("class", "glared");
      return box;
    });
    this.parts.glares.replaceChildren(...drawn);
  }

  #path(name, d) {
    this.parts[name].setAttribute("d", d);
    return this.parts[name];
  }
}

/** The edge of the card that must come nearer to the camera, or null. */
function nearerEdge({ hint, turn_deg: turn } = {}) {
  if (hint === "tilt_left_more" || hint === "tilt_right_less") return "left";
  if (hint === "tilt_right_more" || hint === "tilt_left_less") return "right";
  if (hint === "face_on" && turn !== null) return turn > 0 ? "right" : "left";
  return null;
}

function polygon(corners) {
  return `M${corners.map((corner) => corner.map((value) => value.toFixed(1)).join(" ")).join("L")}Z`;
}

function frame(width, height) {
  const w = Math.min(width * 0.7, height * 0.7 * CARD);
  const [h, r] = [w / CARD, w * 0.045];
  const [x, y] = [(width - w) / 2, (height - h) / 2];
  const corner = (dx, dy) => `a${r} ${r} 0 0 1 ${dx * r} ${dy * r}`;
  const [across, down] = [w - 2 * r, h - 2 * r];
  const right = `M${x + r} ${y}h${across}${corner(1, 1)}v${down}${corner(-1, 1)}`;
  return `${right}h${-across}${corner(-1, -1)}v${-down}${corner(1, -1)}Z`;
}

function oval(width, height) {
  const [rx, ry] = [width * 0.36, height * 0.38];
  const [x, y] = [width / 2, height * 0.48];
  return `M${x - rx} ${y}a${rx} ${ry} 0 1 0 ${2 * rx} 0a${rx} ${ry} 0 1 0 ${-2 * rx} 0Z`;
}
