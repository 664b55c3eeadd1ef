// The layouts of the component: a telephone upright and lying, a tablet, a tall kiosk, and a desk.

export const LAYOUTS = `
/* Two buttons beside each other: both are within reach. */
main .actions:has(> :nth-child(2):not([hidden])):not(:has(> [hidden])) { grid-template-columns: 1fr 1fr; align-items: stretch; }
/* A telephone, held upright */
@media (width <= 560px) and (orientation: portrait) {
  .top { padding: 0.7rem 0.9rem 0.3rem; }
  .foot { gap: 0.4rem; padding-inline: 0.6rem; }
  .tools, .calls { gap: 0.4rem; flex-wrap: nowrap; }
  .tools button { flex: 1 1 auto; padding: 0.3rem 0.45rem; font-size: 0.82rem; min-height: 2.75rem; white-space: normal; }
  .languages { flex: none; padding: 0.15rem; }
  .languages button { flex: none; padding: 0.2rem 0.5rem; font-size: 0.84rem; min-height: 2.75rem; }
  .calls button { flex: 1 1 0; min-width: 0; white-space: normal; flex-direction: column; gap: 0.15rem; padding: 0.3rem 0.2rem; font-size: 0.82rem; min-height: 3.3rem; }
  .sheet { padding: 1.2rem; gap: 1rem; }
  main .actions button { padding-inline: 0.5rem; font-size: 1.02rem; }
  h1 { font-size: 1.6rem; }
  .says h1 { font-size: 1.5rem; }
  .pose svg { width: 7rem; }
  .picture { width: 5rem; height: 5rem; padding: 1.05rem; }
  /* The preview of an upright camera fills the screen; words and drawing lie on it. */
  main:has(.capture:not([hidden]) .tall) { padding: 0; }
  .capture:has(.tall) { position: relative; align-content: stretch; grid-template-rows: auto 1fr auto auto auto; gap: 0; }
  .capture .tall { position: absolute; inset: 0; width: auto; max-width: none; aspect-ratio: auto; border-radius: 0; box-shadow: none; }
  .capture:has(.tall) > :not(.finder) { position: relative; z-index: 1; }
  .capture:has(.tall) .says { grid-row: 1; min-height: 0; padding: 0.8rem 1rem; background: rgb(8 22 28 / 78%); color: #fff; }
  .capture:has(.tall) .stage { color: #bfe8d8; }
  .capture:has(.tall) .pose { grid-row: 3; width: calc(100% - 1.4rem); margin: 0 auto 0.5rem; padding: 0.3rem 0.8rem; }
  .capture:has(.tall) .pose svg { width: 6rem; }
  .capture:has(.tall) .steps { grid-row: 4; padding-inline: 0.8rem; }
  .capture:has(.tall) .stepped { grid-row: 5; margin: 0.3rem auto 0.5rem; padding: 0.1rem 0.8rem; border-radius: 1rem; background: var(--sheet); }
}
/* A tablet or a tall kiosk */
@media (width > 560px) and (orientation: portrait) {
  section.capture { gap: 1.1rem; padding-top: 1vh; }
  section.capture { align-content: start; }
  .says h1 { font-size: 2.1rem; }
  .tools, .calls { flex-wrap: nowrap; }
  .foot button { font-size: 0.82rem; padding-inline: 0.6rem; }
}
@media (height >= 1400px) and (orientation: portrait) {
  .says { min-height: 9.6rem; }
  .says h1 { font-size: 2.5rem; }
  .stage { font-size: 1.2rem; }
  [data-of="welcome"] h1 { font-size: 2.5rem; }
  section.capture { gap: 1.4rem; padding-top: 2vh; }
  .pose svg { width: 14rem; }
  .steps li { height: 0.75rem; }
  .sheet { gap: 1.7rem; }
}
/* A desk, and a telephone that lies: the picture beside the words */
@media (orientation: landscape) and (width >= 700px) {
  .sheet { max-width: 44rem; }
  section.capture { grid-template-columns: minmax(0, 1.7fr) minmax(14rem, 1fr); grid-template-rows: 1fr auto auto auto auto 1fr; column-gap: 2rem; align-content: stretch; min-height: 0; }
  .finder { grid-column: 1; grid-row: 1 / -1; align-self: center; max-width: calc(62dvh * var(--aspect, 1.777)); }
  .says, .pose, .steps, .stepped { grid-column: 2; }
  .says { grid-row: 2; text-align: left; }
  .pose { grid-row: 3; }
  .steps { grid-row: 4; }
  .stepped { grid-row: 5; text-align: left; }
  .foot { grid-template-columns: auto auto; justify-content: space-between; }
  .challenge { grid-template-rows: 4rem auto auto auto; gap: 0.8rem; }
}
/* A telephone that lies */
@media (orientation: landscape) and (height <= 520px) {
  .top { display: none; }
  main { padding-block: 0.5rem 0.2rem; }
  .sheet { padding: 0.9rem 1.2rem 0; gap: 0.7rem; max-width: none; }
  main .actions { bottom: -0.2rem; padding: 0.4rem 0 0.3rem; margin: 0; }
  main .actions button { padding-block: 0.2rem; }
  .needs { grid-template-columns: repeat(3, 1fr); gap: 0.8rem; }
  [data-of="confirm"] .needs { grid-template-columns: 1fr 1fr; }
  .needs li, .fact { gap: 0.6rem; }
  .needs svg, .fact svg { width: 2.2rem; height: 2.2rem; padding: 0.4rem; }
  .needs p, .fact p { font-size: 0.9rem; }
  h1, .says h1 { font-size: 1.35rem; }
  .lead { font-size: 1rem; }
  .picture { width: 3.4rem; height: 3.4rem; padding: 0.7rem; }
  .trail svg { max-width: 3.4rem; padding: 0.6rem; }
  .turning { width: 3rem; height: 3rem; border-width: 0.35rem; }
  .go, .plain, .danger { min-height: 2.75rem; }
  .foot { gap: 0.4rem; padding: 0.35rem 0.8rem max(0.35rem, env(safe-area-inset-bottom)); }
  .tools, .calls { gap: 0.35rem; flex-wrap: nowrap; }
  .tools, .calls { align-items: center; }
  .foot button { padding: 0.1rem 0.45rem; font-size: 0.78rem; min-height: 2.5rem; gap: 0.3rem; white-space: normal; flex-direction: row; }
  .languages { padding: 0.1rem; }
  section.capture { column-gap: 1rem; row-gap: 0.4rem; }
  .says { min-height: 0; gap: 0; }
  .finder { max-width: 100%; width: auto; height: 100%; max-height: calc(100dvh - 5.2rem); justify-self: center; }
  .pose { padding: 0.3rem 0.7rem; gap: 0.6rem; }
  .pose svg { width: 5rem; }
  #pose-text { font-size: 0.95rem; }
  .challenge { grid-template-columns: auto auto; grid-template-rows: 1fr auto auto; column-gap: 2rem; justify-content: center; padding: 0.8rem; }
  .challenge h1, .challenge .arrow, .challenge .halt { grid-column: 2; font-size: 1.35rem; }
  .challenge .halt { font-size: 1rem; }
  .challenge h1 { grid-row: 1; }
  .challenge .mirror { grid-column: 1; grid-row: 1 / -1; width: min(40vw, 62dvh); }
  .arrow { width: 4.5rem; height: 4.5rem; padding: 0.9rem; }
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation-duration: 0.01ms !important; animation-iteration-count: 1 !important; transition: none !important; }
  .turning { border-top-color: var(--mist); border-style: dotted; border-color: var(--deep); }
}
@media (forced-colors: active) {
  .go, .plain, .danger { border-color: ButtonText; }
  .steps li.done { forced-color-adjust: none; }
}
`;
