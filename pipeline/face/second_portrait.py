"""Comparison of the card's second portrait with its main one by the face network.

The two pictures are also laid over each other (`pipeline.card.second_portrait`); this comparison does not care how a
picture was cut, moved or retouched, and knows faces instead. The second portrait is small and lies under lenses: on
rendered tuning cards it was enough (`docs/benchmarks.md`). Where no face is found in it, a person looks.
"""

from collections.abc import Mapping
from contextlib import suppress

import cv2
import numpy as np

from idproof.models.score_reports import ScoreCalibration
from idproof.models.types import DetectedFace, Embeddings, FaceDetector, RGBImage
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType, Region
from idproof.pipeline.errors import FaceNotFound
from idproof.pipeline.face import detection
from idproof.pipeline.types import CheckResult, Outcome

NAME = "second_portrait_face"

_MARGIN_MM = 0.6  # the picture slides with the angle; chosen by hand on rendered cards, no outside source
_ENLARGEMENT = 2.0  # detectors miss very small faces; chosen by hand, no outside source


def crop(rectified: RGBImage, region: Region, document: DocumentType) -> RGBImage:
    """Returns the second portrait out of a canonical frame, enlarged twice, its edges continued outwards."""
    left, top, right, bottom = (region.picture or region.box).pixels(document.px_per_mm, pad_mm=_MARGIN_MM)
    box = rectified[top:bottom, left:right]
    larger = cv2.resize(box, None, fx=_ENLARGEMENT, fy=_ENLARGEMENT, interpolation=cv2.INTER_CUBIC)
    return detection.pad_edges(np.asarray(larger, dtype=np.uint8))


def find_face(picture: RGBImage, detector: FaceDetector) -> DetectedFace | None:
    """Returns the face in `crop`, or None; one that is printed too pale is looked for in full contrast."""
    with suppress(FaceNotFound):
        return detection.find_portrait_face(picture, detector)
    with suppress(FaceNotFound):
        return detection.find_portrait_face(_in_full_contrast(picture), detector)
    return None


def _in_full_contrast(picture: RGBImage) -> RGBImage:
    """Returns the grey picture whose darkest pixel is black and whose lightest is white."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.merge([cv2.normalize(grey, None, 0, 255, cv2.NORM_MINMAX)] * 3), dtype=np.uint8)


def is_dark(picture: RGBImage) -> bool:
    """Returns whether the card around the second portrait in `crop` is darker than a grey surface in good light.

    The card's print is light: in good light its brighter parts are far above middle grey.
    """
    return detection.brightness(picture) < detection.MIDDLE_GREY


def check(
    portrait: Embeddings,
    second: Embeddings | None,
    thresholds: Mapping[float, float],
    calibration: ScoreCalibration,
    policy: Policy,
    *,
    tilted: bool = False,
    dark: bool = False,
) -> CheckResult:
    """`second_portrait_face`: cosine of the two templates against the operating points of card portraits.

    Args:
        portrait: (1, dimensions), unit length, of the main portrait.
        second: the same of the second portrait; None where no face was found in it: could not be assessed, with
            `second_portrait_without_face`, or `capture_too_dark`.
        thresholds: false match rate to score, as measured for card portraits.
        calibration: of those scores.
        policy: names the operating points.
        tilted: the front capture shows no face there, and `second` is of the tilted ones. Under lenses and at an angle
            it resembles less, so it can pass, and not fail: what does not pass could not be assessed.
        dark: no face was found in the second portrait, and it is too dark to find one (`is_dark`).

    Returns:
        Passes at `accept_fmr`, fails below `refer_fmr` (`second_portrait_other_face`), is in doubt between
        (`second_portrait_face_doubtful`).
    """
    unseen = CheckResult.not_assessed(NAME, "capture_too_dark" if dark else "second_portrait_without_face")
    if second is None:
        return unseen
    cosine = float((portrait @ second.T).item())
    compared = CheckResult.compared(
        NAME,
        cosine,
        accept=thresholds[policy.accept_fmr],
        refer=thresholds[policy.refer_fmr],
        score=calibration.posterior(cosine),
        doubt="second_portrait_face_doubtful",
        fail="second_portrait_other_face",
    )
    return unseen if tilted and compared.outcome is not Outcome.PASS else compared
