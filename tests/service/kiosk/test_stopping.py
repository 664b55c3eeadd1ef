"""Stop, errors and calls for staff at the kiosk's page: Chromium before a real server without networks."""

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import kiosk_page as kiosk
import pytest
from playwright.sync_api import Browser, Page
from stream_server import StreamVerifier, enroll, show_blank, stream_server

from idproof.service.errors import AuditBroken, ServiceProblem
from idproof.service.operations.settings import Settings
from idproof.service.registrations.outcomes import VerificationOutcomes
from idproof.service.storage import Ledger
from idproof.service.stream.codes import CLOSES, STAYS

STATIC = Path(__file__).parents[3] / "service" / "capture" / "static"


class GatedVerifier(StreamVerifier):
    """Examines until a test lets it go on."""

    def __init__(self) -> None:
        super().__init__(self._wait)
        self.begun, self.go_on = threading.Event(), threading.Event()

    def _wait(self) -> None:
        self.begun.set()
        assert self.go_on.wait(60)


@pytest.fixture
def verifier() -> Iterator[GatedVerifier]:
    made = GatedVerifier()
    yield made
    made.go_on.set()


@pytest.fixture
def address(tmp_path: Path, verifier: GatedVerifier, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with stream_server(Settings(data_dir=tmp_path), verifier, monkeypatch) as url:
        yield url


@pytest.fixture
def key(address: str, tmp_path: Path) -> str:
    return enroll(tmp_path)


def register_until(made: Page, *views: str) -> None:
    """Agree, and do what the page asks until one of these views, before a camera that sees nothing in particular."""
    show_blank(made)
    kiosk.agree(made)
    if kiosk.view(made, "intro", *views, timeout_s=40) == "intro":
        made.click('[data-of="intro"] .go')
        kiosk.view(made, *views, timeout_s=40)


def stop(made: Page) -> None:
    made.click("#stop-button")
    made.click('#stop [data-do="cancel"]')


def test_the_question_whether_to_stop_outlasts_the_last_picture(address: str, key: str, chromium: Browser) -> None:
    with kiosk.page(chromium) as made:
        kiosk.connect(made, address, key)
        show_blank(made)
        kiosk.agree(made)
        kiosk.view(made, "capture")
        made.click("#stop-button")
        kiosk.view(made, "intro", timeout_s=60)
        assert made.is_visible('#stop [data-do="cancel"]')
        made.keyboard.press("Escape")
        kiosk.wait(made, "!part('stop').open")
        assert made.evaluate("shown().activeElement.id") == "stop-button", "the focus returns to what asked"
        stop(made)
        kiosk.view(made, "ended")


def test_a_stop_during_the_check_is_shown_when_it_is_true_and_the_next_applicant_sees_nothing_of_it(
    address: str, key: str, verifier: GatedVerifier, chromium: Browser
) -> None:
    said: list[dict[str, Any]] = []
    with kiosk.page(chromium) as made:
        made.on(
            "websocket",
            lambda socket: socket.on(
                "framereceived", lambda data: said.append(json.loads(data)) if isinstance(data, str) else None
            ),
        )
        kiosk.connect(made, address, key)
        register_until(made, "verifying")
        assert verifier.begun.wait(20)
        stop(made)
        kiosk.view(made, "ended")
        assert made.inner_text("#ended-text") == "You stopped. Every picture has been deleted."
        assert said[-1]["type"] == "cancelled"
        made.click('[data-of="ended"] .go')
        kiosk.view(made, "welcome")
        made.click('[data-of="welcome"] .go')
        kiosk.view(made, "notice")
        verifier.go_on.set()
        verdict = next(message["id"] for message in said if message["type"] == "verifying")
        deadline = time.monotonic() + 20
        while (answer := httpx.get(f"{address}/v1/verifications/{verdict}")).status_code == 202:
            assert time.monotonic() < deadline
        assert answer.json()["code"] == "stopped"
        time.sleep(0.5)
        assert made.evaluate("page().dataset.view") == "notice"
        assert "verdict" not in {message["type"] for message in said}
    assert httpx.get(f"{address}/v1/verifications").json()["items"] == []


FOREIGN = """async (message) => {
  const {Connection} = await import("/capture/static/connection.js");
  const {hmacKey} = await import("/capture/static/chain.js");
  const key = await hmacKey(new Uint8Array(32));
  const heard = [];
  window.WebSocket = class { close() {} send() {} };
  const connection = new Connection({id: "0", key}, "ws://here");
  connection.addEventListener("message", ({detail}) => heard.push(detail.type));
  connection.open();
  Object.assign(connection, {ready: true, key, ...message.state});
  for (const one of message.said) connection.socket.onmessage({data: JSON.stringify(one)});
  await connection.received;
  connection.close();
  return heard;
}"""
OLD, OWN = "cs_old", "cs_own"
KINDS = ("stage", "guidance", "challenge", "verifying", "verdict", "retry", "error", "cancelled", "options_taken")


@pytest.mark.parametrize(
    ("state", "session", "heard"),
    [
        ({"session": OWN}, OWN, KINDS),
        ({"session": OWN}, OLD, ()),
        ({"session": None}, OLD, ()),
        ({"session": None, "starting": True}, OLD, ()),
        ({"session": None, "starting": True}, None, ("error",)),
        ({"session": None}, None, ()),
    ],
)
def test_the_page_hears_only_messages_of_its_own_session(
    address: str, chromium: Browser, state: dict[str, Any], session: str | None, heard: tuple[str, ...]
) -> None:
    said = [{"type": kind, "session": session, "code": "busy"} for kind in KINDS if session or kind == "error"]
    with kiosk.page(chromium, camera=False) as made:
        made.goto(f"{address}/kiosk")
        kiosk.view(made, "setup")
        assert made.evaluate(FOREIGN, {"state": state, "said": said}) == list(heard)


@pytest.mark.parametrize("starting", [True, False])
def test_a_session_that_opens_after_its_applicant_left_is_not_entered(
    address: str, chromium: Browser, starting: bool
) -> None:
    opened = {"type": "session", "id": OLD, "resumed": False, "nonce": "A" * 43, "chain": "A" * 43, "next": 1}
    with kiosk.page(chromium, camera=False) as made:
        made.goto(f"{address}/kiosk")
        kiosk.view(made, "setup")
        heard = made.evaluate(FOREIGN, {"state": {"session": None, "starting": starting}, "said": [opened]})
        assert heard == (["session"] if starting else [])


@pytest.mark.parametrize("code", ["audit_broken", "too_many_at_once", "request_in_progress"])
def test_no_error_of_the_check_leaves_the_spinner(
    address: str, key: str, verifier: GatedVerifier, chromium: Browser, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """The first try fails. Where the pictures are still there the page tries again, else it says what happened."""
    verifier.go_on.set()
    began, failed = Ledger.begin, threading.Event()

    def begin(*arguments: Any) -> Any:
        if not failed.is_set():
            failed.set()
            raise ServiceProblem(code, "…", retry_after=1)  # type: ignore[arg-type]
        return began(*arguments)

    def fail(*_: Any, **__: Any) -> None:
        raise AuditBroken("…")

    if code == "audit_broken":
        monkeypatch.setattr(VerificationOutcomes, "store_verdict", fail)
    else:
        monkeypatch.setattr(Ledger, "begin", begin)
    with kiosk.page(chromium) as made:
        kiosk.connect(made, address, key)
        # A check that fails at once shows the spinner for less time than there is between two looks at the page.
        register_until(made, "verifying", "ended", "result")
        if code == "audit_broken":
            kiosk.view(made, "ended")
            assert "not available right now" in made.inner_text("#ended-text")
        else:
            kiosk.view(made, "result")


def test_every_code_of_the_protocol_has_a_reaction_of_the_page() -> None:
    source = (STATIC / "server_messages.js").read_text("utf-8")
    words = kiosk.texts("en")
    harmless = set(re.findall(r'"(\w+)"', re.search(r"HARMLESS_CODES = new Set\(\[(.*?)\]", source, re.DOTALL)[1]))  # type: ignore[index]
    own = {"consent_missing", "session_expired", "permit_invalid", "permit_exceeded"}
    assert {"permit.permit_invalid", "permit.permit_exceeded"} <= words.keys()
    for name in ("passkey", "wallet"):
        offer = (STATIC / f"{name}.js").read_text("utf-8")
        listed = re.search(rf"{name.upper()}_CODES = new Set\(\[(.*?)\]", offer, re.DOTALL)
        own |= set(re.findall(r'"(\w+)"', listed[1]))  # type: ignore[index]
    assert harmless | own <= STAYS
    for code in STAYS - harmless - own:
        assert f"ended.{code}" in words, code
    assert not harmless & set(CLOSES)


def test_a_call_for_staff_on_the_first_screen_is_still_there_in_the_session(
    address: str, key: str, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idproof.service.stream.connection._RENEWALS_PER_LEASE", 15 / 0.1)
    with kiosk.page(chromium) as made:
        kiosk.connect(made, address, key)
        made.click("#staff-button")
        made.wait_for_selector("#staff-button.called")
        register_until(made, "capture")
        time.sleep(0.5)
        (device,) = httpx.get(f"{address}/v1/kiosks").json()["devices"]
        assert device["staff_called"]
        assert made.locator("#staff-button.called").count() == 1
