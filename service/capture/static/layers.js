// What lies over the views of the component: the light on the card, the challenge, dialogs, and messages.

import { markup } from "./markup.js";

export const layers = () => markup`
<div class="card-light" id="card-light" hidden>
  <h1 part="heading" tabindex="-1" id="lit-asked"></h1>
  <div class="lit-finder" id="lit-finder"><video id="lit-video" playsinline muted aria-hidden="true"></video></div>
  <button type="button" class="plain halt" part="button secondary" data-do="interrupt" data-t="stop"></button>
</div>

<div class="challenge" id="challenge" hidden>
  <h1 part="heading" tabindex="-1" id="asked"></h1>
  <div class="mirror" id="mirror">
    <video id="mirror-video" playsinline muted aria-hidden="true"></video>
    <svg class="ring" viewBox="0 0 300 400" aria-hidden="true">
      <ellipse class="track" cx="150" cy="200" rx="140" ry="190" pathLength="100"/>
      <ellipse class="done" id="ring" cx="150" cy="200" rx="140" ry="190" pathLength="100"/>
    </svg>
  </div>
  <svg class="arrow" id="arrow" viewBox="0 0 48 48" aria-hidden="true"><use id="arrow-use" href="#i-look_straight"/></svg>
  <p class="count" id="count" aria-hidden="true"></p>
  <button type="button" class="plain halt" part="button secondary" data-do="interrupt" data-t="stop"></button>
</div>

<dialog part="dialog" id="help" aria-labelledby="help-title">
  <h2 id="help-title" tabindex="-1" data-t="help.title"></h2>
  <p data-t="help.lead"></p>
  <form class="choices" id="choices">
    <label><input type="checkbox" name="cannot_turn"><span data-t="help.cannot_turn"></span></label>
    <label><input type="checkbox" name="cannot_nod"><span data-t="help.cannot_nod"></span></label>
    <label><input type="checkbox" name="cannot_approach"><span data-t="help.cannot_approach"></span></label>
    <label><input type="checkbox" name="cannot_blink"><span data-t="help.cannot_blink"></span></label>
    <label><input type="checkbox" name="cannot_open_mouth"><span data-t="help.cannot_open_mouth"></span></label>
    <label><input type="checkbox" name="photosensitive"><span data-t="help.photosensitive"></span></label>
    <label><input type="checkbox" name="more_time"><span data-t="help.more_time"></span></label>
  </form>
  <form class="permit" id="permit" autocomplete="off">
    <label for="permit-code" data-t="permit.label"></label>
    <div class="typed">
      <input id="permit-code" type="text" maxlength="20" autocapitalize="characters" spellcheck="false" aria-describedby="permit-said">
      <button class="plain" part="button secondary" data-t="permit.go"></button>
    </div>
    <p id="permit-said" role="status"></p>
  </form>
  <p data-t="help.staff"></p>
  <div class="actions">
    <button type="button" class="go" part="button primary" data-do="close-help" data-t="help.close"></button>
    <button type="button" class="plain" part="button secondary" data-do="check" id="check-open" data-t="check.open"></button>
    <button type="button" class="plain" part="button secondary" data-do="retake" id="retake" data-t="help.retake"></button>
    <button type="button" class="plain" part="button secondary" data-do="staff" data-t="staff.call"></button>
  </div>
</dialog>

<dialog part="dialog" id="check" aria-labelledby="check-title">
  <h2 id="check-title" tabindex="-1" data-t="check.title"></h2>
  <p data-t="check.text"></p>
  <video id="check-video" class="checked" playsinline muted data-t-label="video.label"></video>
  <p id="check-verdict" role="status"></p>
  <p id="check-facts" class="small"></p>
  <label id="check-choice" class="stack" hidden><span data-t="check.choose"></span><select id="check-camera"></select></label>
  <div class="actions">
    <button type="button" class="go" part="button primary" data-do="close-check" data-t="check.close"></button>
    <button type="button" class="plain" part="button secondary" data-do="check" data-t="check.again"></button>
  </div>
</dialog>

<dialog part="dialog" id="stop" aria-labelledby="stop-title">
  <h2 id="stop-title" tabindex="-1" data-t="stop.title"></h2>
  <p data-t="stop.text"></p>
  <div class="actions">
    <button type="button" class="go" part="button primary" data-do="close-stop" data-t="stop.no"></button>
    <button type="button" class="danger" part="button danger" data-do="cancel" data-t="stop.yes"></button>
  </div>
</dialog>

<dialog part="dialog" id="extend" aria-labelledby="extend-title">
  <h2 id="extend-title" tabindex="-1" data-t="extend.title"></h2>
  <p id="extend-text" role="timer"></p>
  <div class="actions">
    <button type="button" class="go" part="button primary" data-do="extend" data-t="extend.yes"></button>
    <button type="button" class="plain" part="button secondary" data-do="close-extend" data-t="extend.no"></button>
  </div>
</dialog>

<dialog part="dialog" id="idle" aria-labelledby="idle-title">
  <h2 id="idle-title" tabindex="-1" data-t="idle.title"></h2>
  <p id="idle-text" role="timer"></p>
  <div class="actions"><button type="button" class="go" part="button primary" data-do="here" data-t="idle.go"></button></div>
</dialog>

<div class="toast" part="toast" id="toast" aria-hidden="true"></div>
<p id="announce" class="heard-only" aria-live="polite"></p>
`;
