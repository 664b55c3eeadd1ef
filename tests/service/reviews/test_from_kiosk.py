"""A refer at the kiosk, to an accept by two officers, or by one officer and a counter: pages, devices, and the core."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import kiosk_page as kiosk
import pytest
from access_keys import key
from fakes import a_verdict, captured_by
from peers import IdentityCore
from playwright.sync_api import Browser, Page
from stream_server import StreamVerifier, capture_everything, enroll, show_blank, stream_server, with_device

from idproof.pipeline import Decision, VaultSession, Verdict
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.origin import UPLOADED, CaptureOrigin
from idproof.pipeline.types import CheckResult
from idproof.service.auth.api_keys import ApiKeys
from idproof.service.auth.clients import Scope
from idproof.service.operations.data_folder import open_verdicts_and_audit
from idproof.service.operations.settings import Settings
from idproof.service.reviews.statement import TYPE
from idproof.service.signing.jws import payload_hash, verify
from idproof.service.signing.keys import Keys
from idproof.service.storage.kiosks import Kiosks
from idproof.service.stream.simulator.device import Device

DESK, TABLET = (1440, 1000), (1024, 1366)
OFFICERS = {"anna": "HK-0421", "ben": "HK-0422"}


class ReferringVerifier(StreamVerifier):
    """Refers for a reason that no new capture settles; copies are sealed as in a real verification."""

    def verify_session(
        self, session: VaultSession, answer: LivenessResponse | None = None, origin: CaptureOrigin = UPLOADED
    ) -> Verdict:
        session.make_copies()
        receipt = session.wipe()
        checks = (CheckResult.compared("face_comparison", 0.3, accept=0.44, refer=0.2, score=0.4, doubt="x", fail="y"),)
        checks = (replace(checks[0], reason="face_mismatch"),)
        referred = replace(
            captured_by(origin, a_verdict()), decision=Decision.REFER, reasons=("face_mismatch",), checks=checks
        )
        return replace(referred, deletion=receipt, required=("face_comparison",), form={"number": "A123456(3)"})


def office_page(made: Page, url: str, token: str, admin: str, officer: str) -> None:
    """An officer who signs in, enrols, and is confirmed by the administrator from the fingerprint on the screen."""
    made.goto(f"{url}/review")
    kiosk.wait(made, "document.getElementById('key').labels[0].textContent !== ''")
    made.fill("#key", token)
    made.keyboard.press("Enter")
    _view(made, "enrol")
    made.fill("#officer", officer)
    made.keyboard.press("Enter")
    _view(made, "pending")
    headers = {"Authorization": f"Bearer {admin}"}
    items = httpx.get(f"{url}/v1/reviewers", headers=headers).json()["items"]
    (waiting,) = [one["id"] for one in items if one["state"] == "pending"]
    told = {"fingerprint": made.inner_text("#fingerprint")}
    httpx.post(f"{url}/v1/reviewers/{waiting}/confirm", headers=headers, json=told).raise_for_status()
    made.click("#pending-again")
    _view(made, "board")


def _view(made: Page, name: str) -> None:
    kiosk.wait(made, "name => document.body.dataset.view === name", name, 20)


def decide(made: Page, *, look: bool) -> None:
    """Claims the only review, looks at the pictures if there are any to open, and accepts."""
    made.click("#reload")
    kiosk.wait(made, "document.querySelectorAll('#queue button:enabled').length === 1")
    made.click("#queue button")
    kiosk.wait(made, "!document.getElementById('case').hidden && document.querySelectorAll('#checks tr').length > 0")
    if look:
        made.click("#pictures-open")
        kiosk.wait(made, "document.querySelectorAll('#pictures figure').length === 4")
    made.check("#choices label:nth-child(1) input")
    made.select_option("#reason", "records_confirm")
    made.check("#sure")


def test_a_refer_at_the_kiosk_is_accepted_by_two_officers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chromium: Browser, core: IdentityCore
) -> None:
    told: dict[str, Any] = {"review_referred": True, "review_pictures": "sealed", "core_url": core.url}
    settings = Settings(data_dir=tmp_path / "data", anonymous=False, **told)
    tokens = {name: key(settings, Scope.REVIEW_WRITE, client=name) for name in OFFICERS}
    admin = key(settings, Scope.ADMIN, client="admin")
    with stream_server(settings, ReferringVerifier(), monkeypatch) as url:
        pages = [kiosk.page(chromium, size, camera=False) for size in (DESK, TABLET)]
        with pages[0] as anna, pages[1] as ben:
            for made, (name, officer) in zip((anna, ben), OFFICERS.items(), strict=True):
                office_page(made, url, tokens[name], admin, officer)
            with kiosk.page(chromium, kiosk.KIOSK) as applicant:
                _register(applicant, url, settings, tmp_path)
            decide(anna, look=True)
            anna.screenshot(path=str(tmp_path.parent / "from-kiosk-4-first.png"), full_page=True)
            anna.click("#decide-go")
            kiosk.wait(anna, "document.getElementById('done').textContent.includes('Another officer')")
            decide(ben, look=False)
            assert "HK-0421 has given a first opinion" in ben.inner_text("#case-second")
            ben.screenshot(path=str(tmp_path.parent / "from-kiosk-5-second.png"), full_page=True)
            ben.click("#decide-go")
            kiosk.wait(ben, "document.getElementById('done').textContent.includes('Decided: Accept')")
            ben.screenshot(path=str(tmp_path.parent / "from-kiosk-6-decided.png"), full_page=True)
        deadline = time.monotonic() + 20
        while core.order[-1].get("status") != "accepted" and time.monotonic() < deadline:
            time.sleep(0.05)
    _require_told(core, settings)


def test_a_refer_at_the_kiosk_is_accepted_at_a_counter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chromium: Browser, core: IdentityCore
) -> None:
    told: dict[str, Any] = {"review_referred": True, "review_pictures": "sealed", "core_url": core.url}
    settings = Settings(data_dir=tmp_path / "data", anonymous=False, **told)
    officer, admin = key(settings, Scope.REVIEW_WRITE, client="anna"), key(settings, Scope.ADMIN, client="admin")
    backend = key(settings, Scope.REGISTRATION_WRITE, client="backend")
    counter = key(settings, Scope.COUNTER_WRITE, client="counter")
    with stream_server(settings, ReferringVerifier(), monkeypatch) as url:
        with kiosk.page(chromium, DESK, camera=False) as anna:
            office_page(anna, url, officer, admin, OFFICERS["anna"])
            with kiosk.page(chromium, kiosk.KIOSK) as applicant:
                _register(applicant, url, settings, tmp_path, owner="backend")
            anna.click("#reload")
            anna.click("#queue button")
            kiosk.wait(anna, "!document.getElementById('case').hidden")
            anna.check("#choices label:nth-child(4) input")  # one officer suffices to send somebody to a counter
            anna.check("#sure")
            anna.click("#decide-go")
            kiosk.wait(anna, "document.getElementById('done').textContent.includes('Decided: To a counter')")
            anna.screenshot(path=str(tmp_path.parent / "from-kiosk-7-to-counter.png"))

        def post(path: str, token: str, body: Any = None) -> Any:
            answer = httpx.post(url + path, headers={"Authorization": f"Bearer {token}"}, json=body)
            assert answer.is_success, answer.text
            return answer.json()

        registration = core.order[0]["registration"]
        code = post(f"/v1/registrations/{registration}/counter-ticket", backend)["code"]
        assert post(f"/v1/counter/{code}", counter)["status"] == "at_counter"
        device = (url, enroll_for(settings, "counter"), partial(_at_counter, registration))
        with ThreadPoolExecutor(1) as other:  # the browser's driver has this thread's event loop
            other.submit(with_device, *device).result()
        decided = post(f"/v1/counter/{code}/decision", counter, {"decision": "accept", "officer": "HK-0777"})
        assert decided["status"] == "accepted"
        deadline = time.monotonic() + 20
        while core.order[-1].get("status") != "accepted" and time.monotonic() < deadline:
            time.sleep(0.05)
    statuses = [claims["status"] for claims in core.order if "status" in claims]
    assert statuses == ["open", "in_review", "at_counter", "at_counter", "accepted"]
    causes = [json.loads(line) for line in settings.audit_log.read_text().splitlines()]
    assert [one["about"]["cause"] for one in causes if one["event"] == "review_pictures_destroyed"] == [
        "decided",
        "not_reviewed",  # of the captures at the counter
    ]


def enroll_for(settings: Settings, client: str) -> str:
    """The key of a new device whose registrations belong to a client."""
    store, _ = open_verdicts_and_audit(settings.data_dir)
    return Kiosks(store.database, store.seal).enroll("Device", ApiKeys(store.database).resolve(client))


async def _at_counter(registration: str, device: Device) -> None:
    """A counter's device, which takes card and face of the applicant again."""
    await device.start(registration=registration)
    await capture_everything(device)
    await device.send({"type": "finish"})
    await device.receive("verdict")


def _register(made: Page, url: str, settings: Settings, folder: Path, owner: str | None = None) -> None:
    """The applicant, from the notice to the result."""
    kiosk.connect(made, url, enroll(settings.data_dir) if owner is None else enroll_for(settings, owner))
    show_blank(made)
    made.click('[data-of="welcome"] .go')
    kiosk.view(made, "notice")
    kiosk.wait(made, "!part('agree').disabled")
    assert made.inner_text("#notice-pictures") == "The pictures are deleted, with one exception"
    assert "at most 15 minutes" in made.inner_text("#notice-sealed")
    assert kiosk.grave(made) == []
    made.screenshot(path=str(folder.parent / "from-kiosk-1-notice.png"))
    made.click("#agree")
    if kiosk.view(made, "intro", "result", timeout_s=40) == "intro":
        made.click('[data-of="intro"] .go')
        kiosk.view(made, "result", timeout_s=40)
    assert "but for an encrypted copy" in made.inner_text("#result-deleted")
    made.screenshot(path=str(folder.parent / "from-kiosk-3-result.png"))


def _require_told(core: IdentityCore, settings: Settings) -> None:
    verdict, *_ = core.order[1:]
    review, status = core.order[-2:]
    assert [claims.get("status") for claims in core.order] == ["open", None, "in_review", None, "accepted"]
    assert (review["decision"], review["verification"]) == ("accept", verdict["verification"])
    jwks = Keys.open(settings).public()
    first, second = (verify(statement, jwks, TYPE) for statement in review["statements"])
    assert (first["officer"], first["pictures_seen"]) == ("HK-0421", True)
    assert (second["officer"], second["pictures_seen"]) == ("HK-0422", False)
    assert {claims["verdict_sha256"] for claims in (first, second)} == {payload_hash(verdict["verdict"])}
    assert status["statement_sha256"] == payload_hash(review["statements"][-1])
    events = [json.loads(line)["event"] for line in settings.audit_log.read_text().splitlines()]
    for event in ("review_pictures_kept", "review_pictures_taken", "review_proposed", "review_pictures_destroyed"):
        assert events.count(event) == 1, event
    assert events.count("review_decided") == 1
    assert events.index("review_pictures_kept") < events.index("verified")
