"""From facts to a decision: pure, total, and every decision explains itself."""

from collections.abc import Sequence

from idproof.pipeline.types import CheckResult, Decision, Outcome, Status


def decide(
    checks: Sequence[CheckResult], required: Sequence[str], optional: Sequence[str] = ()
) -> tuple[Decision, tuple[str, ...]]:
    """The decision and its reason codes, worst first.

    Any failed check rejects. Otherwise any doubt, anything that could not be assessed and any required check that
    is not there refers to a person. Only a full set of passes accepts.

    `optional` names checks that many an honest capture gives too little for (fine print, a background of the card's
    own colour). Where they could not be assessed they say so and hold up nothing; assessed, they count like any other.

    Example:
        >>> decide([], required=["face_comparison"])
        (<Decision.REFER: 'refer'>, ('face_comparison_missing',))
    """
    failed = [check for check in checks if check.outcome is Outcome.FAIL]
    unsettled = [check for check in checks if check.outcome is Outcome.DOUBT or _stands_open(check, optional)]
    present = {check.name for check in checks}
    missing = [f"{name}_missing" for name in required if name not in present]
    reasons = _distinct([*(_reason(check) for check in [*failed, *unsettled]), *missing])
    if failed:
        return Decision.REJECT, reasons
    if unsettled or missing:
        return Decision.REFER, reasons
    return Decision.ACCEPT, ()


def _stands_open(check: CheckResult, optional: Sequence[str]) -> bool:
    return check.status is Status.COULD_NOT_ASSESS and check.name not in optional


def _reason(check: CheckResult) -> str:
    return check.reason or check.name


def _distinct(codes: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codes))
