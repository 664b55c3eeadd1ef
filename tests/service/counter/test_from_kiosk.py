"""A refer at the kiosk, to an accept at a counter, wholly in browsers: ticket, officer, captures, decision, core."""

import json
import time
from pathlib import Path

import counter_page as counter
import httpx
import kiosk_page as kiosk
import pytest
import qr_codes
from access_keys import key
from peers import IdentityCore
from playwright.sync_api import Browser, Page
from sqlalchemy import select
from stream_server import enroll, stream_server

from idproof.service.auth.clients import Scope
from idproof.service.cases.counter import STATEMENT
from idproof.service.operations.settings import Settings
from idproof.service.signing.jws import payload_hash, verify
from idproof.service.signing.keys import Keys
from idproof.service.storage import Database
from idproof.service.storage.schema_registrations import COUNTER_TICKETS


def scanned(made: Page) -> str:
    """The text of the QR code on a screen, read from its picture."""
    return qr_codes.read(made.locator("#ticket-qr").screenshot())


def test_a_refer_at_the_kiosk_is_accepted_at_a_counter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chromium: Browser, core: IdentityCore
) -> None:
    pictures = str(tmp_path.parent)
    settings = Settings(data_dir=tmp_path / "data", anonymous=False, device_tickets=True, core_url=core.url)
    token = key(settings, Scope.COUNTER_WRITE, client="counter")
    with stream_server(settings, counter.ReferringVerifier(), monkeypatch) as url:
        with kiosk.page(chromium, kiosk.KIOSK) as applicant:
            kiosk.connect(applicant, url, enroll(settings.data_dir))
            counter.register(applicant)
            code = counter.ticket(applicant)
            assert applicant.inner_text("#result-title") == "Please go to a counter"
            assert scanned(applicant) == code
            assert kiosk.grave(applicant) == []
            counter.shots(applicant, pictures, "counter-1-ticket", counter.SIZES | {"kiosk": kiosk.KIOSK})
            applicant.click("#result-finish")
            kiosk.view(applicant, "welcome")
            assert code not in applicant.content()
        with kiosk.page(chromium, kiosk.DESK) as officer:
            counter.prepare_device(officer, url, counter.enroll_for(settings, "counter"))
            counter.sign_in(officer, token)
            counter.open_visit(officer, scanned_as_typed(code))
            assert officer.is_disabled("#accept")
            assert "face" in officer.inner_text("#why").lower()
            assert kiosk.grave(officer) == []
            counter.shots(officer, pictures, "counter-2-open")
            camera = counter.capture(officer, shared=True)
            assert camera.inner_text("#result-title") == "Thank you, that was all"
            assert camera.is_hidden("#ticket")
            counter.shots(camera, pictures, "counter-3-captured")
            kiosk.view(officer, "enter")  # the applicant who holds this screen cannot decide
            assert core.order[-1]["status"] == "at_counter"
            assert core.order[-1]["registration"] not in officer.content()
            counter.shots(officer, pictures, "counter-4-locked")
            with camera.expect_event("close"):
                camera.click("#result-finish")
            counter.sign_in(officer, token)
            kiosk.view(officer, "visit")
            assert officer.inner_text("#outcome-text") == "There is a doubt that you may settle."
            assert officer.locator("#checks tr").count() == 2
            assert kiosk.grave(officer) == []
            officer.check("#accept")
            officer.check("#sure")
            counter.shots(officer, pictures, "counter-5-decide")
            officer.click("#decide .go")
            kiosk.wait(officer, "document.getElementById('done').textContent.includes('Accepted')")
            counter.shots(officer, pictures, "counter-6-done")
            assert counter.NUMBER not in officer.content()
            kept = kiosk.stored(officer)
            assert token not in kept
            assert code not in kept
        _until_told(core, "accepted")
        jwks = httpx.get(f"{url}/.well-known/jwks.json").json()
    statuses = [claims["status"] for claims in core.order if "status" in claims]
    assert statuses == ["open", "at_counter", "at_counter", "accepted"]
    events = [json.loads(line) for line in settings.audit_log.read_text().splitlines()]
    decided = [one["about"] for one in events if one["event"] == "counter_decided"]
    assert [one["officer"] for one in decided] == [counter.OFFICER]
    assert core.order[-1]["statement_sha256"] == payload_hash(_statement(settings, jwks))


def scanned_as_typed(code: str) -> str:
    """As somebody types it: in small letters, with a space."""
    return code.lower().replace("-", " ")


def _until_told(core: IdentityCore, status: str) -> None:
    deadline = time.monotonic() + 20
    while core.order[-1].get("status") != status and time.monotonic() < deadline:
        time.sleep(0.05)


def _statement(settings: Settings, jwks: dict[str, object]) -> str:
    with Database.open(settings).read() as connection:
        statement: str = connection.execute(select(COUNTER_TICKETS.c.statement)).scalar_one()
    claims = verify(statement, jwks, STATEMENT)
    assert (claims["decision"], claims["officer"]) == ("accept", counter.OFFICER)
    assert Keys.open(settings).public()["keys"] == jwks["keys"]
    return statement
