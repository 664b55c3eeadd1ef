"""The one face that is meant, on the card's portrait or in the selfie."""

from collections.abc import Mapping
from contextlib import suppress

import cv2
import numpy as np

from idproof.models.types import DetectedFace, FaceDetector, RGBImage
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import CaptureTooSmall, FaceNotFound, SeveralFaces
from idproof.pipeline.types import Role

_MIN_EYE_DISTANCE_PX = 24.0  # below it the network sees mostly interpolation: 112 px crops put the eyes 35 px apart
_RIVAL_AREA = 0.35  # a second face this large, relative to the first, is a second person before the camera
_PORTRAIT_PAD = 0.3  # of its height


def in_selfie(image: RGBImage, detector: FaceDetector) -> DetectedFace:
    """The applicant's face.

    People far behind are tolerated, a second person before the camera is not.

    Raises:
        FaceNotFound: no face.
        SeveralFaces: a second face of comparable size.
        CaptureTooSmall: eyes too close together to compare.
    """
    faces = detector.detect(image)
    if not faces:
        raise FaceNotFound("No face was found in the selfie.", capture=Role.SELFIE)
    if len(faces) > 1 and faces[1].area > _RIVAL_AREA * faces[0].area:
        raise SeveralFaces("There is more than one person in the selfie.", capture=Role.SELFIE)
    if faces[0].inter_eye_distance < _MIN_EYE_DISTANCE_PX:
        raise CaptureTooSmall("The face in the selfie is too small; come closer.", capture=Role.SELFIE)
    return faces[0]


def portrait_crop(rectified: RGBImage, document: DocumentType) -> RGBImage:
    """The main portrait out of a canonical frame, its edges continued outwards.

    A face that fills its picture is missed by detectors, which are trained on faces with something around them; what
    stands around the portrait on the card, lines and text, would not help.
    """
    left, top, right, bottom = document.portrait.pixels(document.px_per_mm)
    pad = round(_PORTRAIT_PAD * (bottom - top))
    padded = cv2.copyMakeBorder(rectified[top:bottom, left:right], pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    return np.asarray(padded, dtype=np.uint8)


def in_portrait(crop: RGBImage, detector: FaceDetector, role: Role = Role.CARD_FRONT) -> DetectedFace:
    """The cardholder's face in `portrait_crop` of one capture; raises `FaceNotFound`."""
    faces = detector.detect(crop)
    if not faces:
        raise FaceNotFound("No face was found in the card's portrait.", capture=role)
    return faces[0]


def in_portraits(crops: Mapping[Role, RGBImage], detector: FaceDetector) -> dict[Role, DetectedFace]:
    """The same face in several captures; one that glare hides in a tilted capture is left out.

    Raises:
        FaceNotFound: there is none in the front capture.
    """
    found = {Role.CARD_FRONT: in_portrait(crops[Role.CARD_FRONT], detector)}
    for role in crops.keys() - found.keys():
        with suppress(FaceNotFound):
            found[role] = in_portrait(crops[role], detector, role)
    return {role: found[role] for role in crops if role in found}
