"""The portrait that the records hold: the card's must show the same person, and so must the selfie.

A forged card with a real person's data and somebody else's photograph agrees with its own selfie. It does not agree
with the portrait that was registered.
"""

from collections.abc import Mapping

from idproof.models.score_reports import ScoreCalibration
from idproof.models.types import Embeddings
from idproof.pipeline.config import Policy
from idproof.pipeline.types import CheckResult

CARD, SELFIE = "registered_portrait_card", "registered_portrait_selfie"
UNAVAILABLE = "registered_portrait_unavailable"


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
        calibration: makes probabilities of scores.
        policy: names the operating points.

    Returns:
        Each a cosine at the operating points of the face comparison; fails with `registered_portrait_differs`, is in
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
            doubt="registered_portrait_doubtful",
            fail="registered_portrait_differs",
        )
        for name, cosine in cosines.items()
    ]


def unavailable() -> list[CheckResult]:
    """The record has a portrait, and it could not be had, or shows no face."""
    return [CheckResult.not_assessed(name, UNAVAILABLE) for name in (CARD, SELFIE)]
