"""Checks that the three captures show the card from different angles, turned as instructed."""

from dataclasses import dataclass

import numpy as np

from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.turns import turns_deg
from idproof.pipeline.config import Policy
from idproof.pipeline.types import CheckResult, Outcome, Role, Status

CARD_ANGLES = Quantity("card_angles", "degrees", "", Limit.BY_POLICY)

_FULL_SCORE_DEG = 25.0  # the turn that scores 1. Chosen by hand; no outside source


@dataclass(frozen=True)
class CardAngles(Check):
    """`card_angles`: the smaller of the two turns away from the front capture, in degrees.

    A turn counts as positive in the direction that was asked for. Fails with `angles_not_distinct` when there is no
    second angle at all; in doubt with `angles_not_as_instructed` when the views differ but not as instructed.
    """

    reports = (CARD_ANGLES,)
    single_capture = False

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Judges the turns by the policy's degrees."""
        turns = turns_deg(card.views)
        front, left, right = (turns[role] for role in (Role.CARD_FRONT, Role.CARD_TILT_LEFT, Role.CARD_TILT_RIGHT))
        turned = min(left - front, front - right)
        distinct = min(abs(left - front), abs(right - front), abs(left - right))
        outcome, reason = Outcome.PASS, None
        if distinct < policy.min_turn_deg:
            outcome, reason = Outcome.FAIL, "angles_not_distinct"
        elif turned < policy.min_tilt_deg or abs(front) > policy.max_front_tilt_deg:
            outcome, reason = Outcome.DOUBT, "angles_not_as_instructed"
        result = CheckResult(
            name=CARD_ANGLES.name,
            status=Status.ASSESSED,
            outcome=outcome,
            value=round(turned, 2),
            unit=CARD_ANGLES.unit,
            score=float(np.clip(turned / _FULL_SCORE_DEG, 0, 1)),
            reason=reason,
            limit=policy.min_tilt_deg,
        )
        return [result]
