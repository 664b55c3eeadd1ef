"""Choice of the applicant's face among the faces of a picture.

Selfie, frames of a challenge and guidance all choose by this one function, so that no two checks of a picture look at
two faces. Somebody behind the applicant, or a face on a poster, is smaller, nearer to the picture's edge, cut off by it
or out of focus. Where no face is clearly the applicant's, none is chosen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import DetectedFace, RGBImage

# Chosen by hand on photographs of tuning people (LFW); no outside source. `docs/face.md` has the counts.
_RIVAL_SHARE = 0.35
"""Prominence of a second face, relative to the first, from which on it may be the applicant's too."""
_CENTRE_SIGMA = 0.30
"""Distance from the picture's middle, in shorter sides of the picture, at which a face counts 0.61 of its area."""
_LEAST_SHARPNESS = 0.5
"""Factor of a face without any detail beside a sharp one: blur alone does not make a large face a bystander."""
_NEIGHBOUR_AREA, _NEIGHBOUR_GAP, _NEIGHBOUR_VISIBLE = 0.7, 0.4, 0.8
"""Two heads side by side: area of the smaller relative to the larger, gap between both boxes in widths of the wider,
and share of the second within the picture."""
_SHARPNESS_PX = 32  # side to which both faces are brought before their detail is measured
_FINE_PX = 1.0  # standard deviation of the blur that removes fine detail
_MIN_CONTRAST = 2.0  # grey levels; below it only noise is left to compare with


@dataclass(frozen=True, slots=True)
class ApplicantFace:
    """The result of the choice.

    Attributes:
        face: the applicant's; None when there is none, or no face is clearly the applicant's.
        ambiguous: there are faces, and no one of them is clearly the applicant's.
    """

    face: DetectedFace | None
    ambiguous: bool = False


def choose_applicant(image: RGBImage, faces: Sequence[DetectedFace]) -> ApplicantFace:
    """Chooses the face with the greatest prominence, if it is clearly the applicant's.

    Prominence is the area within the picture, weighted by nearness to the picture's middle and by sharpness. A second
    face is a rival when it has `_RIVAL_SHARE` of the first one's prominence, or when it is a head of like size right
    beside it.

    Args:
        image: the picture in which the faces were found.
        faces: all of them, in the picture's pixels, in any order.
    """
    if not faces:
        return ApplicantFace(None)
    if len(faces) == 1:
        return ApplicantFace(faces[0])
    sharpest = max(_sharpness(image, face) for face in faces)
    prominence = [_prominence(image, face, sharpest) for face in faces]
    place = int(np.argmax(prominence))
    chosen, others = faces[place], [i for i in range(len(faces)) if i != place]
    if any(prominence[i] >= _RIVAL_SHARE * prominence[place] or _side_by_side(image, chosen, faces[i]) for i in others):
        return ApplicantFace(None, ambiguous=True)
    return ApplicantFace(chosen)


def overlaps(one: DetectedFace, other: DetectedFace) -> bool:
    """Returns whether the boxes of two faces have a point in common."""
    return _gap_px(one, other) == 0.0


def _prominence(image: RGBImage, face: DetectedFace, sharpest: float) -> float:
    height, width = image.shape[:2]
    x, y, w, h = face.box
    from_middle = float(np.hypot(x + w / 2 - width / 2, y + h / 2 - height / 2)) / min(width, height)
    nearness = float(np.exp(-0.5 * (from_middle / _CENTRE_SIGMA) ** 2))
    sharpness = float(np.clip(_sharpness(image, face) / max(sharpest, 1e-6), _LEAST_SHARPNESS, 1.0))
    return _visible_area(image, face) * nearness * sharpness


def _visible_area(image: RGBImage, face: DetectedFace) -> float:
    height, width = image.shape[:2]
    x, y, w, h = face.box
    return float(max(0.0, min(x + w, width) - max(x, 0.0)) * max(0.0, min(y + h, height) - max(y, 0.0)))


def _sharpness(image: RGBImage, face: DetectedFace) -> float:
    """Measures fine detail as a share of the contrast of the face's box, brought to one size."""
    x, y, w, h = face.box
    size = (max(1, round(w)), max(1, round(h)))
    crop = cv2.getRectSubPix(image, size, (x + w / 2, y + h / 2))
    small = cv2.resize(crop, (_SHARPNESS_PX, _SHARPNESS_PX), interpolation=cv2.INTER_AREA)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.float32)
    fine: NDArray[np.float32] = grey - cv2.GaussianBlur(grey, (0, 0), _FINE_PX)
    return float(fine.std() / max(float(grey.std()), _MIN_CONTRAST))


def _side_by_side(image: RGBImage, first: DetectedFace, other: DetectedFace) -> bool:
    like_size = min(first.area, other.area) > _NEIGHBOUR_AREA * max(first.area, other.area)
    near = _gap_px(first, other) < _NEIGHBOUR_GAP * max(first.box[2], other.box[2])
    return like_size and near and _visible_area(image, other) >= _NEIGHBOUR_VISIBLE * other.area


def _gap_px(one: DetectedFace, other: DetectedFace) -> float:
    """Measures the distance between two boxes, 0 where they touch or overlap."""
    gaps = [
        max(0.0, max(one.box[i], other.box[i]) - min(one.box[i] + one.box[i + 2], other.box[i] + other.box[i + 2]))
        for i in (0, 1)
    ]
    return math.hypot(*gaps)
