"""The officers' page at a counter, and the kiosk's page that it opens, before a real server without networks."""

from collections.abc import Mapping
from dataclasses import replace

import kiosk_page as kiosk
from fakes import a_verdict, captured_by
from playwright.sync_api import Page
from stream_server import StreamVerifier, show_blank

from idproof.pipeline import Decision, VaultSession, Verdict
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.origin import UPLOADED, CaptureOrigin
from idproof.pipeline.types import CheckResult
from idproof.service.auth.api_keys import ApiKeys
from idproof.service.operations.data_folder import open_verdicts_and_audit
from idproof.service.operations.settings import Settings
from idproof.service.storage.kiosks import Kiosks

NUMBER = "A123456(3)"
OFFICER = "HK-0777"
SIZES: Mapping[str, tuple[int, int]] = {"phone": kiosk.PHONE, "desk": kiosk.DESK, "1080p": (1920, 1080)}


class ReferringVerifier(StreamVerifier):
    """Refers for a reason that no new capture settles, or decides as a test says."""

    given, shown = Decision.REFER, NUMBER

    def verify_session(
        self, session: VaultSession, answer: LivenessResponse | None = None, origin: CaptureOrigin = UPLOADED
    ) -> Verdict:
        session.make_copies()
        receipt = session.wipe()
        compared = CheckResult.compared("face_comparison", 0.3, accept=0.44, refer=0.2, score=0.4, doubt="x", fail="y")
        checks = (
            replace(compared, reason="face_mismatch"),
            CheckResult.not_assessed("hologram_response", "card_covered"),
        )
        decided = replace(
            captured_by(origin, a_verdict()), decision=self.given, reasons=("face_mismatch",), checks=checks
        )
        return replace(decided, deletion=receipt, required=("face_comparison",), form={"number": self.shown})


def enroll_for(settings: Settings, client: str, name: str = "Device") -> str:
    """The key of a new device whose registrations belong to a client."""
    store, _ = open_verdicts_and_audit(settings.data_dir)
    return Kiosks(store.database, store.seal).enroll(name, ApiKeys(store.database).resolve(client))


def register(made: Page) -> None:
    """The applicant, from the first screen to the result."""
    show_blank(made)
    kiosk.view(made, "welcome")
    kiosk.agree(made)
    to_result(made)


def to_result(made: Page) -> None:
    """From the captures to the result; a busy machine that misses a frame of the challenge is asked once more."""
    while kiosk.view(made, "intro", "result", timeout_s=90) == "intro":
        made.click('[data-of="intro"] .go')
        kiosk.wait(made, "page().dataset.view !== 'intro'")


def ticket(made: Page) -> str:
    """The code of the ticket on an applicant's screen."""
    kiosk.wait(made, "!part('ticket-shown').hidden")
    return made.inner_text("#ticket-code")


def prepare_device(made: Page, url: str, key: str) -> None:
    """Give this browser a device's key, and go to the officers' page: a device has one connection."""
    kiosk.connect(made, url, key)
    made.goto(f"{url}/counter")


def sign_in(made: Page, key: str) -> None:
    kiosk.wait(made, "document.getElementById('key').labels[0].textContent !== ''")
    made.fill("#officer", OFFICER)
    made.fill("#key", key)
    made.keyboard.press("Enter")
    kiosk.wait(made, "document.body.dataset.view !== 'enter'")


def open_visit(made: Page, code: str) -> None:
    made.fill("#code", code)
    made.keyboard.press("Enter")
    kiosk.view(made, "visit")


def capture(made: Page, *, shared: bool) -> Page:
    """Opens the camera's page from the officer's; returns it with the applicant's result on it."""
    if not shared:
        made.uncheck("#shared")
    with made.context.expect_page() as opening:
        made.click("#capture")
    register(opening.value)
    return opening.value


def shots(made: Page, path: str, name: str, sizes: Mapping[str, tuple[int, int]] = SIZES) -> None:
    """Pictures of a page at several sizes, to be looked at."""
    before = made.viewport_size
    for label, (width, height) in sizes.items():
        made.set_viewport_size({"width": width, "height": height})
        made.evaluate("""document.fonts.load('16px "idproof TC"', '繁').then(() => true)""")
        made.screenshot(path=f"{path}/{name}-{label}.png", full_page=True)
    if before is not None:
        made.set_viewport_size(before)
