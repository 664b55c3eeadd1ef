// The views of the component: one section each, of which one is shown at a time; and its foot.

import { markup } from "./markup.js";

export const views = () => markup`
<a class="skip" href="#main" data-t="skip"></a>

<header class="top" part="header">
  <slot name="brand"><span></span></slot>
</header>

<main id="main" tabindex="0">

<section data-of="setup" hidden><slot name="setup"></slot></section>

<section data-of="connecting">
  <div class="sheet centred" part="sheet">
    <div class="turning" aria-hidden="true"></div>
    <h1 part="heading" tabindex="-1" data-t="connecting.title"></h1>
    <p class="lead" data-t="connecting.text"></p>
  </div>
</section>

<section data-of="welcome" hidden>
  <div class="sheet" part="sheet">
    <h1 part="heading" tabindex="-1" data-t="welcome.title"></h1>
    <p class="lead" data-t="welcome.lead"></p>
    <ol class="needs">
      <li><svg aria-hidden="true"><use href="#i-card"/></svg><div><h2 data-t="welcome.card.title"></h2><p data-t="welcome.card.text"></p></div></li>
      <li><svg aria-hidden="true"><use href="#i-face"/></svg><div><h2 data-t="welcome.face.title"></h2><p data-t="welcome.face.text"></p></div></li>
      <li><svg aria-hidden="true"><use href="#i-move"/></svg><div><h2 data-t="welcome.move.title"></h2><p data-t="welcome.move.text"></p></div></li>
    </ol>
    <p class="remark" id="welcome-young" data-t="welcome.young" hidden></p>
    <p class="small" id="voice-how" data-t="voice.how"></p>
    <div class="actions">
      <button type="button" class="plain" part="button secondary" role="switch" data-do="voice" id="welcome-voice-button" aria-describedby="voice-how"><svg aria-hidden="true"><use id="welcome-voice-use" href="#i-mute"/></svg><span id="welcome-voice-text" data-t="voice.off"></span></button>
      <button class="go" part="button primary" data-do="notice" data-t="welcome.go"></button>
      <button class="plain" part="button secondary" data-do="handoff" data-t="handoff.go"></button>
    </div>
  </div>
</section>

<section data-of="confirm" hidden>
  <div class="sheet" part="sheet">
    <h1 part="heading" tabindex="-1" data-t="confirm.title"></h1>
    <p class="lead" data-t="confirm.lead"></p>
    <ol class="needs">
      <li><svg aria-hidden="true"><use href="#i-face"/></svg><div><h2 data-t="welcome.face.title"></h2><p data-t="welcome.face.text"></p></div></li>
      <li><svg aria-hidden="true"><use href="#i-move"/></svg><div><h2 data-t="welcome.move.title"></h2><p data-t="welcome.move.text"></p></div></li>
    </ol>
    <div class="actions">
      <button class="go" part="button primary" data-do="notice" data-t="welcome.go"></button>
      <button class="plain" part="button secondary" data-do="welcome" data-t="transaction.stop"></button>
    </div>
  </div>
</section>

<section data-of="transaction" hidden>
  <div class="sheet" part="sheet">
    <h1 part="heading" tabindex="-1" data-t="transaction.title"></h1>
    <p class="transaction" id="transaction-text"></p>
    <p class="lead" data-t="transaction.lead"></p>
    <div class="actions">
      <button class="go" part="button primary" data-do="confirmed" data-t="transaction.go"></button>
      <button class="plain" part="button secondary" data-do="cancel" data-t="transaction.stop"></button>
    </div>
  </div>
</section>

<section data-of="guardian" hidden>
  <div class="sheet" part="sheet">
    <h1 part="heading" tabindex="-1" data-t="guardian.title"></h1>
    <p class="lead" data-t="guardian.lead"></p>
    <p class="transaction" id="guardian-text"></p>
    <div class="actions">
      <button class="go" part="button primary" id="guardian-agree" data-do="guardian-agree" data-t="guardian.agree"></button>
      <button class="plain" part="button secondary" data-do="cancel" data-t="guardian.decline"></button>
    </div>
  </div>
</section>

<section data-of="notice" hidden>
  <div class="sheet" part="sheet">
    <h1 part="heading" tabindex="-1" data-t="notice.title"></h1>
    <p class="lead" id="notice-lead" data-t="notice.lead"></p>
    <p class="remark" id="notice-origin"></p>
    <div id="notice-facts" class="facts">
      <div class="fact"><svg aria-hidden="true"><use href="#i-bin"/></svg><div><h2 id="notice-pictures"></h2><p data-t="notice.pictures.text"></p></div></div>
      <div class="fact" id="notice-sealed" hidden><svg aria-hidden="true"><use href="#i-lock"/></svg><div><p data-t="notice.sealed"></p></div></div>
      <div class="fact" id="notice-template" hidden><svg aria-hidden="true"><use href="#i-lock"/></svg><div><p data-t="notice.template"></p></div></div>
      <div class="fact"><svg aria-hidden="true"><use href="#i-lock"/></svg><div><h2 data-t="notice.kept"></h2><p id="notice-kept" data-t="notice.kept.text"></p></div></div>
      <div class="fact"><svg aria-hidden="true"><use href="#i-hand"/></svg><div><h2 data-t="notice.stop"></h2><p data-t="notice.stop.text"></p></div></div>
      <div class="fact"><svg aria-hidden="true"><use href="#i-light"/></svg><div><p data-t="notice.light"></p></div></div>
    </div>
    <p id="notice-failed" class="wrong" role="alert"></p>
    <div class="actions">
      <button class="go" part="button primary" id="agree" data-do="agree" data-t="notice.agree"></button>
      <button class="plain" part="button secondary" data-do="decline" data-t="notice.decline"></button>
    </div>
  </div>
</section>

<section data-of="camera" hidden>
  <div class="sheet centred" part="sheet">
    <svg class="picture" part="icon" aria-hidden="true"><use href="#i-camera"/></svg>
    <h1 part="heading" tabindex="-1" data-t="camera.title"></h1>
    <p class="lead" data-t="camera.text"></p>
  </div>
</section>

<section data-of="trouble" hidden>
  <div class="sheet centred" part="sheet">
    <svg class="picture amber" aria-hidden="true"><use id="trouble-icon" href="#i-camera-off"/></svg>
    <h1 part="heading" tabindex="-1" id="trouble-title"></h1>
    <p class="lead" id="trouble-text"></p>
    <p class="lead" id="trouble-how"></p>
    <div class="actions">
      <button class="go" part="button primary" data-do="camera" id="trouble-go"></button>
      <button class="plain" part="button secondary" data-do="handoff" data-t="handoff.go"></button>
    </div>
  </div>
</section>

<section data-of="capture" class="capture" hidden>
  <div class="says">
    <p class="stage" id="stage-name"></p>
    <h1 part="heading" tabindex="-1" id="instruction"></h1>
  </div>
  <div class="finder" part="finder" id="finder">
    <video id="video" playsinline muted data-t-label="video.label"></video>
    <svg id="overlay" class="overlay" aria-hidden="true"></svg>
  </div>
  <div class="pose" id="pose" hidden>
    <svg viewBox="-92 -66 184 132" aria-hidden="true">
      <path id="pose-wanted" class="wanted"/>
      <path id="pose-card" class="card"/>
      <path id="pose-photo" class="photo"/>
      <path id="pose-small" class="photo"/>
      <path id="pose-lines" class="lines"/>
    </svg>
    <p><span class="small" data-t="pose.label"></span><span id="pose-text"></span><span class="small" id="pose-near"></span></p>
  </div>
  <ol class="steps" part="steps" id="steps" aria-hidden="true"></ol>
  <p class="stepped small" id="stepped"></p>
</section>

<section data-of="intro" hidden>
  <div class="sheet" part="sheet">
    <p id="intro-again" class="remark"></p>
    <h1 part="heading" tabindex="-1" data-t="intro.title"></h1>
    <p class="lead" id="intro-lead"></p>
    <div class="trail" id="trail" aria-hidden="true">
      <svg><use href="#i-turn_left"/></svg><svg><use href="#i-look_up"/></svg><svg><use href="#i-blink"/></svg><svg><use href="#i-open_mouth"/></svg><svg><use href="#i-colours"/></svg>
    </div>
    <p class="lead" id="intro-colours"></p>
    <div class="actions">
      <button class="go" part="button primary" data-do="ready" data-t="intro.go"></button>
      <button class="plain" part="button secondary" data-do="help" data-t="intro.cannot"></button>
    </div>
  </div>
</section>

<section data-of="verifying" hidden>
  <div class="sheet centred" part="sheet">
    <div class="turning" aria-hidden="true"></div>
    <h1 part="heading" tabindex="-1" data-t="verifying.title"></h1>
    <p class="lead" data-t="verifying.text"></p>
  </div>
</section>

<section data-of="stopping" hidden>
  <div class="sheet centred" part="sheet">
    <div class="turning" aria-hidden="true"></div>
    <h1 part="heading" tabindex="-1" data-t="stopping.title"></h1>
  </div>
</section>

<section data-of="result" hidden>
  <div class="sheet centred" part="sheet">
    <svg class="picture" part="icon" id="result-icon" aria-hidden="true"><use id="result-use" href="#i-good"/></svg>
    <h1 part="heading" tabindex="-1" id="result-title"></h1>
    <p class="lead" id="result-text"></p>
    <div id="result-reasons" class="reasons"><h2 data-t="result.reasons"></h2><ul id="result-list"></ul></div>
    <div id="ticket" class="wallet" hidden>
      <div id="ticket-shown" class="ticket" hidden>
        <div id="ticket-qr" class="qr" role="img" data-t-label="ticket.qr"></div>
        <p class="code" id="ticket-code"></p>
        <p class="small" id="ticket-until"></p>
        <p data-t="ticket.how"></p>
      </div>
      <p id="ticket-said" role="status"></p>
      <button class="plain" part="button secondary" id="ticket-make" data-do="ticket" data-t="ticket.make" hidden></button>
    </div>
    <div id="guardian-offer" class="wallet" hidden>
      <p id="guardian-how"></p>
      <button class="plain" part="button secondary" id="guardian-go" data-do="guardian"></button>
    </div>
    <p class="deleted"><svg aria-hidden="true"><use href="#i-bin"/></svg><span id="result-deleted"></span></p>
    <p class="small" id="result-number"></p>
    <div id="passkey" hidden>
      <p data-t="passkey.offer"></p>
      <button class="plain" part="button secondary" id="passkey-make" data-do="passkey" data-t="passkey.make"></button>
      <p id="passkey-said" role="status"></p>
    </div>
    <div id="wallet" class="wallet" hidden>
      <p data-t="wallet.offer"></p>
      <div id="wallet-qr" class="qr" role="img" data-t-label="wallet.qr" hidden></div>
      <a id="wallet-link" class="link" data-t="wallet.link" hidden></a>
      <p id="wallet-code" class="code" tabindex="-1" hidden></p>
      <p id="wallet-said" role="status"></p>
      <button class="plain" part="button secondary" id="wallet-code-show" data-do="wallet-code" hidden></button>
      <button class="plain" part="button secondary" id="wallet-make" data-do="wallet" data-t="wallet.make"></button>
    </div>
    <p class="small" id="result-clears" role="timer"></p>
    <div class="actions">
      <button class="go" part="button primary" id="result-again" data-do="again" data-t="result.again"></button>
      <button class="go" part="button primary" id="result-finish" data-do="welcome" data-t="result.finish"></button>
    </div>
  </div>
</section>

<section data-of="retry" hidden>
  <div class="sheet centred" part="sheet">
    <svg class="picture amber" aria-hidden="true"><use href="#i-again"/></svg>
    <h1 part="heading" tabindex="-1" data-t="retry.title"></h1>
    <p class="lead" id="retry-text"></p>
    <p id="retry-left"></p>
    <div class="actions">
      <button class="go" part="button primary" id="retry-go" data-do="camera" data-t="retry.go"></button>
      <button class="go" part="button primary" id="retry-end" data-do="welcome" data-t="ended.go"></button>
    </div>
  </div>
</section>

<section data-of="expired" hidden>
  <div class="sheet centred" part="sheet">
    <svg class="picture amber" aria-hidden="true"><use href="#i-bin"/></svg>
    <h1 part="heading" tabindex="-1" data-t="expired.title"></h1>
    <p class="lead" id="expired-text"></p>
    <div class="actions">
      <button class="go" part="button primary" data-do="camera" data-t="expired.go"></button>
      <button class="plain" part="button secondary" data-do="cancel" data-t="expired.stop"></button>
    </div>
  </div>
</section>

<section data-of="taken" hidden>
  <div class="sheet centred" part="sheet">
    <svg class="picture amber" aria-hidden="true"><use href="#i-closed"/></svg>
    <h1 part="heading" tabindex="-1" data-t="taken.title"></h1>
    <p class="lead" data-t="taken.text"></p>
    <div class="turning little" aria-hidden="true"></div>
  </div>
</section>

<section data-of="offline" hidden>
  <div class="sheet centred" part="sheet">
    <svg class="picture amber" aria-hidden="true"><use href="#i-offline"/></svg>
    <h1 part="heading" tabindex="-1" data-t="offline.title"></h1>
    <p class="lead" data-t="offline.text"></p>
    <div class="turning little" aria-hidden="true"></div>
  </div>
</section>

<section data-of="ended" hidden>
  <div class="sheet centred" part="sheet">
    <svg class="picture" part="icon" aria-hidden="true"><use href="#i-bin"/></svg>
    <h1 part="heading" tabindex="-1" data-t="ended.title"></h1>
    <p class="lead" id="ended-text"></p>
    <div class="actions"><button class="go" part="button primary" data-do="welcome" data-t="ended.go"></button></div>
  </div>
</section>

<section data-of="finished" hidden>
  <div class="sheet centred" part="sheet">
    <svg class="picture" part="icon" aria-hidden="true"><use href="#i-good"/></svg>
    <h1 part="heading" tabindex="-1" data-t="finished.title"></h1>
    <p class="lead" data-t="finished.text"></p>
  </div>
</section>

<section data-of="handoff" hidden>
  <div class="sheet centred" part="sheet">
    <h1 part="heading" tabindex="-1" id="handoff-title"></h1>
    <p class="lead" id="handoff-text" role="status"></p>
    <div id="handoff-qr" class="qr" role="img" data-t-label="handoff.qr" hidden></div>
    <p class="code" id="handoff-code" hidden></p>
    <div class="turning little" id="handoff-turning" aria-hidden="true" hidden></div>
    <div class="actions">
      <button class="go" part="button primary" id="handoff-confirm" data-do="handoff-confirm" data-t="handoff.same" hidden></button>
      <button class="plain" part="button secondary" id="handoff-again" data-do="handoff" data-t="handoff.again" hidden></button>
      <button class="plain" part="button secondary" id="handoff-cancel" data-do="handoff-cancel"></button>
    </div>
  </div>
</section>

<section data-of="compare" hidden>
  <div class="sheet centred" part="sheet">
    <h1 part="heading" tabindex="-1" data-t="compare.title"></h1>
    <p class="remark" id="compare-origin"></p>
    <p class="code" id="compare-code"></p>
    <p class="lead" data-t="compare.text"></p>
  </div>
</section>

<section data-of="closed" hidden>
  <div class="sheet centred" part="sheet">
    <svg class="picture amber" aria-hidden="true"><use href="#i-closed"/></svg>
    <h1 part="heading" tabindex="-1" id="closed-title"></h1>
    <p class="lead" id="closed-text"></p>
    <div class="actions"><button class="plain" part="button secondary" id="closed-go" data-do="setup" data-t="closed.go"></button></div>
  </div>
</section>

</main>

<p class="caption" id="caption" aria-hidden="true"></p>

<footer class="foot" part="footer" id="foot">
 <div class="tools">
  <div class="languages" part="languages" role="group" data-t-label="language.label">
    <button type="button" lang="en" data-language="en">English</button>
    <button type="button" lang="zh-Hant-HK" data-language="zh-Hant">繁體</button>
    <button type="button" lang="zh-Hans-CN" data-language="zh-Hans">简体</button>
  </div>
  <button type="button" class="plain" part="button secondary" role="switch" data-do="voice" id="voice-button"><svg aria-hidden="true"><use id="voice-use" href="#i-mute"/></svg><span id="voice-text" data-t="voice.off"></span></button>
  <button type="button" class="plain" part="button secondary" data-do="torch" id="torch-button" data-t="torch.on" hidden></button>
  <button type="button" class="plain" part="button secondary" data-do="say-again" id="again-button" hidden><svg aria-hidden="true"><use href="#i-again"/></svg><span data-t="voice.again"></span></button>
 </div>
 <div class="calls">
  <button type="button" class="plain" part="button secondary" data-do="stop" id="stop-button" hidden><svg aria-hidden="true"><use href="#i-stop"/></svg><span data-t="stop"></span></button>
  <button type="button" class="plain" part="button secondary" data-do="help"><svg aria-hidden="true"><use href="#i-ways"/></svg><span data-t="help.open"></span></button>
  <button type="button" class="plain" part="button secondary" data-do="staff" id="staff-button"><svg aria-hidden="true"><use href="#i-staff"/></svg><span id="staff-text" data-t="staff.call"></span></button>
 </div>
</footer>
`;
