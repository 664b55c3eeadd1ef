"""Freshness of the captures: whether any of them was handed in before, in another registration.

Pictures alone cannot answer it. Whoever keeps account of earlier registrations, such as the service, gives the answer;
without one the verdict lists it as not performed.
"""

from idproof.pipeline.types import CheckResult, Outcome, Status

NAME = "captures_fresh"
USED_BEFORE = "captures_used_before"
UNKNOWN = "captures_use_unknown"


def check(used_before: int | None, of: int) -> CheckResult:
    """`captures_fresh`: number of captures and frames whose exact bytes were handed in before; in doubt from one on.

    A repeat is no proof of fraud: a client that lost its session may send its stored files again. So it refers, and
    never accepts.

    Args:
        used_before: number of those that another registration used; None if it could not be found out.
        of: number of all captures and frames.
    """
    if used_before is None:
        return CheckResult.not_assessed(NAME, UNKNOWN)
    return CheckResult(
        name=NAME,
        status=Status.ASSESSED,
        outcome=Outcome.DOUBT if used_before else Outcome.PASS,
        value=float(used_before),
        unit="captures used before",
        score=1.0 - used_before / max(of, 1),
        reason=USED_BEFORE if used_before else None,
        limit=0.0,
    )
