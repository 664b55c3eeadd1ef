"""Checks that one camera looking at one flat card of the type's size explains all three views."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.card.turns import centred_homography, focal_length
from idproof.pipeline.config import Policy
from idproof.pipeline.types import CheckResult

CARD_RIGID = Quantity(
    "card_rigid",
    "share",
    "views_not_of_one_card_and_camera",
    Limit.AT_MOST,
    ratio=True,
    speaks_to=(Hypothesis.DOCUMENT,),
)


@dataclass(frozen=True)
class RigidCard(Check):
    """`card_rigid`: the worst residual of the views, as a share; fails with `views_not_of_one_card_and_camera`.

    The card's two axes must come out of every homography equally long and at a right angle, with one focal length for
    all. A picture with a perspective of its own does not fit, nor does a card of other proportions.
    """

    reports = (CARD_RIGID,)
    single_capture = False

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Measures the residual of every view with the focal length of all."""
        focal = focal_length(list(card.views.values()))
        value = max(_residual(centred_homography(view), focal) for view in card.views.values())
        return [CARD_RIGID.judge(value, policy.calibration)]


def _residual(homography: NDArray[np.float64], focal: float) -> float:
    axes = homography[:, :2] / np.array([[focal], [focal], [1.0]])
    first, second = np.linalg.norm(axes, axis=0)
    skew = abs(float(axes[:, 0] @ axes[:, 1])) / (first * second)
    return float(max(skew, abs(np.log(first / second))))
