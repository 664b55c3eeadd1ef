"""An applicant of 11 to 17 at the kiosk's page, with a guardian who registers there and joins."""

from collections.abc import Iterator
from pathlib import Path

import counter_page as counter
import httpx
import kiosk_page as kiosk
import pytest
from access_keys import key
from family import CHILD, PARENT
from peers import IdentityCore
from playwright.sync_api import Browser, Page
from stream_server import enroll, stream_server
from streamed_family import Family

from idproof.service.auth import Scope
from idproof.service.operations.settings import Settings
from idproof.service.signing.jws import verify
from idproof.service.signing.keys import Keys


@pytest.fixture
def verifier() -> Family:
    return Family()


@pytest.fixture
def settings(tmp_path: Path, core: IdentityCore) -> Settings:
    return Settings(data_dir=tmp_path / "data", guardians=True, core_url=core.url)


@pytest.fixture
def url(settings: Settings, verifier: Family, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with stream_server(settings, verifier, monkeypatch) as address:
        yield address


def go_on(made: Page) -> None:
    """From the offer on the result screen past the notice."""
    made.click("#guardian-go")
    kiosk.view(made, "notice")
    kiosk.wait(made, "!part('agree').disabled")
    made.click("#agree")


@pytest.mark.long  # three registrations, one after the other
def test_a_child_who_came_alone_is_registered_with_a_guardian_on_the_same_screen(
    url: str, settings: Settings, verifier: Family, core: IdentityCore, chromium: Browser, tmp_path: Path
) -> None:
    verifier.card = CHILD
    with kiosk.page(chromium, kiosk.KIOSK) as made:
        kiosk.connect(made, url, enroll(settings.data_dir))
        kiosk.wait(made, "!part('welcome-young').hidden")
        counter.shots(made, str(tmp_path.parent), "guardian-1-welcome")
        counter.register(made)
        assert made.inner_text("#result-title") == "A guardian must be with you"
        assert made.is_hidden("#result-again")
        assert made.is_hidden("#result-reasons")
        assert kiosk.grave(made) == []
        counter.shots(made, str(tmp_path.parent), "guardian-2-alone")
        verifier.card = PARENT
        go_on(made)
        counter.to_result(made)
        assert made.inner_text("#result-title") == "Your identity is confirmed"
        counter.shots(made, str(tmp_path.parent), "guardian-3-accepted")
        verifier.card = CHILD
        go_on(made)
        kiosk.view(made, "guardian")
        kiosk.wait(made, "!part('guardian-agree').disabled")
        assert made.evaluate("part('video').srcObject") is None, "nobody is filmed yet"
        assert "I am a parent or guardian" in made.inner_text("#guardian-text")
        made.click('[data-language="zh-Hant"]')
        kiosk.wait(made, "part('guardian-text').textContent.includes('監護人')")
        kiosk.wait(made, "!part('guardian-agree').disabled")
        assert kiosk.grave(made) == []
        counter.shots(made, str(tmp_path.parent), "guardian-4-consent")
        made.click("#guardian-agree")
        counter.to_result(made)
        assert made.inner_text("#result-title") == "已確認你的身份"
        assert made.is_hidden("#guardian-offer")
        kept = kiosk.stored(made)
    tokens = [claims["verdict"] for claims in core.order if "verdict" in claims]
    alone, parent, child = (verify(token, Keys.open(settings).public())["verdict"] for token in tokens)
    assert [one["decision"] for one in (alone, parent, child)] == ["refer", "accept", "accept"]
    assert child["registration"] == alone["registration"] != parent["registration"]
    assert child["guardian"]["verification"] == parent["id"]
    assert parent["session"]["nonce"] not in kept


def test_a_guardian_who_does_not_agree_ends_the_childs_session(
    url: str, settings: Settings, verifier: Family, chromium: Browser
) -> None:
    with kiosk.page(chromium, kiosk.PHONE) as made:
        kiosk.connect(made, url, enroll(settings.data_dir))
        counter.register(made)
        verifier.card = CHILD
        go_on(made)
        kiosk.view(made, "guardian")
        made.click('[data-of="guardian"] .plain')
        kiosk.view(made, "ended")
        made.click('[data-of="ended"] .go')
        kiosk.view(made, "welcome")
        counter.register(made)  # the next applicant is not joined by the guardian before
        assert made.inner_text("#result-title") == "A guardian must be with you"


@pytest.mark.long  # three registrations, one after the other
def test_a_guardian_joins_a_child_at_a_counter_and_the_officer_may_then_accept(
    url: str, settings: Settings, verifier: Family, chromium: Browser, tmp_path: Path
) -> None:
    office = {"Authorization": f"Bearer {key(settings, Scope.REGISTRATION_WRITE, client='office')}"}
    registration = httpx.post(f"{url}/v1/registrations", headers=office).json()["id"]
    ticket = httpx.post(f"{url}/v1/registrations/{registration}/counter-ticket", headers=office).json()
    token = key(settings, Scope.COUNTER_WRITE, client="counter")
    verifier.card = CHILD
    with kiosk.page(chromium, kiosk.KIOSK) as officer:
        counter.prepare_device(officer, url, counter.enroll_for(settings, "counter"))
        counter.sign_in(officer, token)
        counter.open_visit(officer, ticket["code"])
        made = counter.capture(officer, shared=False)
        assert made.inner_text("#result-title") == "A guardian must be with you"
        kiosk.wait(officer, "document.querySelectorAll('#checks tr').length > 0")
        assert officer.is_disabled("#accept")
        assert "a guardian is missing" in officer.inner_text("#decide-why")
        counter.shots(officer, str(tmp_path.parent), "guardian-at-counter-missing", {"desk": kiosk.DESK})
        verifier.card = PARENT
        go_on(made)
        counter.to_result(made)
        verifier.card = CHILD
        go_on(made)
        kiosk.view(made, "guardian")
        kiosk.wait(made, "!part('guardian-agree').disabled")
        made.click("#guardian-agree")
        counter.to_result(made)
        kiosk.wait(officer, "!part('accept').disabled")
        assert registration in officer.inner_text("#visit-id")
