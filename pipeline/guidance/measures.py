"""Measures light, glare and sharpness of a small picture, on the rectified card and on the one face."""

import cv2
import numpy as np

from idproof.models.types import DetectedFace, RGBImage
from idproof.pipeline.card.view import CardView, Homography, project
from idproof.pipeline.face.detection import brightness
from idproof.pipeline.face.quality import illumination, pose
from idproof.pipeline.face.quality.types import Face
from idproof.pipeline.guidance.hints import Box

# All constants were chosen by hand on rendered tuning pictures; no outside source.
_WHITE = 250  # grey level from which on all three channels of a pixel count as overexposed
_MAX_GLARE_SPOTS = 4
_MIN_SPOT_SHARE = 0.004  # of the card's area
_CLOSING_PX = 7  # white pixels nearer to each other than this are one spot
_FACE_SIDE_PX = 112  # as the face network's crops
_FACE_MARGIN = 1.1  # side of the square around a face, in sides of its box
_MIN_FACE_CROP_PX = 8
_FINE_DETAIL_PX = 1.0  # standard deviation of the blur that removes fine detail
_SHARP_DETAIL = 0.30  # share of contrast in fine detail, of a picture that counts as fully sharp
_DARK_SCENE = 60.0  # grey level of the lighter parts of a scene's middle; a face there is below `hints._MIN_LIGHT`
_MIN_CONTRAST = 1.0  # standard deviation in grey levels, below which a picture is blank


def measure_glare(rectified: RGBImage) -> tuple[float, list[Box]]:
    """Measure the share of the card that is overexposed, and find its larger spots, as shares of the card."""
    white = cv2.inRange(rectified, (_WHITE,) * 3, (255,) * 3)
    share = cv2.countNonZero(white) / white.size
    if share < _MIN_SPOT_SHARE:
        return share, []
    height, width = white.shape
    closed = cv2.morphologyEx(white, cv2.MORPH_CLOSE, np.ones((_CLOSING_PX, _CLOSING_PX), dtype=np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(closed)
    spots = sorted((stats[label] for label in range(1, count)), key=lambda spot: -spot[cv2.CC_STAT_AREA])
    large = [spot for spot in spots[:_MAX_GLARE_SPOTS] if spot[cv2.CC_STAT_AREA] > _MIN_SPOT_SHARE * width * height]
    return share, [(spot[0] / width, spot[1] / height, spot[2] / width, spot[3] / height) for spot in large]


def box_in_picture(box: Box, view: CardView, to_picture: Homography) -> Box:
    """Map a box on the card to the upright box around it, as shares of the picture.

    Args:
        box: as shares of the card.
        view: where the card is.
        to_picture: shares of the card to pixels.
    """
    left, top, width, height = box
    corners = np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])
    points = project(to_picture, corners) / np.array(view.size)
    low, high = points.min(axis=0), points.max(axis=0)
    return (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))


def measure_sharpness(picture: RGBImage) -> float:
    """Measure the share of contrast that is fine detail, 0..1; 1 is as sharp as small pictures are."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    contrast = float(grey.std())
    if contrast < _MIN_CONTRAST:
        return 0.0
    fine = float((grey - cv2.GaussianBlur(grey, (0, 0), _FINE_DETAIL_PX)).std())
    return float(np.clip(fine / contrast / _SHARP_DETAIL, 0, 1))


def is_dark(picture: RGBImage) -> bool:
    """Return whether a picture in which nothing was found is so dark that lack of light explains it."""
    return brightness(picture) < _DARK_SCENE


def measure_face(image: RGBImage, face: DetectedFace) -> tuple[float, float, float]:
    """Measure a face's mean grey level, the overlap of its halves' light (0..1), and its turn aside in degrees."""
    whole = Face.of(image, face, _face_crop(image, face))
    even, turned = illumination.measure(whole).value, pose.measure(whole).value
    return float(whole.skin.mean()), even if even is not None else 0.0, turned if turned is not None else 90.0


def _face_crop(image: RGBImage, face: DetectedFace) -> RGBImage:
    """Crop the box's surroundings, upright, to (112, 112): enough to measure the light on it."""
    x, y, width, height = face.box
    side = max(_MIN_FACE_CROP_PX, round(max(width, height) * _FACE_MARGIN))
    centre = (x + width / 2, y + height / 2)
    crop = cv2.getRectSubPix(image, (side, side), centre)
    size = (_FACE_SIDE_PX, _FACE_SIDE_PX)
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
