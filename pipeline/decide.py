"""Decides from facts alone: a pure function of checks and policy, with a reason code for every decision but accept."""

from collections.abc import Sequence

from idproof.pipeline.types import CheckResult, Decision, Outcome, Status


def decide(checks: Sequence[CheckResult], required: Sequence[str]) -> tuple[Decision, tuple[str, ...]]:
    """Decide, and give the reason codes, worst first.

    Any failed check rejects. Otherwise a doubt, a check that could not be assessed, or a missing required check refers
    the registration to a person. Only a full set of passes accepts.

    Example:
        >>> decide([], required=["face_comparison"])
        (<Decision.REFER: 'refer'>, ('face_comparison_missing',))
    """
    failed = [check for check in checks if check.outcome is Outcome.FAIL]
    unsettled = [check for check in checks if check.outcome is Outcome.DOUBT or check.status is Status.COULD_NOT_ASSESS]
    present = {check.name for check in checks}
    missing = [f"{name}_missing" for name in required if name not in present]
    reasons = _distinct([*(_reason(check) for check in [*failed, *unsettled]), *missing])
    if failed:
        return Decision.REJECT, reasons
    if unsettled or missing:
        return Decision.REFER, reasons
    return Decision.ACCEPT, ()


def _reason(check: CheckResult) -> str:
    return check.reason or check.name


def _distinct(codes: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codes))
