// Drawing over the camera's picture: where to hold card or face, the card that was found, glare, and the edge to move.

const SVG = "http://www.w3.org/2000/svg";
const CARD = 85.6 / 53.98; // width by height of ID-1, ISO/IEC 7810
const EASE = 0.4; // share of the way to the newest corners per frame of the screen; chosen by hand
const STALE_MS = 1500; // after which corners are no longer drawn; chosen by hand
const EDGES = { left: [0, 3], right: [1, 2], top: [0, 1], bottom: [3, 2] };
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

export class Overlay {
  camera;
  finder;
  svg;
  face;
  wanted;

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

  /** Prepare for a card that is wanted in a pose, or for a face. */
  begin(wanted) {
    const face = !wanted;
    Object.assign(this, { face, wanted });
    this.guidance = this.corners = null;
    const { width, height } = this.camera.size;
    this.finder.style.setProperty("--aspect", face ? 3 / 4 : width / height || 16 / 9);
    this.finder.classList.toggle("tall", (face ? 3 / 4 : width / height || 16 / 9) < 1);
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
    const hole = this.face ? oval(width, height) : frame(width, height, this.#cardWidth());
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

  /** Width of the card in the finder at the distance that is wanted. */
  #cardWidth() {
    const { clientWidth, clientHeight } = this.finder;
    const { width, height } = this.camera.size;
    return (this.wanted?.share ?? 0.6) * width * Math.max(clientWidth / width, clientHeight / height);
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
    const [mx, my] = [(ax + bx) / 2 - centre[0], (ay + by) / 2 - centre[1]];
    const away = Math.hypot(mx, my) || 1;
    const [ox, oy] = [mx / away, my / away]; // out of the card, across the edge
    const size = Math.min(48, Math.max(18, Math.hypot(bx - ax, by - ay) * 0.2));
    // Along and across the direction out of the card, in units of the arrow's size.
    const outline = [[0.7, -0.15], [1.3, -0.5], [1.3, -1], [2.2, 0], [1.3, 1], [1.3, 0.5], [0.7, 0.15]];
    const placed = outline.map(([out, side]) => {
      const [x, y] = [centre[0] + mx + size * (out * ox - side * oy), centre[1] + my + size * (out * oy + side * ox)];
      return `${x.toFixed(1)} ${y.toFixed(1)}`;
    });
    return `M${placed.join("L")}Z`;
  }

  #glare(boxes) {
    const drawn = boxes.map(([left, top, width, height]) => {
      const [a, b] = [this.#place([left, top]), this.#place([left + width, top + height])];
      const box = document.createElementNS(SVG, "rect");
      const sides = { x: Math.min(a[0], b[0]), y: a[1], width: Math.abs(b[0] - a[0]), height: b[1] - a[1], rx: 8 };
      for (const [name, value] of Object.entries(sides)) box.setAttribute(name, String(value));
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
function nearerEdge({ hint } = /** @type {any} */ ({})) {
  if (["tilt_left_more", "tilt_right_less", "left_nearer"].includes(hint)) return "left";
  if (["tilt_right_more", "tilt_left_less", "right_nearer"].includes(hint)) return "right";
  if (hint === "top_nearer") return "top";
  return hint === "bottom_nearer" ? "bottom" : null;
}

function polygon(corners) {
  return `M${corners.map((corner) => corner.map((value) => value.toFixed(1)).join(" ")).join("L")}Z`;
}

function frame(width, height, cardWidth) {
  const w = Math.min(cardWidth, width * 0.94, height * 0.94 * CARD);
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
