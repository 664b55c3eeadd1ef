"""The kiosk's page lights a card: Chromium before a real server with the real guidance and no networks."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kiosk_page as kiosk
import pytest
from playwright.sync_api import Browser
from rendered_applicant import RECIPE
from stream_server import StreamVerifier, enroll, show_blank, stream_server

from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline.card.plan import draw
from idproof.pipeline.card.screen_light import lit_role
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.guidance import Guide
from idproof.pipeline.types import Outcome, Status
from idproof.service.operations.settings import Settings
from idproof.service.stream import opening
from idproof.service.stream.messages import unbase64
from idproof.service.stream.session import DeviceSession
from idproof.service.stream.simulator.posed_cards import RenderedCard

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


class RenderedHand:
    """Holds a rendered card in the poses of a session's plan."""

    def __init__(self) -> None:
        self.stills: dict[str, bytes] = {}
        self.ways: dict[str, list[bytes]] = {}

    def begin(self, session: dict[str, Any]) -> None:
        self.plan = draw(unbase64(session["nonce"]))
        card = RenderedCard(RECIPE, None, PortraitSource.open(None), 3)
        self.stills, self.ways = card.stills(self.plan), card.turned(self.plan)


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[DeviceSession]:
    """Sessions of the server, in the order in which they began."""
    begun: list[DeviceSession] = []

    class Noted(DeviceSession):
        def __init__(self, *told: Any) -> None:
            super().__init__(*told)
            begun.append(self)

    monkeypatch.setattr(opening, "DeviceSession", Noted)
    return begun


@pytest.fixture
def address(tmp_path: Path, document: DocumentType, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    guide = Guide.open(document, None)  # type: ignore[arg-type]  # the test ends before a face is looked for
    settings = Settings(data_dir=tmp_path, card_light_required=True, stream_s=600.0)
    with stream_server(settings, StreamVerifier(), monkeypatch, guide) as url:  # type: ignore[arg-type]
        yield url


@pytest.mark.parametrize(("answers", "locale"), [(True, "en-GB"), (False, "zh-HK")])
def test_a_card_is_lit_in_the_drawn_colours_and_its_answer_found(
    address: str, tmp_path: Path, chromium: Browser, sessions: list[DeviceSession], answers: bool, locale: str
) -> None:
    said: list[dict[str, Any]] = []
    reported: list[dict[str, Any]] = []

    def keep(into: list[dict[str, Any]]) -> Any:
        return lambda data: into.append(json.loads(data)) if isinstance(data, str) else None

    hand = RenderedHand()
    with kiosk.page(chromium, kiosk.KIOSK, locale) as made:
        made.on("websocket", lambda socket: socket.on("framereceived", keep(said)))
        made.on("websocket", lambda socket: socket.on("framesent", keep(reported)))
        hold = kiosk.hold_as_asked(made, hand)  # type: ignore[arg-type]
        kiosk.connect(made, address, enroll(tmp_path))
        made.evaluate(f"window.rehearsed.unlit = {json.dumps(not answers)}")
        show_blank(made)
        kiosk.agree(made)
        hold()
        kiosk.wait(made, "page().dataset.halves !== undefined", timeout_s=120)
        assert made.is_visible("#card-light")
        assert made.evaluate("page().dataset.stage") == lit_role(hand.plan.order).value
        kiosk.wait(made, "part('card-light').hidden", timeout_s=20)
        kiosk.wait(made, "page().dataset.stage === 'selfie'", timeout_s=120)
        lights = [message for message in said if message["type"] == "light"]
        assert sum(message["type"] == "light_shown" for message in reported) == len(lights) > 0
        found = sessions[0].check_light()
        assert found is not None
        if answers:
            assert found.outcome is Outcome.PASS, found
        else:
            assert (found.status, found.reason) == (Status.COULD_NOT_ASSESS, "card_light_too_weak")
        assert sessions[0].check_turning().outcome is Outcome.PASS
