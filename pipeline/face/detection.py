"""Detection of the one face that counts, in the card's portrait or in the selfie."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import cv2
import numpy as np

from idproof.models.types import DetectedFace, FaceDetector, RGBImage
from idproof.pipeline.applicant_face import choose_applicant
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import CaptureTooSmall, FaceNotFound, FaceTooDark, SeveralFaces
from idproof.pipeline.types import Role

_MIN_EYE_DISTANCE_PX = 24.0
"""Below it the network sees mostly interpolation: 112 px crops put the eyes 35 px apart. Chosen by hand."""

MIDDLE_GREY = 118
"""Grey level of a surface that reflects 18 %, exposed by a light meter, in sRGB (IEC 61966-2-1): 0.18 linear."""
_THREE_STOPS_UNDER = 41
"""Grey level of the same surface with an eighth of the light."""
_BRIGHT_QUANTILE, _NOISE_BLUR_PX, _LIGHTEN = 0.9, 1.5, 0.7  # chosen by hand; no outside source
# A face upside down is found with nearly the score of an upright one, so that both are always compared. Of 559 turned
# selfies no level face with such a score was surer after a quarter turn, and all of 370 upright selfies were level:
# counted by hand, on the selfies by which this was chosen.
_ROLLS, _UPRIGHT_OR_NOT = (0, 2, 1, 3), 2  # anticlockwise quarter turns; after so many a level face settles the roll
_LEVEL_SCORE, _LEVEL_DEGREES = 0.9, 20.0
_PORTRAIT_PAD = 0.3  # of its height; chosen by hand, no outside source


def find_selfie_face(image: RGBImage, detector: FaceDetector) -> DetectedFace:
    """Finds the applicant's face, as `choose_applicant` chooses it.

    People behind the applicant are tolerated; a second person before the camera is not.

    Raises:
        FaceTooDark: no face, for lack of light.
        FaceNotFound: no face.
        SeveralFaces: no face is clearly the applicant's.
        CaptureTooSmall: eyes too close together to compare.
    """
    faces = _detect_in_any_roll(image, detector)
    if not faces:
        if _is_too_dark(image, detector):
            raise FaceTooDark("The selfie is too dark to find a face in; use more light.", capture=Role.SELFIE)
        raise FaceNotFound("No face was found in the selfie.", capture=Role.SELFIE)
    face = choose_applicant(image, faces).face
    if face is None:
        raise SeveralFaces("There is more than one person in the selfie.", capture=Role.SELFIE)
    if face.inter_eye_distance < _MIN_EYE_DISTANCE_PX:
        raise CaptureTooSmall("The face in the selfie is too small; come closer.", capture=Role.SELFIE)
    return face


def _is_too_dark(image: RGBImage, detector: FaceDetector) -> bool:
    """Returns true when lack of light explains that no face was found in a picture.

    Its middle is then darker than middle grey, and either hardly exposed at all, or it shows a face once it is
    lightened and its noise is smoothed.
    """
    bright = brightness(image)
    if bright >= MIDDLE_GREY:
        return False
    if bright < _THREE_STOPS_UNDER:
        return True
    smooth = cv2.GaussianBlur(image, (0, 0), _NOISE_BLUR_PX).astype(np.float32) / bright
    lightened = np.asarray(255 * np.minimum(smooth, 1) ** _LIGHTEN, dtype=np.uint8)
    return bool(_detect_in_any_roll(lightened, detector))


def brightness(image: RGBImage) -> float:
    """Measures the grey level, 0..255, below which nine tenths of a picture's middle lie."""
    height, width = image.shape[:2]
    middle = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[height // 4 : -(-3 * height // 4), width // 4 : -(-3 * width // 4)]
    return float(np.quantile(middle, _BRIGHT_QUANTILE))


def _detect_in_any_roll(image: RGBImage, detector: FaceDetector) -> list[DetectedFace]:
    """Returns the faces of that roll out of four with the highest score of its largest face, in the picture's pixels.

    Detectors are trained on nearly upright heads. A head on its side is often found all the same, with eyes, nose and
    mouth in wrong places, and would be compared so. Alignment undoes any roll.
    """
    size = (image.shape[1], image.shape[0])
    rolls: dict[int, list[DetectedFace]] = {}
    for turns in _ROLLS:
        rolls[turns] = detector.detect(np.ascontiguousarray(np.rot90(image, turns)))
        surest = max(rolls, key=lambda tried: rolls[tried][0].score if rolls[tried] else 0.0)
        if len(rolls) == _UPRIGHT_OR_NOT and rolls[surest] and _is_surely_level(rolls[surest][0]):
            break
    return [_undo_roll(face, surest, size) for face in rolls[surest]]


def _is_surely_level(face: DetectedFace) -> bool:
    """Returns true for a face that no quarter turn makes surer, by its score and the line through its eyes."""
    across, down = face.landmarks[1] - face.landmarks[0]
    return face.score >= _LEVEL_SCORE and abs(float(np.degrees(np.arctan2(down, across)))) <= _LEVEL_DEGREES


def _undo_roll(face: DetectedFace, turns: int, size: tuple[int, int]) -> DetectedFace:
    """Maps a face found after `turns` anticlockwise quarter turns back to the picture of `size` (width, height)."""
    x, y, width, height = face.box
    corners = np.array([[x, y], [x + width, y + height]], dtype=np.float32)
    points = np.concatenate([corners, face.landmarks])
    for turn in reversed(range(turns)):
        points = np.column_stack([size[turn % 2] - 1 - points[:, 1], points[:, 0]])
    low, high = points[:2].min(axis=0), points[:2].max(axis=0)
    box = (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
    return replace(face, box=box, landmarks=points[2:].astype(np.float32))


def crop_portrait(rectified: RGBImage, document: DocumentType) -> RGBImage:
    """Returns the main portrait out of a canonical frame, its edges continued outwards.

    Detectors are trained on faces with surroundings and miss a face that fills its picture. The lines and text around
    the portrait on the card would not help.
    """
    left, top, right, bottom = document.portrait.pixels(document.px_per_mm)
    return pad_edges(rectified[top:bottom, left:right])


def pad_edges(portrait: RGBImage) -> RGBImage:
    """Continues a picture's edges outwards, so that a face that fills it is found."""
    pad = round(_PORTRAIT_PAD * portrait.shape[0])
    return np.asarray(cv2.copyMakeBorder(portrait, pad, pad, pad, pad, cv2.BORDER_REPLICATE), dtype=np.uint8)


def find_portrait_face(crop: RGBImage, detector: FaceDetector, role: str = Role.CARD_FRONT) -> DetectedFace:
    """Finds the cardholder's face in one capture's `crop_portrait`; raises `FaceNotFound`, `FaceTooDark`."""
    faces = detector.detect(crop)
    if not faces:
        if _is_too_dark(crop, detector):
            raise FaceTooDark("The card's portrait is too dark to find a face in; use more light.", capture=role)
        raise FaceNotFound("No face was found in the card's portrait.", capture=role)
    return faces[0]


def find_portrait_faces(crops: Mapping[Role, RGBImage], detector: FaceDetector) -> dict[Role, DetectedFace]:
    """Finds the same face in several captures; leaves out tilted captures in which glare hides it.

    Raises:
        FaceNotFound: the front capture shows no face.
    """
    found = {Role.CARD_FRONT: find_portrait_face(crops[Role.CARD_FRONT], detector)}
    for role in crops.keys() - found.keys():
        with suppress(FaceNotFound):
            found[role] = find_portrait_face(crops[role], detector, role)
    return {role: found[role] for role in crops if role in found}
