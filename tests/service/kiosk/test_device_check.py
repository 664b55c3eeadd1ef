"""The check of the camera before the start, the choice of a camera, its lamp, and what operators learn of it."""

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import httpx
import kiosk_page as kiosk
import numpy as np
import pytest
from playwright.sync_api import Browser, Page
from stream_server import StreamVerifier, enroll, show_blank, stream_server

from idproof.pipeline.types import Role
from idproof.service.operations.settings import Settings

LOCALES = {"en": "en-GB", "zh-Hant": "zh-HK", "zh-Hans": "zh-CN"}
CAMERAS = """() => {
  const devices = ["Counter", "Document"].map((label, i) => ({kind: "videoinput", deviceId: `id${i}`, label}));
  navigator.mediaDevices.enumerateDevices = async () => devices;
  const open = navigator.mediaDevices.getUserMedia;
  window.wanted = [];
  window.applied = [];
  navigator.mediaDevices.getUserMedia = async (asked) => {
    window.wanted.push(asked.video);
    const stream = await open(asked);
    const [track] = stream.getVideoTracks();
    track.getCapabilities = () => ({torch: true, focusMode: ["manual", "continuous"], exposureMode: ["continuous"]});
    track.applyConstraints = async (wanted) => window.applied.push(wanted);
    return stream;
  };
}"""

# The browser asks for permission, and `allow` gives it.
SLOW_CAMERA = """() => {
  const open = navigator.mediaDevices.getUserMedia;
  navigator.mediaDevices.getUserMedia = async (asked) => {
    await new Promise((resolve) => { window.allow = resolve; });
    return open(asked);
  };
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with kiosk.browser() as opened:
        yield opened


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with stream_server(Settings(data_dir=tmp_path), StreamVerifier(), monkeypatch) as url:
        yield url


def open_check(made: Page) -> None:
    made.click('.foot [data-do="help"]')
    made.click("#check-open")
    made.wait_for_selector("#check[open]")
    kiosk.wait(made, "part('check-verdict').textContent !== ''")


def reported(url: str, state: str) -> dict[str, Any]:
    """The device as the operators see it, once its camera has this state."""
    end = time.monotonic() + 20
    while True:
        (device,) = httpx.get(f"{url}/v1/kiosks").json()["devices"]
        if (device["camera"] or {}).get("state") == state:
            return dict(device)
        assert time.monotonic() < end, device
        time.sleep(0.1)


@pytest.mark.parametrize("language", LOCALES)
def test_the_check_says_what_is_wrong_and_tells_the_operators(
    address: str, tmp_path: Path, chromium: Browser, language: str
) -> None:
    words = kiosk.texts(language)
    with kiosk.page(chromium, kiosk.PHONE, LOCALES[language]) as made:
        kiosk.connect(made, address, enroll(tmp_path))
        show_blank(made)
        open_check(made)
        assert made.inner_text("#check-verdict") == words["check.small"], "the picture has 640 x 480"
        assert kiosk.grave(made) == []
        poor = reported(address, "poor")
        assert (poor["camera"]["width"], poor["camera"]["height"]) == (640, 480)
        assert poor["software"].startswith("idproof-capture ")
        made.click('#check [data-do="close-check"]')
        kiosk.wait(made, "part('video').srcObject === null")
        assert not made.evaluate("part('check').open")
        assert made.evaluate("window.rehearsed.tracks.every((track) => track.readyState === 'ended')")
        assert (poor["started"], made.evaluate("page().dataset.view")) == (0, "welcome")


def test_a_camera_that_opens_after_the_check_was_closed_is_stopped(
    address: str, tmp_path: Path, chromium: Browser
) -> None:
    with kiosk.page(chromium, kiosk.PHONE) as made:
        made.add_init_script(f"({SLOW_CAMERA})()")
        kiosk.connect(made, address, enroll(tmp_path))
        show_blank(made)
        made.click('.foot [data-do="help"]')
        made.click("#check-open")
        kiosk.wait(made, "Boolean(window.allow)")
        made.keyboard.press("Escape")
        kiosk.wait(made, "!part('check').open")
        made.evaluate("window.allow()")
        kiosk.wait(made, "window.rehearsed.tracks.length === 1 && window.rehearsed.tracks[0].readyState === 'ended'")
        assert made.evaluate("[part('video').srcObject, part('check-video').srcObject]") == [None, None]


def test_a_camera_is_chosen_and_follows_distance_and_light(address: str, tmp_path: Path, chromium: Browser) -> None:
    with kiosk.page(chromium, kiosk.PHONE) as made:
        made.add_init_script(f"({CAMERAS})()")
        kiosk.connect(made, address, enroll(tmp_path))
        black = cv2.imencode(".jpg", np.zeros((720, 1280, 3), np.uint8))[1].tobytes()
        coded = [base64.b64encode(black).decode()]
        kiosk.rehearse(made, dict.fromkeys((*Role, "neutral"), coded))
        open_check(made)
        assert made.inner_text("#check-verdict").startswith("The picture is too dark")
        made.select_option("#check-camera", "id1")
        kiosk.wait(made, "window.wanted.length === 2")
        assert made.evaluate("window.wanted.map(({deviceId}) => deviceId?.exact)") == [None, "id1"]
        assert {"advanced": [{"focusMode": "continuous"}, {"exposureMode": "continuous"}]} in made.evaluate(
            "window.applied"
        )
        made.click('#check [data-do="close-check"]')
        show_blank(made)
        kiosk.agree(made)
        kiosk.view(made, "capture")
        assert made.evaluate("window.wanted.at(-1).deviceId.exact") == "id1"


def test_the_lamp_is_offered_for_the_card(address: str, tmp_path: Path, chromium: Browser, monkeypatch: Any) -> None:
    from idproof.pipeline.guidance import Guidance, Hint

    monkeypatch.setattr("device_sessions.FakeGuide.card", lambda *_, **__: Guidance(Hint.MORE_LIGHT))
    with kiosk.page(chromium, kiosk.PHONE) as made:
        made.add_init_script(f"({CAMERAS})()")
        kiosk.connect(made, address, enroll(tmp_path))
        show_blank(made)
        assert not made.is_visible("#torch-button")
        kiosk.agree(made)
        kiosk.view(made, "capture")
        made.click("#torch-button")
        kiosk.wait(made, "window.applied.some(({advanced}) => advanced[0].torch === true)")
        assert made.inner_text("#torch-button") == "Light off"


@pytest.mark.parametrize(("phone", "how"), [(True, "refused.how.phone"), (False, "refused.how.kiosk")])
def test_a_refused_camera_is_explained_for_this_device_and_reported(
    address: str, tmp_path: Path, chromium: Browser, phone: bool, how: str
) -> None:
    context = {"has_touch": True, "is_mobile": True, "screen": {"width": 390, "height": 844}} if phone else {}
    with kiosk.page(chromium, kiosk.PHONE, **context) as made:
        kiosk.connect(made, address, enroll(tmp_path))
        made.evaluate("window.rehearsed.refuse = 'NotAllowedError'")
        kiosk.agree(made)
        kiosk.view(made, "trouble")
        assert made.inner_text("#trouble-how") == kiosk.texts("en")[how]
        reported(address, "refused")
