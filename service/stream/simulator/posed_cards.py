"""Cards of simulated cameras in the poses of a session's plan: rendered anew, or only warped to load a server."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from idproof.datasets.sets import ROLES
from idproof.datasets.specimen import posing
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.datasets.specimen.turning_film import TurningCard
from idproof.datasets.specimen.view import HEIGHT, WIDTH, Lens, View
from idproof.models.types import RGBImage
from idproof.pipeline.card.plan import CapturePlan, CardPose
from idproof.pipeline.card.view import card_corners_mm
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.errors import InvalidSpecimen

_SPEEDS = (2.4, 2.8)  # degrees per preview: a little faster than people are asked to turn. Chosen by hand
_FOCAL_PX = 1600.0  # of the camera that a warped card is seen by; chosen by hand, no outside source
_SCALE = 0.75  # 1440 pixels wide: quickly warped, and enough for guidance at every pose. Chosen by hand
_QUALITY = 90  # of JPEG; chosen by hand


class RenderedCard:
    """Renders the card of a set in the poses of a plan, as a hand holds it that follows guidance.

    Args:
        recipe: of the set, see `docs/sets.md`.
        attack: of the set, or None.
        source: of its photographs.
        seed: of the hand.
    """

    def __init__(self, recipe: Mapping[str, Any], attack: str | None, source: PortraitSource, seed: int) -> None:
        self._recipe, self._attack, self._source, self._seed = recipe, attack, source, seed

    def stills(self, plan: CapturePlan) -> dict[str, bytes]:
        """Returns a JPEG by role of the card; raises `InvalidSpecimen` if the kind has no model between its angles."""
        card = self._card(plan)
        return {role: card.still(name).data for role, name in ROLES.items()}

    def turned(self, plan: CapturePlan) -> dict[str, list[bytes]]:
        """Returns the previews on the way to each role of the card but the first; raises as `stills` does."""
        found: dict[str, list[bytes]] = {role.value: [] for role in plan.order[1:]}
        roles = {name: role for role, name in ROLES.items()}
        for frame in self._card(plan).frames(_SPEEDS, at_rest=1):
            found.setdefault(roles[frame.towards], []).append(frame.data)
        return {role.value: found[role.value] for role in plan.order[1:]}

    def _card(self, plan: CapturePlan) -> TurningCard:
        recipe = self._recipe
        poses = posing.poses_of(plan, Draws(np.random.default_rng(self._seed)))
        try:
            return TurningCard.begin(
                recipe["seed"],
                recipe["index"],
                self._source.as_made(recipe),
                load_builtin(),
                self._attack,
                poses,
                [ROLES[role.value] for role in plan.order],
                characters=recipe["characters"],
                split=Split(recipe["split"]),
                formed_by=recipe["formation"],
            )
        except (KeyError, TypeError, ValueError):
            raise InvalidSpecimen("The set does not say how it was rendered.") from None


class WarpedCard:
    """Warps the flat capture of a set into poses: enough for guidance, and no picture of a card for a verification.

    Args:
        front: the flat capture, JPEG of `WIDTH` by `HEIGHT` pixels.
        corners: of the card in it, (4, 2), pixels.
    """

    def __init__(self, front: bytes, corners: list[list[float]]) -> None:
        picture = cv2.imdecode(np.frombuffer(front, dtype=np.uint8), cv2.IMREAD_COLOR)
        self._document = load_builtin()
        flat = card_corners_mm(self._document).astype(np.float32)
        self._picture = np.asarray(picture, dtype=np.uint8)
        self._to_mm = cv2.getPerspectiveTransform(np.array(corners, dtype=np.float32), flat)

    def picture(self, wanted: CardPose) -> RGBImage:
        """Returns the card in a pose, BGR."""
        view = View(self._document, Lens(_FOCAL_PX), posing.pose_for(wanted))
        place = np.diag([_SCALE, _SCALE, 1.0]) @ view.homography @ self._to_mm
        size = (round(WIDTH * _SCALE), round(HEIGHT * _SCALE))
        warped = cv2.warpPerspective(self._picture, place, size, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(warped, dtype=np.uint8)


def still_of(picture: RGBImage) -> bytes:
    """Returns a picture of `WarpedCard` as a JPEG."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return data.tobytes()
