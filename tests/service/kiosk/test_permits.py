"""The code of staff at the kiosk's page: Chromium before a real server without networks."""

from collections.abc import Iterator
from pathlib import Path

import kiosk_page as kiosk
import pytest
from playwright.sync_api import Browser, Page
from stream_server import StreamVerifier, enroll, show_blank, stream_server

from idproof.service.operations.data_folder import open_verdicts_and_audit
from idproof.service.operations.settings import Settings
from idproof.service.registrations import permits
from idproof.service.storage.permits import Permits, device_holder


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with stream_server(Settings(data_dir=tmp_path), StreamVerifier(), monkeypatch) as url:
        yield url


def choose(made: Page, *options: str) -> None:
    made.click('.foot [data-do="help"]')
    for option in options:
        made.check(f"#choices [name={option}]")


def type_code(made: Page, code: str) -> None:
    made.fill("#permit-code", code)
    made.click("#permit button")


def said(made: Page) -> str:
    return made.inner_text("#permit-said")


def test_staff_type_a_code_before_the_session_or_before_the_challenge(
    address: str, tmp_path: Path, chromium: Browser
) -> None:
    key = enroll(tmp_path)
    store, audit = open_verdicts_and_audit(tmp_path)

    def grant() -> str:
        holder, known = device_holder(key.split("_")[1]), Permits(store.database, store.seal)
        return permits.grant(known, audit, holder, ["cannot_turn"], by="test", lifetime_s=60)[0]

    def uses() -> int:
        return (tmp_path / "audit.jsonl").read_text().count('"permit_used"')

    with kiosk.page(chromium) as made:
        kiosk.connect(made, address, key)
        show_blank(made)
        choose(made, "cannot_turn", "photosensitive")
        type_code(made, "12")
        assert said(made).startswith("This code does not work here.")
        code = grant()
        type_code(made, code)
        assert said(made) == "The code will be used with your choices."
        assert kiosk.grave(made) == []
        made.keyboard.press("Escape")
        kiosk.agree(made)
        kiosk.wait(made, "part('help').open")
        assert said(made).startswith("This code does not cover everything you chose.")
        assert made.evaluate("page().dataset.view") == "notice"
        made.uncheck("#choices [name=photosensitive]")
        type_code(made, code)
        made.keyboard.press("Escape")
        made.click("#agree")
        kiosk.view(made, "intro", timeout_s=40)
        assert (said(made), uses()) == ("The code was accepted.", 1)

        choose(made)
        type_code(made, code)
        kiosk.wait(made, "/does not work here/.test(part('permit-said').textContent)")
        type_code(made, grant().lower())
        kiosk.wait(made, "/was accepted/.test(part('permit-said').textContent)")
        assert uses() == 2
        made.keyboard.press("Escape")
        made.click("#stop-button")
        made.click('#stop [data-do="cancel"]')
        kiosk.view(made, "ended")
        assert said(made) == ""
