"""Hand-off in two browser contexts: a desktop's page of another origin, and a telephone on the service's own page."""

import json
from collections.abc import Iterator
from pathlib import Path

import foreign_page
import kiosk_page as kiosk
import pytest
import qr_codes
from counter_page import to_result
from playwright.sync_api import Browser, Page
from stream_server import show_blank


@pytest.fixture
def shop(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    with foreign_page.before_service(package, tmp_path, monkeypatch) as origins:
        yield origins


def scanned(desktop: Page) -> str:
    """The link that a telephone reads from the screen: its QR code, photographed."""
    link = qr_codes.read(desktop.locator("#handoff-qr").screenshot())
    assert link, "no telephone could read the code"
    return link


def offered(desktop: Page, shop: str) -> str:
    desktop.goto(shop)
    kiosk.view(desktop, "welcome")
    desktop.click('[data-of="welcome"] [data-do="handoff"]')
    kiosk.view(desktop, "handoff")
    return scanned(desktop)


def test_a_telephone_takes_over_and_the_desktop_follows(shop: tuple[str, str], chromium: Browser) -> None:
    origin, service = shop
    with kiosk.page(chromium, kiosk.DESK, camera=False) as desktop, kiosk.page(chromium, kiosk.PHONE) as phone:
        link = offered(desktop, origin)
        assert link.startswith(f"{service}/capture#")
        secret = link.rpartition("_")[2]
        assert secret not in desktop.content() + desktop.inner_html("idproof-capture")
        assert kiosk.grave(desktop) == []
        requested: list[str] = []
        phone.on("request", lambda request: requested.append(request.url + json.dumps(request.headers)))
        phone.goto(link)
        kiosk.view(phone, "compare")
        assert phone.url == f"{service}/capture"
        assert kiosk.grave(phone) == []
        digits = phone.inner_text("#compare-code")
        kiosk.wait(desktop, "digits => part('handoff-code').textContent === digits", digits)
        assert desktop.inner_text("#handoff-title") == "Does your phone show this number?"
        assert desktop.is_hidden("#handoff-qr")
        assert kiosk.grave(desktop) == []
        desktop.click("#handoff-confirm")
        kiosk.view(phone, "welcome")
        show_blank(phone)
        kiosk.agree(phone)
        kiosk.wait(desktop, "part('handoff-title').textContent === 'Go on with your phone'")
        to_result(phone)
        kiosk.view(desktop, "finished")
        kiosk.wait(desktop, "document.getElementById('outcome').textContent !== ''")
        assert desktop.inner_text("#outcome") == "refer"
        phone.click("#result-finish")
        kiosk.view(phone, "finished")
        assert not any(secret in one for one in requested)
        assert phone.evaluate("history.length") <= 2
        with kiosk.page(chromium, kiosk.PHONE) as late:
            late.goto(link)  # photographed, and opened afterwards
            kiosk.view(late, "closed")
            assert kiosk.grave(late) == []


def test_a_telephone_names_the_page_that_asked_before_the_consent(shop: tuple[str, str], chromium: Browser) -> None:
    """In their own language, so that somebody who was sent another person's link can see it."""
    origin, _ = shop
    with kiosk.page(chromium, kiosk.DESK, camera=False) as desktop, kiosk.page(chromium, kiosk.PHONE) as phone:
        phone.goto(offered(desktop, origin))
        kiosk.view(phone, "compare")
        assert_names(phone, "#compare-origin", origin)
        kiosk.wait(desktop, "part('handoff-confirm').hidden === false")
        desktop.click("#handoff-confirm")
        kiosk.view(phone, "welcome")
        phone.click('[data-of="welcome"] .go')
        kiosk.view(phone, "notice")
        kiosk.wait(phone, "!part('agree').disabled")
        assert_names(phone, "#notice-origin", origin)
        named, agree = phone.locator("#notice-origin").bounding_box(), phone.locator("#agree").bounding_box()
        assert named is not None
        assert agree is not None
        assert named["y"] + named["height"] <= agree["y"]
        assert kiosk.grave(phone) == []
        desktop.click("#handoff-cancel")
        kiosk.view(phone, "closed", timeout_s=60)


def test_a_page_that_captures_itself_names_no_other_page(shop: tuple[str, str], chromium: Browser) -> None:
    with kiosk.page(chromium, kiosk.DESK) as desktop:
        desktop.goto(shop[0])
        kiosk.view(desktop, "welcome")
        desktop.click('[data-of="welcome"] .go')
        kiosk.view(desktop, "notice")
        kiosk.wait(desktop, "!part('agree').disabled")
        assert desktop.is_hidden("#notice-origin")


def assert_names(phone: Page, element: str, origin: str) -> None:
    for language in ("zh-Hant", "zh-Hans", "en"):
        phone.click(f'[data-language="{language}"]')
        assert phone.is_visible(element)
        assert phone.inner_text(element) == kiosk.texts(language)["handoff.origin"].replace("{origin}", origin)
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_link_that_a_stranger_opened_first_is_noticed_and_stopped(shop: tuple[str, str], chromium: Browser) -> None:
    origin, _ = shop
    with (
        kiosk.page(chromium, kiosk.DESK) as desktop,
        kiosk.page(chromium, kiosk.PHONE) as stranger,
        kiosk.page(chromium, kiosk.PHONE) as phone,
    ):
        link = offered(desktop, origin)
        stranger.goto(link)
        kiosk.view(stranger, "compare")
        phone.goto(link)
        kiosk.view(phone, "closed")
        kiosk.wait(desktop, "part('handoff-confirm').hidden === false")
        desktop.click("#handoff-cancel")
        kiosk.view(stranger, "closed")
        kiosk.view(desktop, "welcome")
        show_blank(desktop)
        kiosk.agree(desktop)  # the page captures itself
        kiosk.view(desktop, "capture", "intro")


def test_the_desktop_stops_the_telephone(shop: tuple[str, str], chromium: Browser) -> None:
    origin, _ = shop
    with kiosk.page(chromium, kiosk.DESK, camera=False) as desktop, kiosk.page(chromium, kiosk.PHONE) as phone:
        phone.goto(offered(desktop, origin))
        kiosk.view(phone, "compare")
        kiosk.wait(desktop, "part('handoff-confirm').hidden === false")
        desktop.click("#handoff-confirm")
        kiosk.view(phone, "welcome")
        show_blank(phone)
        kiosk.agree(phone)
        kiosk.view(phone, "capture", "intro")
        kiosk.wait(desktop, "part('handoff-text').textContent.startsWith('Your phone is at')")
        desktop.click("#handoff-cancel")
        kiosk.view(phone, "closed", timeout_s=60)
        kiosk.view(desktop, "ended")
        assert phone.evaluate("window.rehearsed.tracks.every((track) => track.readyState === 'ended')")
