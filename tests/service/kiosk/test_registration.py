"""Whole registrations at the kiosk's page, with Chromium, the real server, its networks, and rendered people."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import httpx
import kiosk_page as kiosk
import numpy as np
import pytest
from playwright.sync_api import Browser, Page
from server_process import Server

from idproof.datasets.specimen.make import make_sets
from idproof.service.stream.simulator.player import SetCamera, cameras

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
SHOTS = os.environ.get("IDPROOF_KIOSK_SHOTS")  # a folder for pictures of every state


@pytest.fixture(scope="module")
def applicants(tmp_path_factory: pytest.TempPathFactory) -> list[SetCamera]:
    """Cameras that see bundled people; the second has another photograph than the card's for the challenge."""
    folder = tmp_path_factory.mktemp("sets")
    make_sets(folder, 2, 8)
    return cameras(folder, None, None)


@pytest.fixture(scope="module")
def device(server: Server) -> str:
    return kiosk.enrol(server.data_dir, "Long")


def screenshot(made: Page, name: str) -> None:
    if SHOTS:
        made.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


def follow(made: Page, until: tuple[str, ...], meet: Callable[[str, str], None] = lambda *_: None) -> str:
    """Follow the page as an applicant until one of these views; `meet` is called once per view and stage."""
    seen: set[tuple[str, str]] = set()
    pictured: set[str] = set()
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        view, stage, action, hint, colour = made.evaluate(
            "['view', 'stage', 'action', 'hint', 'colour'].map((name) => page().dataset[name] ?? '')"
        )
        if view in until:
            return str(view)
        shown = "-".join(part for part in (view, stage, hint, action, colour.replace(" ", "")) if part)
        if shown not in pictured:
            pictured.add(shown)
            screenshot(made, shown)
        if (view, stage) not in seen and not action:  # axe-core would disturb a challenge
            seen.add((view, stage))
            meet(view, stage)
        if view == "intro":
            made.click('[data-of="intro"] .go')
        if view in ("ended", "closed"):
            raise AssertionError(made.inner_text("main"))
        time.sleep(0.1)
    raise AssertionError(f"still at {view} {stage}")


def test_a_person_registers_and_is_accepted(
    server: Server, chromium: Browser, device: str, applicants: list[SetCamera]
) -> None:
    messages: list[dict[str, object]] = []
    binary: list[int] = []

    def received(data: object) -> None:
        if isinstance(data, str):
            messages.append(json.loads(data))

    with kiosk.page(chromium, kiosk.KIOSK) as made:
        made.on(
            "websocket",
            lambda socket: (
                socket.on("framereceived", received),
                socket.on("framesent", lambda data: binary.append(len(data)) if isinstance(data, bytes) else None),
            ),
        )
        hold = kiosk.hold_as_asked(made, applicants[1])
        kiosk.connect(made, server.url, device)
        kiosk.rehearse(made, kiosk.rehearsal(applicants[1]))
        kiosk.agree(made)
        hold()
        states: list[str] = []

        def meet(view: str, stage: str) -> None:
            states.append(f"{view} {stage}")
            assert kiosk.grave(made) == [], f"{view} {stage}"

        follow(made, ("result",), meet)
        assert made.inner_text("#result-title") == "Your identity is confirmed"
        assert kiosk.grave(made) == []
        screenshot(made, "result-accept")
        kept = json.loads(kiosk.stored(made))
        assert (kept["local"], kept["session"], kept["caches"], kept["databases"]) == ({}, {}, [], ["idproof-kiosk"])
        assert kept["state"] is None
        assert made.evaluate("part('video').srcObject") is None
        assert made.evaluate("window.rehearsed.tracks.every((track) => track.readyState === 'ended')")
    verdict = messages[-1]
    assert (verdict["type"], verdict["decision"]) == ("verdict", "accept")
    found = httpx.get(f"{server.url}/v1/verifications/{verdict['id']}").json()
    assert (found["decision"], found["reasons"]) == ("accept", [])
    assert "liveness" not in found["not_performed"]
    assert {"capture card_front", "capture card_tilt_left", "capture card_tilt_right", "capture selfie"} <= set(states)
    assert len(binary) > 60


def test_a_print_before_the_camera_is_not_accepted(
    server: Server, chromium: Browser, device: str, applicants: list[SetCamera]
) -> None:
    with kiosk.page(chromium, kiosk.PHONE, "zh-HK") as made:
        hold = kiosk.hold_as_asked(made, applicants[1])
        kiosk.connect(made, server.url, device)
        kiosk.rehearse(made, kiosk.rehearsal(applicants[1], "print_flat"))
        kiosk.agree(made)
        hold()
        end = follow(made, ("result", "retry"))
        shown = made.inner_text("main")
        assert end == "result"
        assert made.inner_text("#result-title") in ("未能在此確認你的身份", "職員會跟進你的登記")
        assert kiosk.grave(made) == []
        screenshot(made, "result-reject")
        number = made.inner_text("#result-number").split()[-1]
        found = httpx.get(f"{server.url}/v1/verifications/{number}").json()
        assert found["decision"] in ("reject", "refer")
        hidden = ("打印", "螢幕", "平面", "紙張", "光線沒有", *found["reasons"], "score", "分數")
        assert not [word for word in hidden if word in shown], "the screen says which check failed"
        assert "所有相片已經刪除" in shown


def test_a_registration_goes_on_after_the_camera_or_the_connection_was_lost(
    server: Server, chromium: Browser, device: str, applicants: list[SetCamera]
) -> None:
    cable = kiosk.Cable.laid(urlsplit(server.url).port or 0)
    try:
        with kiosk.page(chromium, kiosk.KIOSK) as made:
            hold = kiosk.hold_as_asked(made, applicants[1])
            kiosk.connect(made, f"http://127.0.0.1:{cable.port}", device)
            kiosk.rehearse(made, kiosk.rehearsal(applicants[1]))
            kiosk.agree(made)
            hold()
            kiosk.view(made, "capture")
            first = made.evaluate("page().dataset.stage")
            kiosk.wait(made, "first => page().dataset.stage !== first", first)
            second = made.evaluate("page().dataset.stage")

            made.evaluate("window.unplug()")
            kiosk.view(made, "trouble")
            assert made.inner_text("#trouble-title") == "The camera was disconnected"
            assert kiosk.grave(made) == []
            screenshot(made, "camera-lost")
            made.click("#trouble-go")
            kiosk.view(made, "capture")
            assert made.evaluate("window.rehearsed.asked") == 2

            cable.cut()
            kiosk.view(made, "offline")
            assert kiosk.grave(made) == []
            screenshot(made, "offline")
            time.sleep(3)
            cable.mend()
            kiosk.view(made, "capture", timeout_s=40)
            place = made.evaluate("[...shown().querySelectorAll('#steps li')].map((item) => item.className)")
            assert place[0] == "done", "stages done before the loss stay done"
            assert made.evaluate("page().dataset.stage") in (second, *_others(first, second))
            kiosk.wait(made, "page().dataset.stage === 'selfie'", timeout_s=120)

            made.click("#stop-button")
            made.wait_for_selector("#stop[open]")
            assert kiosk.grave(made) == []
            screenshot(made, "stop")
            made.click('#stop [data-do="cancel"]')
            kiosk.view(made, "ended")
            assert made.evaluate("part('video').srcObject") is None
    finally:
        cable.remove()


def _others(*done: str) -> list[str]:
    return [stage for stage in ("card_front", "card_tilt_left", "card_tilt_right", "selfie") if stage not in done]


def test_a_film_of_a_specimen_in_chromiums_fake_camera_is_guided(
    server: Server, chromium: Browser, device: str, applicants: list[SetCamera], tmp_path: Path
) -> None:
    """The whole way of a picture: a film, Chromium's capture, the page, the server's guidance, and back."""
    film = tmp_path / "front.mjpeg"
    film.write_bytes(_film(applicants[0].stills["card_front"]))
    flags = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with (
        kiosk.beside(chromium, *flags, f"--use-file-for-fake-video-capture={film}") as opened,
        kiosk.page(opened, kiosk.DESK, camera=False) as made,
    ):
        kiosk.connect(made, server.url, device)
        kiosk.agree(made)
        kiosk.view(made, "capture")
        made.wait_for_selector(".outline[d^=M]", state="attached", timeout=40_000)
        # A card that is held face on all the time is not what the plan asks for: the page says how to move it.
        kiosk.wait(made, "/_more|_nearer|move_/.test(page().dataset.hint)", timeout_s=120)
        told = made.inner_text("#instruction")
        hints = ("closer", "A little further away")
        assert any(hint in told for hint in hints), told
        assert made.inner_text("#pose-text")
        assert made.locator("#pose-card[d^=M]").count() == 1
        assert kiosk.grave(made) == []
        screenshot(made, "guidance-desk")


def _film(jpeg: bytes) -> bytes:
    """The card, held by a hand that is not quite still, 1280 × 720."""
    whole = cv2.imdecode(np.frombuffer(jpeg, dtype=np.uint8), cv2.IMREAD_COLOR)
    picture, rng, frames = cv2.resize(whole, (1280, 720), interpolation=cv2.INTER_AREA), np.random.default_rng(3), []
    for _ in range(30):
        x, y = rng.normal(0, 0.7, 2)
        moved = cv2.warpAffine(picture, np.array([[1, 0, x], [0, 1, y]]), (1280, 720), borderMode=cv2.BORDER_REPLICATE)
        frames.append(cv2.imencode(".jpg", moved, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes())
    return b"".join(frames)


def test_an_applicant_who_cannot_turn_is_asked_for_something_else(
    server: Server, chromium: Browser, device: str, applicants: list[SetCamera]
) -> None:
    asked: list[dict[str, object]] = []

    def received(data: object) -> None:
        if isinstance(data, str) and '"challenge"' in data and '"steps"' in data:
            asked.append(json.loads(data)["challenge"])

    with kiosk.page(chromium, kiosk.KIOSK, "zh-HK", reduced_motion="reduce") as made:
        made.on("websocket", lambda socket: socket.on("framereceived", received))
        hold = kiosk.hold_as_asked(made, applicants[1])
        kiosk.connect(made, server.url, device)
        kiosk.rehearse(made, kiosk.rehearsal(applicants[1]))
        made.click('.foot [data-do="help"]')
        made.wait_for_selector("#help[open]")
        assert made.evaluate("shown().activeElement.id") == "help-title"
        for option in ("cannot_turn", "photosensitive"):
            made.check(f"#choices [name={option}]")
        assert kiosk.grave(made) == []
        screenshot(made, "help")
        made.keyboard.press("Escape")
        kiosk.agree(made)
        hold()
        made.click("#staff-button")
        made.wait_for_selector("#staff-button.called")
        follow(made, ("verifying", "result", "retry"))
    assert asked[-1]["lights"] == []
    actions = {step["action"] for step in asked[-1]["steps"]}  # type: ignore[index,attr-defined]
    assert actions <= {"look_up", "look_down", "come_closer", "blink", "open_mouth"}
    devices = httpx.get(f"{server.url}/v1/kiosks").json()["devices"]
    assert next(one for one in devices if one["name"] == "Long")["staff_called"]


def test_an_unknown_key_puts_the_kiosk_out_of_service(server: Server, chromium: Browser) -> None:
    other = os.urandom(8).hex()
    with kiosk.page(chromium) as made:
        made.goto(f"{server.url}/kiosk")
        made.fill("#device-key", f"idpd_{other}_{'A' * 43}")
        made.click("#setup button")
        kiosk.view(made, "closed")
        assert "does not know this kiosk" in made.inner_text("#closed-text")
        assert kiosk.grave(made) == []
