"""Comparison of a selfie with the holder's own template of an earlier registration, opened for one step-up."""

from dataclasses import replace

from idproof.pipeline.types import CheckResult, Outcome

NAME = "enrolled_face"
DOUBTFUL, DIFFERS = "enrolled_face_doubtful", "enrolled_face_differs"


def named(compared: CheckResult) -> CheckResult:
    """Returns `enrolled_face` for a `face_comparison` in which the enrolled template took the portrait's place."""
    reasons = {Outcome.DOUBT: DOUBTFUL, Outcome.FAIL: DIFFERS}
    reason = compared.reason if compared.outcome is None else reasons.get(compared.outcome)
    return replace(compared, name=NAME, reason=reason)
