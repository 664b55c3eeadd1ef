"""The kiosk's page offers credentials after an accept: Chromium, a real server, and a wallet that scans the screen."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import kiosk_page as kiosk
import pytest
import qr_codes
from fakes import a_verdict
from playwright.sync_api import Browser, Page
from stream_server import StreamVerifier, enroll, show_blank, stream_server
from wallets import Wallet

from idproof.pipeline import Decision
from idproof.pipeline.documents import load_builtin
from idproof.service.operations.settings import Settings

WORDS = {
    "en-GB": ("Add to my wallet", "Show the code", "Nothing could be added to your wallet here."),
    "zh-HK": ("加入我的電子錢包", "顯示代碼", "此處未能將資料加入你的電子錢包。"),
}


class AcceptingVerifier(StreamVerifier):
    document = load_builtin()  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.verdict = replace(a_verdict(), decision=Decision.ACCEPT, reasons=(), document_type=self.document.name)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, credential_issuer="https://issuer.example")


@pytest.fixture
def address(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with stream_server(settings, AcceptingVerifier(), monkeypatch) as url:
        yield url


def accepted(made: Page, address: str, settings: Settings) -> None:
    kiosk.connect(made, address, enroll(settings.data_dir))
    show_blank(made)
    kiosk.agree(made)
    if kiosk.view(made, "intro", "result", timeout_s=40) == "intro":
        made.click('[data-of="intro"] .go')
        kiosk.view(made, "result", timeout_s=40)


def scanned(made: Page) -> str:
    """Reads the QR code on the screen; empty without one."""
    return qr_codes.read(made.screenshot(full_page=True))


def shown_code(made: Page) -> str:
    made.click("#wallet-code-show")
    made.wait_for_selector("#wallet-code:not([hidden])")
    return made.inner_text("#wallet-code").replace(" ", "")


class _Http:
    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **more: object) -> httpx.Response:
        return httpx.get(self.url + path, **more)  # type: ignore[arg-type]

    def post(self, path: str, **more: object) -> httpx.Response:
        return httpx.post(self.url + path, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("locale", ["en-GB", "zh-HK"])
@pytest.mark.parametrize("size", [kiosk.KIOSK, kiosk.DESK])
def test_a_wallet_gets_what_the_screen_offers(
    address: str, settings: Settings, chromium: Browser, locale: str, size: tuple[int, int]
) -> None:
    make, show, _ = WORDS[locale]
    with kiosk.page(chromium, size, locale) as made:
        accepted(made, address, settings)
        assert made.inner_text("#wallet-make") == make
        made.click("#wallet-make")
        made.wait_for_selector("#wallet-qr path")
        assert made.is_hidden("#wallet-link")
        assert made.inner_text("#wallet-code-show") == show
        assert kiosk.grave(made) == []
        link = scanned(made)
        assert link.startswith("openid-credential-offer://")
        code = shown_code(made)
        assert kiosk.grave(made) == []
        wallet = Wallet(_Http(address))
        wallet.redeem(link, code)
        assert wallet.copies.keys() == {"identity_sd_jwt", "identity_mdoc"}
        made.click("#result-finish")
        kiosk.view(made, "welcome")
        assert code[:3] not in (made.text_content("#wallet") or "")
        assert made.get_attribute("#wallet-link", "href") is None


def test_no_picture_of_the_screen_has_both_the_link_and_the_code(
    address: str, settings: Settings, chromium: Browser
) -> None:
    """Not even the page's own memory has the code before the QR code has gone."""
    sent: list[str] = []
    with kiosk.page(chromium, kiosk.KIOSK) as made:
        made.on("websocket", lambda socket: socket.on("framereceived", lambda data: sent.append(str(data))))
        accepted(made, address, settings)
        made.click("#wallet-make")
        made.wait_for_selector("#wallet-qr path")
        assert not any("transaction_code" in data for data in sent)
        assert made.is_hidden("#wallet-code")
        shown_code(made)
        assert made.locator("#wallet-qr path").count() == 0
        assert scanned(made) == ""
        made.click("#wallet-code-show")
        assert made.text_content("#wallet-code") == ""
        assert made.is_hidden("#wallet-code")


def test_the_code_hides_itself_and_is_shown_three_times_at_most(
    address: str, settings: Settings, chromium: Browser
) -> None:
    with kiosk.page(chromium, kiosk.KIOSK) as made:
        accepted(made, address, settings)
        made.click("#wallet-make")
        made.wait_for_selector("#wallet-qr path")
        code = shown_code(made)
        made.wait_for_selector("#wallet-code", state="hidden", timeout=20_000)
        assert made.text_content("#wallet-code") == ""
        for _ in range(2):
            assert shown_code(made) == code
            made.click("#wallet-code-show")
        assert made.is_hidden("#wallet-code-show")
        made.click("#wallet-make")
        made.wait_for_selector("#wallet-qr path")
        assert made.text_content("#wallet-code") == ""  # of the new offer, until it is asked for


def test_a_phone_has_the_link_too(address: str, settings: Settings, chromium: Browser) -> None:
    phone = {"has_touch": True, "is_mobile": True, "screen": {"width": 390, "height": 844}}
    with kiosk.page(chromium, kiosk.PHONE, **phone) as made:
        accepted(made, address, settings)
        made.click("#wallet-make")
        made.wait_for_selector("#wallet-qr path")
        assert made.is_visible("#wallet-link")
        assert str(made.get_attribute("#wallet-link", "href")).startswith("openid-credential-offer://")
        assert kiosk.grave(made) == []


def test_what_was_offered_thrice_is_not_offered_again(address: str, settings: Settings, chromium: Browser) -> None:
    with kiosk.page(chromium, kiosk.KIOSK) as made:
        accepted(made, address, settings)
        for _ in range(3):
            made.click("#wallet-make")
            made.wait_for_selector("#wallet-qr path")
            shown_code(made)
            made.click("#wallet-code-show")
        made.click("#wallet-make")
        kiosk.wait(made, "part('wallet-said').textContent.startsWith('Nothing could')")
        assert kiosk.view(made, "result") == "result"


def test_without_an_issuer_the_screen_offers_none(
    tmp_path: Path, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path)
    with (
        stream_server(settings, AcceptingVerifier(), monkeypatch) as url,
        kiosk.page(chromium, kiosk.KIOSK) as made,
    ):
        accepted(made, url, settings)
        assert made.is_hidden("#wallet")
