"""Comparison of the registered portrait, which the records hold, with the card's portrait and with the selfie.

A forged card with a real person's data and another person's photograph agrees with its own selfie. It does not agree
with the portrait that was registered.
"""

from collections.abc import Mapping
from dataclasses import replace

from idproof.models.score_reports import ScoreCalibration
from idproof.models.types import Embeddings
from idproof.pipeline.config import Policy
from idproof.pipeline.types import CheckResult, Outcome

CARD, SELFIE = "registered_portrait_card", "registered_portrait_selfie"
UNAVAILABLE = "registered_portrait_unavailable"
DOUBTFUL, DIFFERS = "registered_portrait_doubtful", "registered_portrait_differs"


def check(
    registered: Embeddings,
    portrait: Embeddings,
    selfie: Embeddings,
    thresholds: Mapping[str, Mapping[float, float]],
    calibration: ScoreCalibration,
    policy: Policy,
) -> list[CheckResult]:
    """`registered_portrait_card` and `registered_portrait_selfie`.

    Args:
        registered: (1, dimensions), unit length.
        portrait: the same of the card's portrait.
        selfie: the same of the selfie.
        thresholds: by check, false match rate to score, from the profile's reports.
        calibration: turns scores into probabilities.
        policy: names the operating points.

    Returns:
        Cosines at the operating points of the face comparison; each fails with `registered_portrait_differs` and is in
        doubt with `registered_portrait_doubtful`.
    """
    cosines = {CARD: (registered @ portrait.T).item(), SELFIE: (registered @ selfie.T).item()}
    return [
        CheckResult.compared(
            name,
            float(cosine),
            accept=thresholds[name][policy.accept_fmr],
            refer=thresholds[name][policy.refer_fmr],
            score=calibration.posterior(float(cosine)),
            doubt=DOUBTFUL,
            fail=DIFFERS,
        )
        for name, cosine in cosines.items()
    ]


def named(compared: CheckResult) -> CheckResult:
    """Returns `registered_portrait_selfie` for a `face_comparison` whose portrait was the registered one."""
    reason = {Outcome.DOUBT: DOUBTFUL, Outcome.FAIL: DIFFERS}.get(compared.outcome or Outcome.PASS)
    return replace(compared, name=SELFIE, reason=reason)


def unavailable() -> list[CheckResult]:
    """Returns the checks for a record whose portrait could not be fetched or shows no face."""
    return [CheckResult.not_assessed(name, UNAVAILABLE) for name in (CARD, SELFIE)]
