"""Facts from pixels: light and glare on a rectified card, the one face of a small picture."""

import cv2
import numpy as np

from idproof.models.types import DetectedFace, RGBImage
from idproof.pipeline.card.view import CardView, Homography, project
from idproof.pipeline.config import RIVAL_AREA
from idproof.pipeline.face.quality import illumination, pose
from idproof.pipeline.face.quality.types import Face
from idproof.pipeline.guidance.hints import Box

_WHITE = 250  # the least of a pixel's three channels
_GLARE_SPOTS, _SPOT_SHARE = 4, 0.004
_FACE_PX = 112
_FINE_PX = 1.0


def glare(rectified: RGBImage) -> tuple[float, list[Box]]:
    """Share of the card that is as white as the camera can say, and the larger spots of it, as shares of the card."""
    white = cv2.inRange(rectified, (_WHITE,) * 3, (255,) * 3)
    share = cv2.countNonZero(white) / white.size
    if share < _SPOT_SHARE:
        return share, []
    height, width = white.shape
    whole = cv2.morphologyEx(white, cv2.MORPH_CLOSE, np.ones((7, 7), dtype=np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(whole)
    spots = sorted((stats[place] for place in range(1, count)), key=lambda spot: -spot[cv2.CC_STAT_AREA])
    large = [spot for spot in spots[:_GLARE_SPOTS] if spot[cv2.CC_STAT_AREA] > _SPOT_SHARE * width * height]
    return share, [(spot[0] / width, spot[1] / height, spot[2] / width, spot[3] / height) for spot in large]


def in_picture(box: Box, view: CardView, to_picture: Homography) -> Box:
    """A box on the card, in shares of it, as the upright box around it in shares of the picture.

    Args:
        box: on the card.
        view: where the card is.
        to_picture: shares of the card to pixels.
    """
    left, top, width, height = box
    corners = np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])
    points = project(to_picture, corners) / np.array(view.size)
    low, high = points.min(axis=0), points.max(axis=0)
    return (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))


def sharpness(picture: RGBImage) -> float:
    """Share of contrast that is fine detail, brought to 0..1 so that 1 is as sharp as small pictures are."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    contrast = float(grey.std())
    if contrast < 1.0:
        return 0.0
    fine = float((grey - cv2.GaussianBlur(grey, (0, 0), _FINE_PX)).std())
    return float(np.clip(fine / contrast / 0.30, 0, 1))


def people(faces: list[DetectedFace]) -> int:
    """How many are before the camera; faces far behind do not count."""
    return sum(1 for face in faces if face.area > RIVAL_AREA * faces[0].area)


def face_measures(image: RGBImage, face: DetectedFace) -> tuple[float, float, float]:
    """Mean grey level of the face, overlap of its halves' light (0..1), and degrees it is turned to the side."""
    whole = Face.of(image, face, _aligned(image, face))
    even, turned = illumination.measure(whole).value, pose.measure(whole).value
    return float(whole.skin.mean()), even if even is not None else 0.0, turned if turned is not None else 90.0


def _aligned(image: RGBImage, face: DetectedFace) -> RGBImage:
    """The box's surroundings upright at (112, 112): enough to tell how light falls."""
    x, y, width, height = face.box
    side = max(width, height) * 1.1
    centre = (x + width / 2, y + height / 2)
    crop = cv2.getRectSubPix(image, (max(8, round(side)), max(8, round(side))), centre)
    return np.asarray(cv2.resize(crop, (_FACE_PX, _FACE_PX), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
