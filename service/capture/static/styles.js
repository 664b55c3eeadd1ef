// The look of the component.

export const STYLES = `
:host {
  display: block;
  --paper: var(--idproof-paper, #f5f4ef);
  --sheet: var(--idproof-sheet, #ffffff);
  --ink: var(--idproof-ink, #14262d);
  --soft: var(--idproof-soft, #4a5a60);
  --line: var(--idproof-line, #d9dcd6);
  --deep: var(--idproof-deep, #0b4a5e);
  --deeper: var(--idproof-deeper, #073746);
  --mist: var(--idproof-mist, #e3eef0);
  --jade: var(--idproof-jade, #0d7256);
  --jade-mist: var(--idproof-jade-mist, #dff0e8);
  --jade-bright: var(--idproof-jade-bright, #43d6a2);
  --amber: var(--idproof-amber, #7a4b00);
  --amber-mist: var(--idproof-amber-mist, #fbefd6);
  --amber-bright: var(--idproof-amber-bright, #ffc24b);
  --red: var(--idproof-red, #a32a24);
  --radius: var(--idproof-radius, 1.1rem);
  --type: var(--idproof-font, "Noto Sans HK", "Noto Sans CJK HK", "PingFang HK", "Hiragino Sans CNS", "Microsoft JhengHei", system-ui, "Noto Sans TC", "idproof TC", sans-serif);
}
*, *::before, *::after { box-sizing: border-box; }
#page:lang(zh-Hans) {
  --type: var(--idproof-font, "Noto Sans SC", "Noto Sans CJK SC", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", system-ui, sans-serif);
}
#page {
  min-height: var(--idproof-height, 100%);
  height: var(--idproof-height, auto);
  background: var(--paper);
  color: var(--ink);
  font-family: var(--type);
  line-height: 1.5;
}
h1, h2, p, ol, ul { margin: 0; padding: 0; }
ol, ul { list-style: none; }
h1 { font-size: 1.9rem; line-height: 1.22; font-weight: 700; text-wrap: balance; }
h1:focus, h2:focus { outline: none; }
main:focus:not(:focus-visible) { outline: none; }
h2 { font-size: 1.1rem; line-height: 1.35; font-weight: 700; }
.lead { font-size: 1.12rem; color: var(--soft); text-wrap: pretty; }
.small { font-size: 0.85rem; color: var(--soft); }
.wrong { color: var(--red); font-weight: 700; }
.wrong:empty { display: none; }
svg { fill: none; stroke: currentcolor; stroke-width: 3; stroke-linecap: round; stroke-linejoin: round; }
button, input { font: inherit; color: inherit; }
button {
  display: inline-flex;
  align-items: center;
  justify-content: center;
  gap: 0.55rem;
  min-height: 3.1rem;
  padding: 0.55rem 1.3rem;
  border: 2px solid transparent;
  border-radius: 0.8rem;
  font-weight: 700;
  cursor: pointer;
}
button svg { width: 1.4em; height: 1.4em; flex: none; }
button:disabled { opacity: 0.45; cursor: default; }
.go { background: var(--deep); color: #fff; font-size: 1.15rem; min-height: 3.7rem; }
.go:hover { background: var(--deeper); }
.plain { background: var(--sheet); color: var(--deep); border-color: #9fb4ba; }
.plain:hover { background: var(--mist); }
.danger { background: var(--red); color: #fff; min-height: 3.7rem; }
:focus-visible { outline: 4px solid #f0a202; outline-offset: 3px; box-shadow: 0 0 0 3px var(--ink); }
h1:focus-visible, h2:focus-visible { outline: none; box-shadow: none; }
main:focus-visible { outline-offset: -4px; box-shadow: none; }
.languages { display: flex; background: #e6e8e3; border-radius: 0.8rem; padding: 0.2rem; }
.languages button { min-height: 2.6rem; padding: 0.2rem 0.9rem; border: 0; border-radius: 0.65rem; background: none; font-size: 0.95rem; white-space: nowrap; }
[data-language]:not([data-language="en"]) { font-family: var(--idproof-font-languages, inherit); }
.languages button[aria-pressed="true"] { background: var(--sheet); color: var(--deep); box-shadow: 0 1px 3px rgb(20 38 45 / 22%); }
.heard-only, .skip:not(:focus) { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip:focus { position: absolute; z-index: 9; top: 0.5rem; left: 0.5rem; padding: 0.8rem 1.2rem; background: #fff; color: var(--deep); border-radius: 0.6rem; }
[hidden], #page:not(.staff) [data-do="staff"], #page:not(.hand-off) [data-do="handoff"] { display: none !important; }
#page { display: grid; grid-template-rows: auto minmax(0, 1fr) auto auto; }
.top { grid-row: 1; }
main { grid-row: 2; }
.caption { grid-row: 3; }
.foot { grid-row: 4; }
.top { display: flex; align-items: center; justify-content: space-between; gap: 0.8rem; padding: 1.1rem clamp(0.9rem, 4vw, 2.2rem) 0.7rem; }
main { display: grid; padding: 0.3rem clamp(0.9rem, 4vw, 2.2rem) 0.8rem; min-width: 0; overflow: auto; overscroll-behavior: contain; }
/* Everything that is touched is near the bottom: within reach of those who sit. */
main > section { display: grid; align-content: safe end; min-width: 0; }
.foot { display: grid; gap: 0.55rem; padding: 0.6rem clamp(0.9rem, 4vw, 2.2rem) max(0.8rem, env(safe-area-inset-bottom)); border-top: 1px solid var(--line); background: #fbfaf7; }
.tools, .calls { display: flex; flex-wrap: wrap; gap: 0.6rem; justify-content: center; }
.foot button { flex: 0 1 auto; padding: 0.35rem 0.8rem; font-size: 0.95rem; line-height: 1.2; white-space: nowrap; }
.caption { margin: 0 auto; padding: 0.6rem 1.2rem; max-width: 44rem; border-radius: 0.8rem; background: var(--ink); color: #fff; }
.caption:empty { display: none; }
.foot .called { white-space: normal; background: var(--jade-mist); border-color: var(--jade); color: #07543e; }

.sheet { display: grid; gap: 1.3rem; width: 100%; max-width: 35rem; margin-inline: auto; padding: clamp(1.3rem, 5vw, 2.4rem); background: var(--sheet); border-radius: calc(var(--radius) * 1.3); box-shadow: 0 1px 2px rgb(20 38 45 / 8%), 0 0.8rem 2.4rem rgb(20 38 45 / 7%); }
.centred { justify-items: center; text-align: center; }
.actions { display: grid; gap: 0.75rem; width: 100%; margin-top: 0.3rem; }
/* What goes on is always in view, however long the text above it is. */
main .actions { position: sticky; z-index: 1; bottom: -0.8rem; padding: 0.7rem 0 0.8rem; margin-bottom: -0.8rem; background: linear-gradient(transparent, var(--sheet) 0.7rem); }
.stack { display: grid; gap: 0.6rem; }
.stack label { font-weight: 700; }
input[type="password"], input[type="text"] { min-height: 3.1rem; width: 100%; padding: 0.4rem 0.9rem; border: 2px solid #6f858c; border-radius: 0.7rem; background: #fff; }

.needs { display: grid; gap: 1.1rem; }
.needs li, .fact { display: grid; grid-template-columns: auto 1fr; gap: 1rem; align-items: start; }
.needs svg, .fact svg { width: 2.9rem; height: 2.9rem; padding: 0.55rem; border-radius: 0.9rem; background: var(--mist); color: var(--deep); }
.needs p, .fact p { color: var(--soft); }
.facts { display: grid; gap: 1.05rem; }
.picture { width: 6.2rem; height: 6.2rem; padding: 1.3rem; border-radius: 50%; background: var(--mist); color: var(--deep); }
.picture.amber { background: var(--amber-mist); color: var(--amber); }
.picture.jade { background: var(--jade-mist); color: var(--jade); }
.remark { padding: 0.8rem 1rem; border-radius: 0.8rem; background: var(--amber-mist); color: #5c3900; font-weight: 700; }
.remark:empty, .lead:empty, .small:empty { display: none; }
.trail { display: flex; justify-content: space-between; gap: 0.6rem; }
.trail svg { flex: 1 1 0; max-width: 6rem; aspect-ratio: 1; padding: 1.1rem; border-radius: 1rem; background: var(--mist); color: var(--deep); }
.trail svg:last-child { color: var(--jade); }
.trail.calm svg:last-child { display: none; }
.reasons { width: 100%; text-align: left; padding: 1rem 1.2rem; border-radius: 0.9rem; background: var(--paper); }
.reasons li { position: relative; padding: 0.4rem 0 0.4rem 1.4rem; }
.reasons li::before { content: ""; position: absolute; left: 0.2rem; top: 1rem; width: 0.5rem; height: 0.5rem; border-radius: 50%; background: var(--amber); }
.deleted { display: flex; align-items: center; gap: 0.6rem; padding: 0.55rem 1.1rem; border-radius: 2rem; background: var(--jade-mist); color: #07543e; font-weight: 700; }
.deleted svg { flex: none; width: 1.4rem; height: 1.4rem; }
#result-number, #compare-origin, #notice-origin { overflow-wrap: anywhere; }
#passkey, .wallet { display: grid; gap: 0.8rem; justify-items: center; width: 100%; }
.wallet button, .wallet .link { width: 100%; max-width: 22rem; }
#passkey p:empty, .wallet p:empty { display: none; }
#guardian-offer button { width: 100%; }
.transaction { padding: 1rem 1.2rem; border-left: 0.4rem solid var(--deep); border-radius: 0.4rem; background: var(--paper); font-size: 1.25rem; font-weight: 700; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 40dvh; overflow: auto; }
.qr { width: min(20rem, 70vw); background: #fff; }
.qr svg { display: block; width: 100%; shape-rendering: crispEdges; forced-color-adjust: none; }
.qr path { fill: #000; stroke: none; }
.code { font-size: 1.3rem; font-weight: 700; letter-spacing: 0.12em; font-variant-numeric: tabular-nums; }
.ticket { display: grid; gap: 0.7rem; justify-items: center; width: 100%; padding: 1rem; border: 2px dashed #9fb4ba; border-radius: 1rem; }
.ticket .qr { width: min(17rem, 66vw); margin: -0.6rem 0; }
.ticket .code { font-size: 1.75rem; letter-spacing: 0.08em; white-space: nowrap; }
.link { display: inline-flex; align-items: center; justify-content: center; min-height: 3.7rem; border-radius: 0.8rem; background: var(--deep); color: #fff; font-weight: 700; text-decoration: none; }
.turning { width: 4.4rem; height: 4.4rem; border-radius: 50%; border: 0.5rem solid var(--mist); border-top-color: var(--deep); animation: turn 1.1s linear infinite; }
.turning.little { width: 2.4rem; height: 2.4rem; border-width: 0.3rem; }
@keyframes turn { to { transform: rotate(1turn); } }

/* The camera */
section.capture { align-content: start; gap: 0.9rem; grid-template-columns: minmax(0, 1fr); }
.says { display: grid; gap: 0.3rem; align-content: end; min-height: 6.9rem; text-align: center; }
.says h1 { font-size: 2rem; }
.stage { color: var(--jade); font-weight: 700; }
.finder { position: relative; width: 100%; max-width: calc(52dvh * var(--aspect, 1.777)); margin-inline: auto; aspect-ratio: var(--aspect, 1.777); overflow: hidden; border-radius: var(--radius); background: #0e1a1f; box-shadow: 0 0.6rem 2rem rgb(20 38 45 / 20%); }
.finder video { display: block; width: 100%; height: 100%; object-fit: cover; }
.mirrored video { transform: scaleX(-1); }
.overlay { position: absolute; inset: 0; width: 100%; height: 100%; }
.scrim { fill: rgb(8 22 28 / 42%); stroke: none; }
.guide { fill: none; stroke: #fff; stroke-width: 4; stroke-dasharray: 2 12; opacity: 0.95; }
.outline { fill: rgb(67 214 162 / 7%); stroke: var(--amber-bright); stroke-width: 5; }
.near { stroke: #fff; stroke-width: 13; }
.near-core { stroke: var(--amber-bright); stroke-width: 8; }
.push { fill: var(--amber-bright); stroke: #14262d; stroke-width: 2; }
.glared { fill: rgb(255 194 75 / 30%); stroke: var(--amber-bright); stroke-width: 3; stroke-dasharray: 7 6; }
.oval { fill: none; stroke: #fff; stroke-width: 6; }
.is-good .outline, .is-good .oval { stroke: var(--jade-bright); stroke-width: 8; }
.is-good .outline { fill: rgb(67 214 162 / 14%); }
.shutter { fill: none; stroke: var(--jade-bright); stroke-width: 8; }
.pose { display: grid; grid-template-columns: auto 1fr; align-items: center; gap: 1rem; max-width: 35rem; width: 100%; margin-inline: auto; padding: 0.6rem 1.2rem; background: var(--sheet); border-radius: var(--radius); border: 1px solid var(--line); }
.pose svg { width: 9.6rem; height: auto; overflow: visible; }
.pose p { display: grid; }
#pose-text { font-weight: 700; font-size: 1.1rem; }
.pose path { stroke-linejoin: round; }
.pose .card { fill: var(--deep); stroke: #fff; stroke-width: 2; }
.pose .photo { fill: #e0b45c; }
.pose .lines { fill: none; stroke: #d7e2e4; stroke-width: 6; stroke-linecap: round; }
.pose .wanted { fill: none; stroke: var(--amber); stroke-width: 4; stroke-dasharray: 9 7; }
.pose.reached .card { fill: var(--jade); }
.pose.reached .wanted { stroke: var(--jade); stroke-dasharray: none; }
.steps { display: flex; gap: 0.4rem; max-width: 35rem; width: 100%; margin-inline: auto; }
.steps li { flex: 1; height: 0.6rem; border-radius: 0.3rem; background: #d4d8d3; overflow: hidden; }
.steps li.done { background: var(--jade); }
.steps li.now::before { content: ""; display: block; height: 100%; width: calc(100% * var(--done, 0)); background: var(--deep); }
.steps li.now { background: #b8ccd2; }
.stepped { text-align: center; }

/* The liveness challenge: the whole screen is light */
.challenge { position: fixed; inset: 0; z-index: 5; display: grid; grid-template-rows: 6.5rem auto auto auto; justify-items: center; align-content: center; gap: 1.2rem; padding: 1.4rem; background: #d4d4d1; color: var(--ink); text-align: center; }
.card-light { position: fixed; inset: 0; z-index: 5; display: grid; grid-template-rows: auto auto 1fr; justify-items: center; gap: 1rem; padding: 1.4rem; background-color: #d4d4d1; color: var(--ink); text-align: center; }
.card-light h1 { font-size: 1.9rem; }
.lit-finder { width: min(34vw, 20dvh); }
.lit-finder video { width: 100%; border-radius: var(--radius); }
.halt { align-self: end; min-height: 3.1rem; }
.challenge h1 { align-self: end; font-size: 2.1rem; }
.mirror { position: relative; width: min(72vw, 38dvh); aspect-ratio: 3 / 4; }
.mirror video { position: absolute; inset: 2.5%; width: 95%; height: 95%; object-fit: cover; border-radius: 50%; }
.ring { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.ring ellipse { stroke-width: 11; }
.ring .track { stroke: rgb(255 255 255 / 75%); }
.ring .done { stroke: var(--jade); stroke-dasharray: 0 100; transform: rotate(-90deg) scale(1.3333, 0.75); transform-origin: 150px 200px; }
.arrow { width: 7.5rem; height: 7.5rem; padding: 1.4rem; border-radius: 50%; background: var(--deep); color: #fff; stroke-width: 4; }
.count { position: absolute; display: grid; place-items: center; inset: 0; font-size: 7rem; font-weight: 700; color: #fff; text-shadow: 0 0 1.2rem rgb(8 22 28 / 80%); }
.count:empty { display: none; }
.challenge.colours .mirror { width: min(30vw, 20dvh); }
.challenge.colours .arrow { visibility: hidden; }

dialog { width: min(34rem, calc(100vw - 1.6rem)); max-height: calc(100dvh - 1.6rem); margin-block: auto max(0.8rem, env(safe-area-inset-bottom)); padding: clamp(1.2rem, 5vw, 2.2rem); border: 0; border-radius: calc(var(--radius) * 1.3); color: inherit; box-shadow: 0 1.4rem 5rem rgb(8 22 28 / 40%); }
dialog[open] { display: grid; gap: 1rem; }
dialog::backdrop { background: rgb(8 30 38 / 62%); }
dialog h2 { font-size: 1.55rem; }
.checked { width: 100%; max-height: 34dvh; border-radius: var(--radius); background: #0e1a1f; }
select { min-height: 3.1rem; width: 100%; padding: 0.4rem 0.9rem; border: 2px solid #6f858c; border-radius: 0.7rem; background: #fff; font: inherit; color: inherit; }
.permit { display: grid; gap: 0.6rem; }
.permit .typed { display: flex; gap: 0.6rem; align-items: stretch; }
.choices { display: grid; gap: 0.6rem; }
.choices label { display: flex; align-items: center; gap: 0.9rem; min-height: 3.3rem; padding: 0.4rem 1rem; border: 2px solid #9fb4ba; border-radius: 0.8rem; font-weight: 700; cursor: pointer; }
.choices label:has(:checked) { background: var(--jade-mist); border-color: var(--jade); }
.choices label:has(:focus-visible) { outline: 4px solid #f0a202; outline-offset: 2px; }
.choices input { width: 1.6rem; height: 1.6rem; flex: none; accent-color: var(--jade); outline: none; box-shadow: none; }
.toast { position: fixed; z-index: 6; left: 50%; top: max(0.8rem, env(safe-area-inset-top)); translate: -50% 0; width: max-content; max-width: calc(100vw - 2rem); padding: 0.8rem 1.4rem; border-radius: 0.9rem; background: var(--ink); color: #fff; font-weight: 700; text-align: center; }
.toast:empty, #page[data-action] .toast { display: none; }
.sprite { position: absolute; }

`;
