"""Judges the poses that were found in captures by a session's plan."""

from collections.abc import Mapping

from idproof.pipeline.card.plan.types import TOLERANCE, CapturePlan, CardPose
from idproof.pipeline.types import CheckResult, Outcome, Role, Status

NAME = "capture_plan"


def check(plan: CapturePlan | None, poses: Mapping[Role, CardPose]) -> CheckResult:
    """`capture_plan`: greatest distance of a capture from its planned pose, in multiples of the tolerance.

    In doubt with `capture_plan_not_followed` beyond 1: the captures have to be taken again. Not assessed without a
    plan, with `capture_plan_missing`, and without the pose of every capture, with `card_poses_missing`.

    Args:
        plan: of the session, drawn by the server; None when there is none.
        poses: found in the captures.

    Example:
        >>> from idproof.pipeline.card.plan.draw import draw
        >>> plan = draw(bytes(32))
        >>> check(plan, plan.poses).outcome
        <Outcome.PASS: 'pass'>
        >>> check(plan, draw(bytes(31) + b"1").poses).reason
        'capture_plan_not_followed'
    """
    if plan is None:
        return CheckResult.not_assessed(NAME, "capture_plan_missing")
    if not plan.poses.keys() <= {role for role, pose in poses.items() if pose.finite}:
        return CheckResult.not_assessed(NAME, "card_poses_missing")
    distance = max(TOLERANCE.distance(poses[role], wanted) for role, wanted in plan.poses.items())
    followed = distance <= 1
    return CheckResult(
        name=NAME,
        status=Status.ASSESSED,
        outcome=Outcome.PASS if followed else Outcome.DOUBT,
        value=round(distance, 3),
        unit="tolerances",
        score=max(0.0, 1 - distance / 2),
        reason=None if followed else "capture_plan_not_followed",
        limit=1.0,
    )
