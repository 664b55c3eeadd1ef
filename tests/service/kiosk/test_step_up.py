"""The kiosk's page takes a step-up that a relying party sent somebody to: Chromium, a real server, no networks."""

from collections.abc import Iterator
from pathlib import Path

import kiosk_page as kiosk
import pytest
from passkey_bench import passkey_settings
from playwright.sync_api import Browser, Page
from step_up_party import TEXT, HolderVerifier, Party
from stream_server import show_blank, stream_server

from idproof.pipeline import Decision
from idproof.pipeline.errors import RecordsUnavailable
from idproof.service.operations.settings import Settings

KEY = "A" * 43
"""Output of a passkey, in base64url."""
GO = '[data-of="{}"] .go'


@pytest.fixture
def verifier() -> HolderVerifier:
    return HolderVerifier()


@pytest.fixture
def party(tmp_path: Path, verifier: HolderVerifier, monkeypatch: pytest.MonkeyPatch) -> Iterator[Party]:
    settings = passkey_settings(Settings(data_dir=tmp_path, anonymous=False), records_url="http://127.0.0.1:9/records")
    with stream_server(settings, verifier, monkeypatch) as url:
        yield Party(url, settings, verifier)


def sent_to(made: Page, party: Party, step_up: str) -> None:
    """Brings the page from the relying party's link to the text of the transaction."""
    kiosk.connect(made, party.url, party.device_key)
    show_blank(made)
    made.evaluate("id => { location.hash = id; }", step_up)
    kiosk.view(made, "confirm")
    assert made.evaluate("location.hash") == ""
    assert kiosk.grave(made) == []
    made.click(GO.format("confirm"))
    kiosk.view(made, "notice")
    kiosk.wait(made, "!part('agree').disabled")
    made.click("#agree")
    kiosk.view(made, "transaction")


def taken(made: Page) -> str:
    made.click(GO.format("transaction"))
    if kiosk.view(made, "intro", "result", "ended", timeout_s=40) == "intro":
        made.click(GO.format("intro"))
    return kiosk.view(made, "result", "ended", timeout_s=60)


@pytest.mark.parametrize(("locale", "title"), [("en-GB", "It is confirmed"), ("zh-HK", "已經確認")])
def test_a_holder_reads_what_is_confirmed_and_confirms_it(
    party: Party, chromium: Browser, locale: str, title: str
) -> None:
    opened = party.open()
    with kiosk.page(chromium, kiosk.KIOSK, locale) as made:
        sent_to(made, party, opened["id"])
        assert made.inner_text("#transaction-text") == TEXT
        assert kiosk.grave(made) == []
        assert taken(made) == "result"
        assert made.inner_text("#result-title") == title
        assert made.is_hidden("#passkey")
        assert made.is_hidden("#wallet")
        assert opened["id"] not in made.inner_text("main")
        made.click("#result-finish")
        kiosk.view(made, "welcome")
        assert made.text_content("#transaction-text") == ""
    found = party.state(opened["id"])
    assert (found["state"], found["decision"]["capture_level"]) == ("accepted", "device")


def test_no_picture_is_taken_of_somebody_who_reads_and_stops(
    party: Party, verifier: HolderVerifier, chromium: Browser
) -> None:
    opened, sent = party.open(), []
    with kiosk.page(chromium, kiosk.KIOSK) as made:
        made.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(data)))
        sent_to(made, party, opened["id"])
        made.click('[data-of="transaction"] .plain')
        kiosk.view(made, "ended")
        assert not any(isinstance(data, bytes) for data in sent)
        made.click(GO.format("ended"))
        kiosk.view(made, "welcome")
    assert party.state(opened["id"])["state"] == "open"
    assert verifier.cards == []


def test_a_result_that_is_still_on_the_screen_leaves_nothing(party: Party, chromium: Browser) -> None:
    """Somebody is sent here while the result of the one before is shown, and before the page has its connection."""
    with kiosk.page(chromium, kiosk.KIOSK) as made:
        sent_to(made, party, party.open()["id"])
        assert taken(made) == "result"
        made.evaluate("part('wallet-code').textContent = '123 456'")
        opened = party.open()
        made.evaluate("id => { location.hash = id; }", opened["id"])
        kiosk.view(made, "confirm")
        assert made.text_content("#wallet-code") == ""
        assert made.text_content("#transaction-text") == ""
        made.goto(f"{party.url}/kiosk/operators")
        made.goto(f"{party.url}/kiosk#{opened['id']}")
        kiosk.view(made, "confirm")
        made.click(GO.format("confirm"))
        kiosk.view(made, "notice")


def test_the_next_applicant_registers(party: Party, chromium: Browser) -> None:
    """A step-up that one person was sent to the kiosk for does not begin for the next person."""
    opened, sent = party.open(), []
    with kiosk.page(chromium, kiosk.KIOSK) as made:
        made.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(data)))
        sent_to(made, party, f"{opened['id']}.{KEY}")
        made.click('[data-of="transaction"] .plain')
        kiosk.view(made, "ended")
        made.click(GO.format("ended"))
        kiosk.view(made, "welcome")
        kiosk.agree(made)
        kiosk.view(made, "capture", "intro", timeout_s=40)
    starts = [data for data in sent if isinstance(data, str) and '"start"' in data]
    assert ["step_up" in start for start in starts] == [True, False]
    assert [KEY in start for start in starts] == [True, False], "what a holder's passkey gave is sent once"


def test_a_refusal_shows_no_check_and_records_that_are_away_are_told(
    party: Party, verifier: HolderVerifier, chromium: Browser
) -> None:
    verifier.decision = Decision.REJECT
    with kiosk.page(chromium, kiosk.KIOSK) as made:
        sent_to(made, party, party.open()["id"])
        assert taken(made) == "result"
        assert made.inner_text("#result-title") == "It could not be confirmed"
        assert "not_live" not in made.content()
        assert made.is_hidden("#result-again")
        made.click("#result-finish")
        kiosk.view(made, "welcome")

        def away() -> None:
            raise RecordsUnavailable("The records do not answer.")

        verifier.act = away
        made.evaluate("id => { location.hash = id; }", party.open()["id"])
        kiosk.view(made, "confirm")
        made.click(GO.format("confirm"))
        kiosk.view(made, "notice")
        kiosk.wait(made, "!part('agree').disabled")
        made.click("#agree")
        kiosk.view(made, "transaction")
        assert taken(made) == "ended"
        assert "records do not answer" in made.inner_text("#ended-text")
