"""A first-time applicant finishes in each of five layouts: nothing overflows, and every control is within reach."""

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import kiosk_page as kiosk
import numpy as np
import pytest
from device_sessions import GOOD, FakeGuide
from playwright.sync_api import Browser, Page
from stream_server import StreamVerifier, enroll, stream_server

from idproof.pipeline.guidance import Guidance, Hint
from idproof.pipeline.types import Role
from idproof.service.operations.settings import Settings

SHOTS = os.environ.get("IDPROOF_KIOSK_SHOTS")  # a folder for pictures of every state
REACH = 2 / 3
"""Controls begin below this share of the height: within reach of somebody who sits."""
CORNERS = ((0.2, 0.28), (0.78, 0.32), (0.78, 0.72), (0.2, 0.7))


@dataclass(frozen=True)
class Layout:
    """A screen, and the picture of its camera."""

    width: int
    height: int
    language: str
    camera: tuple[int, int]
    phone: bool = False

    @property
    def context(self) -> dict[str, Any]:
        size = {"width": self.width, "height": self.height}
        return {"has_touch": True, "is_mobile": True, "screen": size} if self.phone else {}


LAYOUTS = {
    "1080x1920": Layout(1080, 1920, "en-GB", (1280, 720)),
    "390x844": Layout(390, 844, "zh-HK", (720, 1280), phone=True),
    "844x390": Layout(844, 390, "zh-CN", (1280, 720), phone=True),
    "834x1194": Layout(834, 1194, "en-GB", (1280, 720)),
    "1280x800": Layout(1280, 800, "zh-CN", (1280, 720)),
}


def drawn(width: int, height: int) -> str:
    """A picture with a light card before a dark ground, as base64 of a JPEG."""
    picture = np.full((height, width, 3), (70, 60, 52), np.uint8)
    (left, top), (right, bottom) = CORNERS[0], CORNERS[2]
    box = [round(value) for value in (left * width, top * height, right * width, bottom * height)]
    cv2.rectangle(picture, (box[0], box[1]), (box[2], box[3]), (215, 220, 205), -1)
    cv2.circle(picture, (box[0] + 90, box[1] + 110), 55, (120, 130, 140), -1)
    return base64.b64encode(cv2.imencode(".jpg", picture)[1].tobytes()).decode()


def look(made: Page, layout: str, state: str, *, held: bool = True) -> None:
    """Take a picture of a state; nothing may overflow, and what is to be touched is in the lower third."""
    if SHOTS:
        made.evaluate("Promise.all([...document.fonts].map((font) => font.load())).then(() => 0)")
        made.wait_for_timeout(150)
        made.screenshot(path=str(Path(SHOTS) / f"{layout}-{state}.png"))
    found = made.evaluate(MEASURES)
    assert found["across"] <= found["width"], (state, found["across"])
    assert found["down"] <= found["height"], (state, found["down"])
    assert found["outside"] == [], state
    high = [name for name, top in found["controls"].items() if top < REACH * found["height"]]
    if held:  # axe-core would disturb a challenge
        assert kiosk.grave(made) == [], state
    assert high == [], (state, found["controls"], REACH * found["height"])


MEASURES = """() => {
  const inside = document.querySelector("idproof-capture").shadowRoot;
  const visible = (one) => one.checkVisibility({visibilityProperty: true}) && one.getClientRects().length > 0;
  const modal = inside.querySelector("dialog[open]");
  const buttons = [...inside.querySelectorAll("button")].filter((one) => visible(one) && !one.closest("[inert]"));
  const asked = buttons.filter((one) => !modal || modal.contains(one));
  const boxes = asked.map((one) => [one.innerText.trim() || one.id, one.getBoundingClientRect()]);
  return {
    width: innerWidth,
    height: innerHeight,
    across: document.documentElement.scrollWidth,
    down: document.documentElement.scrollHeight,
    outside: boxes.filter(([, box]) => box.left < 0 || box.right > innerWidth + 0.5 || box.bottom > innerHeight + 0.5)
      .map(([name]) => name),
    controls: Object.fromEntries(boxes.map(([name, box]) => [name, Math.ceil(box.top)])),
  };
}"""


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_first_time_applicant_finishes(
    tmp_path: Path, chromium: Browser, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    layout, guide = LAYOUTS[name], FakeGuide(Guidance(Hint.TILT_RIGHT_MORE, corners=CORNERS))
    with (
        stream_server(Settings(data_dir=tmp_path), StreamVerifier(), monkeypatch, guide) as url,
        kiosk.page(chromium, (layout.width, layout.height), layout.language, **layout.context) as made,
    ):
        kiosk.connect(made, url, enroll(tmp_path))
        coded = [drawn(*layout.camera)]
        made.evaluate("all => window.rehearse(all)", dict.fromkeys((*Role, "neutral"), coded))
        look(made, name, "1-welcome")
        made.click('[data-of="welcome"] .go')
        kiosk.view(made, "notice")
        kiosk.wait(made, "!part('agree').disabled")
        look(made, name, "2-notice")
        made.click("#agree")
        kiosk.view(made, "capture")
        kiosk.wait(made, "page().dataset.hint === 'tilt_right_more'")
        look(made, name, "3-card")
        if layout.phone and layout.camera[0] < layout.camera[1]:
            box = made.evaluate("(({width, height}) => [width, height])(part('finder').getBoundingClientRect())")
            assert box[0] == layout.width
            assert box[1] > 0.7 * layout.height
        guide.found = GOOD
        kiosk.view(made, "intro", timeout_s=60)
        look(made, name, "4-intro")
        made.click('[data-of="intro"] .go')
        kiosk.wait(made, "page().dataset.action !== undefined")
        look(made, name, "5-challenge", held=False)
        kiosk.view(made, "result", timeout_s=60)
        look(made, name, "6-result")
        made.click("#result-finish:visible, #result-again:visible")
        kiosk.view(made, "welcome", "notice")
