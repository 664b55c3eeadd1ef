"""The capture plan: the poses in which a session's nonce asks for the card, and their order.

Pictures of the card that were taken earlier show other poses than a new session asks for. In short::

    plan = draw(nonce)                    # CapturePlan: role to CardPose, order, strength in bits; the same for a nonce
    plan.poses[Role.CARD_TILT_LEFT]       # CardPose(turn_deg=28.0, pitch_deg=-9.0, share=0.55)
    plan.order                            # (Role.CARD_TILT_LEFT, Role.CARD_FRONT, Role.CARD_TILT_RIGHT)
    check(plan, poses)                    # CheckResult `capture_plan` for the poses found (`card.turns.measure_poses`)

`Verifier.verify(…, origin=CaptureOrigin(level, plan))` judges captures by it, and
`datasets.specimen.posing.poses_of` turns a plan into poses of a rendered card in an unsteady hand.
"""

from idproof.pipeline.card.plan.draw import draw, order_of
from idproof.pipeline.card.plan.judging import NAME, check
from idproof.pipeline.card.plan.types import GUIDED, TOLERANCE, CapturePlan, CardPose, PoseWindow, possible_poses

__all__ = [
    "GUIDED",
    "NAME",
    "TOLERANCE",
    "CapturePlan",
    "CardPose",
    "PoseWindow",
    "check",
    "draw",
    "order_of",
    "possible_poses",
]
