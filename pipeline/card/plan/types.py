"""Types of the capture plan: a pose of the card, how near to it a capture has to be, and the plan itself."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from idproof.pipeline.types import CARD_ROLES, Role

# The levels that are drawn from. Neighbours lie twice the tolerance apart, so that no capture fits two of them. The
# card's own checks were calibrated on turns of 18 to 30 degrees, pitches up to 9 and shares of 0.50 to 0.62: the levels
# stay near these. A camera 1,280 pixels wide still has the policy's 7 pixels per millimetre at the smaller share, and a
# card at the larger one, turned by 31 degrees, is still whole in a wide camera's picture of 16:9.
TURNS_DEG: Mapping[Role, tuple[float, ...]] = {
    Role.CARD_FRONT: (0.0,),
    Role.CARD_TILT_LEFT: (19.0, 28.0),
    Role.CARD_TILT_RIGHT: (-19.0, -28.0),
}
PITCHES_DEG = (-9.0, 0.0, 9.0)
SHARES = (0.55, 0.64)


@dataclass(frozen=True, slots=True)
class CardPose:
    """Pose of the card before the camera.

    Attributes:
        turn_deg: of the card's long side towards the camera; positive when its left edge is the nearer one.
        pitch_deg: of the card's short side towards the camera; positive when its top edge is the nearer one.
        share: width that the card would have face on at this distance, as a share of the picture's width.
    """

    turn_deg: float
    pitch_deg: float
    share: float

    @property
    def finite(self) -> bool:
        """True unless the pose could not be computed."""
        return all(math.isfinite(value) for value in (self.turn_deg, self.pitch_deg, self.share))


def possible_poses(role: Role) -> tuple[CardPose, ...]:
    """Returns every pose in which a plan may ask for one capture."""
    return tuple(CardPose(*levels) for levels in product(TURNS_DEG[role], PITCHES_DEG, SHARES))


@dataclass(frozen=True, slots=True)
class PoseWindow:
    """Greatest distances from a wanted pose, in the units of `CardPose`."""

    turn_deg: float
    pitch_deg: float
    share: float

    def distance(self, found: CardPose, wanted: CardPose) -> float:
        """Returns the greatest of the three distances as a multiple of the window's; at most 1 is inside.

        Example:
            >>> PoseWindow(4.0, 4.0, 0.04).distance(CardPose(21.0, 9.0, 0.57), CardPose(19.0, 0.0, 0.55))
            2.25
        """
        return max(
            abs(found.turn_deg - wanted.turn_deg) / self.turn_deg,
            abs(found.pitch_deg - wanted.pitch_deg) / self.pitch_deg,
            abs(found.share - wanted.share) / self.share,
        )


GUIDED = PoseWindow(3.0, 3.0, 0.03)
"""Distance within which guidance takes a still: what a hand holds while it is told how to move. Chosen by hand; no
outside source."""
TOLERANCE = PoseWindow(4.5, 4.5, 0.045)
"""Distance within which a capture follows the plan: that of `GUIDED`, and the error of measurement.

On 42 rendered captures of the tuning split at poses like these, guidance was wrong by at most 1.13 degrees (root mean
square 0.38) and 0.003 of the picture's width once the card was in place, the verification by at most 0.19 degrees and
0.001. 1.5 degrees and 0.015 allow for lenses that distort, which the renderings do not.
"""


@dataclass(frozen=True, slots=True)
class CapturePlan:
    """Poses in which a session asks for the card, and their order.

    Attributes:
        poses: of the three captures.
        order: of the three captures. Guidance asks for it; pictures that were sent together do not show it.
    """

    poses: Mapping[Role, CardPose]
    order: tuple[Role, ...]

    def __post_init__(self) -> None:
        if set(self.poses) != set(CARD_ROLES) or sorted(self.order) != sorted(CARD_ROLES):
            raise ValueError("a plan has a pose and a place for each of the three captures")

    @property
    def strength_bits(self) -> float:
        """Binary logarithm of the number of poses that the plan was drawn from; the order does not count.

        Captures that were taken for one plan fit another with a chance of 2 to the minus this.
        """
        return math.log2(math.prod(len(possible_poses(role)) for role in CARD_ROLES))

    def to_json(self) -> dict[str, Any]:
        """Returns everything that a client needs to guide its user."""
        return {
            "order": [role.value for role in self.order],
            "poses": {
                role.value: {"turn_deg": pose.turn_deg, "pitch_deg": pose.pitch_deg, "share": pose.share}
                for role, pose in self.poses.items()
            },
            "tolerance": {
                "turn_deg": TOLERANCE.turn_deg,
                "pitch_deg": TOLERANCE.pitch_deg,
                "share": TOLERANCE.share,
            },
        }
