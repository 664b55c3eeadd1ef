"""An applicant who shows a rendered card to a session with the real guidance, in the poses of its plan."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from device_sessions import NONCE, SECRET, examine, new_session, send_picture
from pictures import pixels

from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline.card.plan import draw
from idproof.pipeline.guidance import Guide
from idproof.service.stream.chain import Chain
from idproof.service.stream.parameters import CardLightUse
from idproof.service.stream.session import DeviceSession
from idproof.service.stream.simulator.player import small_of, swaying
from idproof.service.stream.simulator.posed_cards import RenderedCard

RECIPE = {"seed": 31, "index": 2, "characters": None, "split": "tuning", "formation": "analytic"}
PLAN = draw(NONCE)
FIRST, SECOND, THIRD = (role.value for role in PLAN.order)


class Rendered:
    """The stills of one plan, and the previews on the way to each of them."""

    def __init__(self, attack: str | None) -> None:
        card = RenderedCard(RECIPE, attack, PortraitSource.open(None), 3)
        self.stills, self.ways = card.stills(PLAN), card.turned(PLAN)
        rng = np.random.default_rng(1)
        self.in_place = {
            role: swaying(small_of(pixels(data)[..., ::-1]), 1.0, rng) for role, data in self.stills.items()
        }
        self.nothing = swaying(np.full((270, 480, 3), 120, dtype=np.uint8), 1.0, rng)


class Applicant:
    """Shows pictures to a session with the real guidance, a tenth of a second apart."""

    def __init__(self, guide: Guide, card_light: CardLightUse = CardLightUse.OFF) -> None:
        self.session: DeviceSession = new_session(guide=guide, card_light=card_light)  # type: ignore[arg-type]
        self.said = list[dict[str, Any]]()
        self.device, self.at_ms, self.hints = Chain(SECRET, NONCE), 0.0, list[str]()

    def show(self, picture: bytes, *, still: bool = False) -> dict[str, Any]:
        """Returns the guidance."""
        self.at_ms += 100
        send_picture(self.session, self.device, self.session.stage, picture, still=still, ms=self.at_ms)
        said = examine(self.session)
        self.said += said
        self.hints.append(said[0]["hint"])
        return said[0]

    def turn(self, pictures: Sequence[bytes]) -> None:
        for picture in pictures:
            self.show(picture)

    def take(self, seen: Rendered) -> None:
        """Hold the card in the pose of the stage until its stills are taken."""
        stage = self.session.stage
        want = "preview"
        for _ in range(20):
            want = self.show(seen.stills[stage] if want == "still" else seen.in_place[stage], still=want == "still")[
                "want"
            ]
            if self.session.stage != stage:
                return
        raise AssertionError(f"{stage} was not taken: {self.hints[-12:]}")
