"""The time of a session at the kiosk's page: a warning, more time once, and nothing that begins again by itself."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import kiosk_page as kiosk
import pytest
from device_sessions import GOOD, FakeGuide
from playwright.sync_api import Browser, Page
from stream_server import StreamVerifier, enroll, show_blank, stream_server

from idproof.pipeline.guidance import Guidance, Hint
from idproof.service.operations.settings import Settings

LOCALES = {"en": "en-GB", "zh-Hant": "zh-HK", "zh-Hans": "zh-CN"}
Serve = Callable[..., AbstractContextManager[str]]


@pytest.fixture
def guide() -> FakeGuide:
    return FakeGuide(Guidance(Hint.TILT_RIGHT_MORE))


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guide: FakeGuide) -> Serve:
    def act(**settings: float) -> AbstractContextManager[str]:
        chosen = Settings(data_dir=tmp_path, **settings)  # type: ignore[arg-type]
        return stream_server(chosen, StreamVerifier(), monkeypatch, guide)

    return act


def capturing(made: Page, url: str, key: str) -> None:
    kiosk.connect(made, url, key)
    show_blank(made)
    kiosk.agree(made)
    kiosk.view(made, "capture")


@pytest.mark.parametrize("language", LOCALES)
def test_an_applicant_is_warned_and_gets_more_time_once(
    serve: Serve, tmp_path: Path, chromium: Browser, language: str
) -> None:
    words = kiosk.texts(language)
    with serve(stream_s=62.0) as url, kiosk.page(chromium, kiosk.PHONE, LOCALES[language]) as made:
        capturing(made, url, enroll(tmp_path))
        made.wait_for_selector("#extend[open]")
        assert made.inner_text("#extend h2") == words["extend.title"]
        assert kiosk.grave(made) == []
        said = made.inner_text("#extend-text")
        kiosk.wait(made, "said => part('extend-text').textContent !== said", said)
        made.click('#extend [data-do="extend"]')
        kiosk.wait(made, "text => part('toast').textContent === text", words["extend.done"])
        assert made.evaluate("page().dataset.view") == "capture"
        made.wait_for_timeout(1500)
        assert not made.is_visible("#extend")


def test_who_asked_for_more_time_gets_it_without_a_question(serve: Serve, tmp_path: Path, chromium: Browser) -> None:
    with serve(stream_s=62.0) as url, kiosk.page(chromium, kiosk.PHONE) as made:
        kiosk.connect(made, url, enroll(tmp_path))
        show_blank(made)
        made.click('.foot [data-do="help"]')
        made.check('[name="more_time"]')
        made.click('#help [data-do="close-help"]')
        kiosk.agree(made)
        kiosk.view(made, "capture")
        kiosk.wait(made, "part('toast').textContent === 'You have more time now.'")
        assert not made.is_visible("#extend")


@pytest.mark.parametrize("language", LOCALES)
def test_when_the_time_is_over_nothing_begins_again_by_itself(
    serve: Serve, tmp_path: Path, chromium: Browser, guide: FakeGuide, language: str
) -> None:
    with serve(stream_s=4.0) as url, kiosk.page(chromium, kiosk.PHONE, LOCALES[language]) as made:
        capturing(made, url, enroll(tmp_path))
        kiosk.view(made, "expired")
        assert made.inner_text("#expired-text") == kiosk.texts(language)["expired.text"]
        assert kiosk.grave(made) == []
        made.wait_for_timeout(1500)
        assert made.evaluate("page().dataset.view") == "expired"
        assert made.evaluate("part('video').srcObject") is None, "the camera is still open"
        guide.found = GOOD
        made.click('[data-of="expired"] .go')
        kiosk.view(made, "intro", "capture")


def test_the_challenge_can_be_stopped_and_gone_on_with(
    serve: Serve, tmp_path: Path, chromium: Browser, guide: FakeGuide
) -> None:
    guide.found = GOOD
    with serve() as url, kiosk.page(chromium, kiosk.PHONE) as made:
        capturing(made, url, enroll(tmp_path))
        for leave in ("#stop .go", "Escape"):
            kiosk.view(made, "intro")
            made.click('[data-of="intro"] .go')
            made.click("#challenge .halt")
            made.wait_for_selector("#stop[open]")
            assert not made.is_visible("#challenge")
            made.keyboard.press(leave) if leave == "Escape" else made.click(leave)
        kiosk.view(made, "intro")
        made.click('[data-of="intro"] .go')
        made.click("#challenge .halt")
        made.click("#stop .danger")
        kiosk.view(made, "ended")
        assert made.inner_text("#ended-text") == "You stopped. Every picture has been deleted."
        (device,) = httpx.get(f"{url}/v1/kiosks").json()["devices"]
        assert (device["cancelled"], device["finished"]) == (1, 0)


@pytest.mark.parametrize("language", LOCALES)
def test_a_second_browser_is_told_why_it_cannot_start(
    serve: Serve, tmp_path: Path, chromium: Browser, language: str
) -> None:
    words = kiosk.texts(language)
    with serve() as url:
        key = enroll(tmp_path)
        with kiosk.page(chromium, kiosk.PHONE, LOCALES[language]) as second:
            with kiosk.page(chromium, kiosk.PHONE, LOCALES[language]) as first:
                kiosk.connect(first, url, key)
                second.goto(f"{url}/kiosk")
                kiosk.view(second, "setup")
                second.fill("#device-key", key)
                second.click("#setup button")
                kiosk.view(second, "taken")
                assert second.inner_text('[data-of="taken"] h1') == words["taken.title"]
                assert kiosk.grave(second) == []
                assert first.evaluate("page().dataset.view") == "welcome"
            kiosk.view(second, "welcome", timeout_s=30)


def test_the_screen_returns_to_the_first_language(
    serve: Serve, tmp_path: Path, chromium: Browser, guide: FakeGuide
) -> None:
    guide.found = GOOD
    with serve() as url, kiosk.page(chromium, kiosk.KIOSK) as made:
        kiosk.connect(made, url, enroll(tmp_path))
        show_blank(made)
        made.click('[data-language="zh-Hans"]')
        kiosk.agree(made)
        kiosk.view(made, "intro")
        made.click('[data-of="intro"] .go')
        kiosk.view(made, "result", timeout_s=60)
        assert made.inner_text("#result-finish") == kiosk.texts("zh-Hans")["result.finish"]
        made.click("#result-finish")
        kiosk.view(made, "welcome")
        assert made.inner_text('[data-of="welcome"] h1') == "Register your identity"
        assert made.get_attribute("html", "lang") == "en"
