// The drawings of the component, as symbols that its views use.

import { markup } from "./markup.js";

export const icons = () => markup`
<svg class="sprite" aria-hidden="true" width="0" height="0">
  <symbol id="i-card" viewBox="0 0 48 48"><rect x="4" y="10" width="40" height="28" rx="4"/><circle cx="15" cy="21" r="4"/><path d="M9 32c1-4 3-6 6-6s5 2 6 6M27 19h11M27 25h11M27 31h7"/></symbol>
  <symbol id="i-face" viewBox="0 0 48 48"><path d="M24 5c9 0 15 7 15 17 0 11-7 21-15 21S9 33 9 22C9 12 15 5 24 5z"/><path d="M18 21v1M30 21v1M18 31c2 2 4 3 6 3s4-1 6-3"/></symbol>
  <symbol id="i-move" viewBox="0 0 48 48"><path d="M24 12c6 0 10 5 10 12s-4 13-10 13-10-6-10-13 4-12 10-12zM8 18l-5 6 5 6M40 18l5 6-5 6M18 6l6-4 6 4"/></symbol>
  <symbol id="i-bin" viewBox="0 0 48 48"><path d="M9 13h30M19 13V7h10v6M13 13l2 28h18l2-28M20 21v12M28 21v12"/></symbol>
  <symbol id="i-lock" viewBox="0 0 48 48"><rect x="9" y="21" width="30" height="21" rx="4"/><path d="M15 21v-6a9 9 0 0 1 18 0v6M24 29v5"/></symbol>
  <symbol id="i-hand" viewBox="0 0 48 48"><path d="M15 27V12a3 3 0 0 1 6 0v11V8a3 3 0 0 1 6 0v15V11a3 3 0 0 1 6 0v14-6a3 3 0 0 1 6 0v13c0 7-5 12-12 12-6 0-9-3-12-8l-6-10c-1-3 2-5 5-2z"/></symbol>
  <symbol id="i-light" viewBox="0 0 48 48"><circle cx="24" cy="24" r="8"/><path d="M24 4v6M24 38v6M4 24h6M38 24h6M10 10l4 4M34 34l4 4M38 10l-4 4M14 34l-4 4"/></symbol>
  <symbol id="i-camera" viewBox="0 0 48 48"><path d="M5 14h9l4-5h12l4 5h9v25H5z"/><circle cx="24" cy="26" r="8"/></symbol>
  <symbol id="i-camera-off" viewBox="0 0 48 48"><path d="M5 14h9l4-5h12l4 5h9v25H5z"/><circle cx="24" cy="26" r="8"/><path d="M6 4l36 40"/></symbol>
  <symbol id="i-offline" viewBox="0 0 48 48"><path d="M5 19a28 28 0 0 1 38 0M12 26a18 18 0 0 1 24 0M18 33a9 9 0 0 1 12 0M24 40v.5M8 6l32 36"/></symbol>
  <symbol id="i-again" viewBox="0 0 48 48"><path d="M40 24a16 16 0 1 1-5-11.5M36 4v9h-9"/></symbol>
  <symbol id="i-good" viewBox="0 0 48 48"><circle cx="24" cy="24" r="19"/><path d="M15 25l6 6 12-13"/></symbol>
  <symbol id="i-person" viewBox="0 0 48 48"><circle cx="24" cy="24" r="19"/><path d="M24 13v13l8 5"/></symbol>
  <symbol id="i-ticket" viewBox="0 0 48 48"><path d="M5 13h38v7a4 4 0 0 0 0 8v7H5v-7a4 4 0 0 0 0-8zM30 14v4M30 22v4M30 30v4"/></symbol>
  <symbol id="i-sorry" viewBox="0 0 48 48"><circle cx="24" cy="24" r="19"/><path d="M24 14v13M24 33v.5"/></symbol>
  <symbol id="i-voice" viewBox="0 0 48 48"><path d="M7 18h8l10-8v28l-10-8H7zM31 18c3 3 3 9 0 12M36 12c7 7 7 17 0 24"/></symbol>
  <symbol id="i-mute" viewBox="0 0 48 48"><path d="M7 18h8l10-8v28l-10-8H7zM32 19l10 10M42 19L32 29"/></symbol>
  <symbol id="i-closed" viewBox="0 0 48 48"><circle cx="24" cy="24" r="19"/><path d="M13 24h22"/></symbol>
  <symbol id="i-stop" viewBox="0 0 48 48"><path d="M12 12l24 24M36 12L12 36"/></symbol>
  <symbol id="i-ways" viewBox="0 0 48 48"><circle cx="24" cy="9" r="4"/><path d="M8 18l16 2 16-2M24 20v10M24 30l-7 14M24 30l7 14"/></symbol>
  <symbol id="i-staff" viewBox="0 0 48 48"><path d="M9 36V22a15 15 0 0 1 30 0v14M9 25h5v11H9zM34 25h5v11h-5zM39 36c0 5-5 7-12 7"/></symbol>
  <symbol id="i-turn_left" viewBox="0 0 48 48"><path d="M42 24H8M20 10L6 24l14 14"/></symbol>
  <symbol id="i-turn_right" viewBox="0 0 48 48"><path d="M6 24h34M28 10l14 14-14 14"/></symbol>
  <symbol id="i-look_up" viewBox="0 0 48 48"><path d="M24 42V8M10 20L24 6l14 14"/></symbol>
  <symbol id="i-look_down" viewBox="0 0 48 48"><path d="M24 6v34M10 28l14 14 14-14"/></symbol>
  <symbol id="i-come_closer" viewBox="0 0 48 48"><path d="M17 17L5 5M5 14V5h9M31 17L43 5M34 5h9v9M17 31L5 43M5 34v9h9M31 31l12 12M34 43h9v-9"/></symbol>
  <symbol id="i-look_straight" viewBox="0 0 48 48"><circle cx="24" cy="24" r="16"/><circle cx="24" cy="24" r="3"/></symbol>
  <symbol id="i-blink" viewBox="0 0 48 48"><path d="M6 22c5 8 11 11 18 11s13-3 18-11M13 31l-4 6M24 33v7M35 31l4 6"/></symbol>
  <symbol id="i-open_mouth" viewBox="0 0 48 48"><circle cx="24" cy="24" r="20"/><path d="M17 16v1M31 16v1"/><ellipse cx="24" cy="30" rx="6" ry="8"/></symbol>
  <symbol id="i-colours" viewBox="0 0 48 48"><circle cx="24" cy="16" r="11"/><circle cx="16" cy="30" r="11"/><circle cx="32" cy="30" r="11"/></symbol>
</svg>
`;
