"""The kiosk's page offers a passkey after an accept: Chromium with its virtual authenticator, a real server."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import kiosk_page as kiosk
import pytest
from fakes import a_verdict
from passkey_bench import PasskeyBench
from playwright.sync_api import Browser, Page
from stream_server import StreamVerifier, enroll, show_blank, stream_server

from idproof.pipeline import Decision
from idproof.service.operations.settings import Settings

AUTHENTICATOR = {"protocol": "ctap2", "transport": "usb", "hasResidentKey": True, "hasUserVerification": True}


class AcceptingVerifier(StreamVerifier):
    def __init__(self) -> None:
        super().__init__()
        self.verdict = replace(a_verdict(), decision=Decision.ACCEPT, reasons=())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        origin = f"http://localhost:{free.getsockname()[1]}"
    return Settings(data_dir=tmp_path, passkey_rp_id="localhost", passkey_origins=origin)


@pytest.fixture
def address(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    origin = settings.passkey_origins
    port = int(origin.rpartition(":")[2])
    with stream_server(settings, AcceptingVerifier(), monkeypatch, port=port):
        yield origin


def accepted(made: Page, address: str, settings: Settings, **more: object) -> None:
    """Brings the page to the result, with an authenticator of the applicant's own at hand."""
    devtools = made.context.new_cdp_session(made)
    devtools.send("WebAuthn.enable")
    options = AUTHENTICATOR | {"isUserVerified": True, "automaticPresenceSimulation": True} | more
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    kiosk.connect(made, address, enroll(settings.data_dir))
    show_blank(made)
    kiosk.agree(made)
    if kiosk.view(made, "intro", "result", timeout_s=40) == "intro":
        made.click('[data-of="intro"] .go')
        kiosk.view(made, "result", timeout_s=40)


@pytest.mark.parametrize(
    ("locale", "make", "done"),
    [("en-GB", "Make a passkey", "Your passkey is ready."), ("zh-HK", "建立通行密鑰", "你的通行密鑰已經建立。")],
)
def test_the_accepted_applicant_makes_a_passkey(
    address: str, settings: Settings, chromium: Browser, locale: str, make: str, done: str
) -> None:
    with kiosk.page(chromium, kiosk.KIOSK, locale) as made:
        accepted(made, address, settings)
        assert made.inner_text("#passkey-make") == make
        assert kiosk.grave(made) == []
        made.click("#passkey-make")
        kiosk.wait(made, "text => part('passkey-said').textContent === text", done)
        assert made.is_hidden("#passkey-make")
        made.click("#result-finish")
        kiosk.view(made, "welcome")
        assert made.inner_text("#passkey-said") == ""
    (stored,) = PasskeyBench(settings).passkeys.entries()
    assert stored.credential["transports"] == ["usb"]


def test_an_applicant_who_finishes_meanwhile_leaves_no_ceremony_behind(
    address: str, settings: Settings, chromium: Browser
) -> None:
    with kiosk.page(chromium, kiosk.KIOSK) as made:
        accepted(made, address, settings, automaticPresenceSimulation=False)
        made.click("#passkey-make")
        kiosk.wait(made, "part('passkey-said').textContent.startsWith('Follow')")
        made.click("#result-finish")
        kiosk.view(made, "welcome")
        assert made.is_hidden("#passkey")
    assert PasskeyBench(settings).passkeys.entries() == []
