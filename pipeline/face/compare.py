"""Comparison of the selfie with the card's portrait."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from idproof.models.score_reports import ScoreCalibration
from idproof.models.types import Embeddings, RGBImage
from idproof.pipeline.config import Policy
from idproof.pipeline.types import CheckResult, Outcome

NAME = "face_comparison"


def fuse(templates: Embeddings) -> Embeddings:
    """Returns (1, dimensions), the mean direction of several templates of one face; overwrites the first row with it.

    In place, so that no copy of a template is left behind. Three captures of one portrait differ in light, sharpness
    and noise and share the face; `docs/face.md` gives the gain.
    """
    fused = templates[:1]
    for other in templates[1:]:
        fused += other
    fused /= max(float(np.linalg.norm(fused)), 1e-12)
    return fused


def remove_colour(face: RGBImage) -> RGBImage:
    """Returns the aligned selfie in grey, as a card shows the holder; its template is fused with the coloured one's."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), dtype=np.uint8)


def check(
    portrait: Embeddings,
    selfie: Embeddings,
    thresholds: Mapping[float, float],
    calibration: ScoreCalibration,
    policy: Policy,
) -> CheckResult:
    """Compares two templates at the operating points.

    Args:
        portrait: (1, dimensions), unit length.
        selfie: (1, dimensions), unit length: the templates of the picture and of `remove_colour`, fused.
        thresholds: false match rate to the score that promises at most this rate, from the profile's report.
        calibration: turns scores into log-likelihood ratios, from the profile's report.
        policy: names the operating points.

    Returns:
        `face_comparison`: value is the cosine, -1..1. Passes at `accept_fmr`, fails below `refer_fmr`
        (`face_mismatch`), is in doubt between (`face_similarity_low`). Score is the probability that both pictures
        show one person, at equal prior odds; log(score / (1 - score)) is the log-likelihood ratio.
    """
    return _judge(float((portrait @ selfie.T).item()), thresholds, calibration, policy)


def with_frames(
    selfie: CheckResult,
    frames: Sequence[float],
    thresholds: Mapping[float, float],
    calibration: ScoreCalibration,
    policy: Policy,
) -> CheckResult:
    """`face_comparison` by the selfie and by frames of the challenge: the mean of both scores.

    A mean of two scores of one person varies less than one: other people's mean reaches the threshold more rarely than
    their selfie alone does, and the holder's more often (`docs/face.md`). So the threshold of a single score keeps its
    promise.

    Args:
        selfie: `check`. One that fails stays so: frames do not excuse another person's selfie.
        frames: cosine with the portrait of each frame that is used; without any the result is `selfie`.
        thresholds: as in `check`.
        calibration: as in `check`.
        policy: as in `check`.
    """
    if not frames or selfie.value is None or selfie.outcome is Outcome.FAIL:
        return selfie
    return _judge((selfie.value + float(np.mean(frames))) / 2, thresholds, calibration, policy)


def _judge(
    cosine: float, thresholds: Mapping[float, float], calibration: ScoreCalibration, policy: Policy
) -> CheckResult:
    return CheckResult.compared(
        NAME,
        cosine,
        accept=thresholds[policy.accept_fmr],
        refer=thresholds[policy.refer_fmr],
        score=calibration.posterior(cosine),
        doubt="face_similarity_low",
        fail="face_mismatch",
    )
