"""Quality of a selfie advises, and decides only where the comparison or liveness leaves something open.

A poor selfie is referred because a comparison with a poor picture may say less. Where that comparison says clearly more
than an accept requires, a person could add nothing by looking at the picture's quality.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from idproof.models.score_reports import ScoreCalibration
from idproof.pipeline.types import CheckResult, Outcome

_ODDS = 10.0
"""Likelihood ratio of the comparison over that of the score which an accept requires. It outweighs what a poor selfie
costs: spoilt in eight ways, other people's selfies reach scores of false match rates down to 1e-5 at most 4.2 times as
often as good ones do, on tuning people (`docs/face.md`). Rounded up by hand from that."""


def certain_score(accept: float, calibration: ScoreCalibration) -> float:
    """Returns the score of the comparison from which on quality does not decide.

    Args:
        accept: the score that an accept requires.
        calibration: turns scores into log-likelihood ratios.

    Example:
        >>> round(certain_score(0.42, ScoreCalibration(slope=30.0, offset=-9.0)), 3)
        0.497
    """
    return accept + math.log(_ODDS) / calibration.slope


def settle(
    checks: Sequence[CheckResult], comparison: CheckResult, calibration: ScoreCalibration, alive: CheckResult | None
) -> list[CheckResult]:
    """Turns the doubts of quality into passes where comparison and liveness are certain.

    Args:
        checks: of quality alone. A component that could not be assessed stays so.
        comparison: `face_comparison`; its `limit` is the score that an accept requires.
        calibration: of its scores.
        alive: the fused check of liveness, which must pass; None without frames.

    Returns:
        The checks in their order; value, score and limit stay as they were measured.
    """
    if alive is not None and alive.outcome is not Outcome.PASS:
        return list(checks)
    if comparison.outcome is not Outcome.PASS or comparison.value is None or comparison.limit is None:
        return list(checks)
    if comparison.value < certain_score(comparison.limit, calibration):
        return list(checks)
    return [
        replace(check, outcome=Outcome.PASS, reason=None) if check.outcome is Outcome.DOUBT else check
        for check in checks
    ]
