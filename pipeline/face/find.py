"""The one face that is meant, on the card's portrait or in the selfie."""

import cv2
import numpy as np
from idproof.models.types import DetectedFace, FaceDetector, RGBImage
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import CaptureTooSmall, FaceNotFound, SeveralFaces
from idproof.pipeline.types import Role

_MIN_EYE_DISTANCE_PX = 24.0  # below it the network sees mostly interpolation: 112 px crops put the eyes 35 px apart
_RIVAL_AREA = 0.35  # a second face this large, relative to the first, is a second person before the camera
_PORTRAIT_UPSCALE = 2.0  # a card's portrait is small; detectors are trained on larger faces
_PORTRAIT_MARGIN_MM = 1.5


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
    """The main portrait with a margin, enlarged, out of a canonical frame."""
    left, top, right, bottom = document.portrait.pixels(document.px_per_mm, pad_mm=_PORTRAIT_MARGIN_MM)
    crop = rectified[top:bottom, left:right]
    enlarged = cv2.resize(crop, None, fx=_PORTRAIT_UPSCALE, fy=_PORTRAIT_UPSCALE, interpolation=cv2.INTER_CUBIC)
    return enlarged.astype(np.uint8, copy=False)


def in_portrait(crop: RGBImage, detector: FaceDetector) -> DetectedFace:
    """The cardholder's face in `portrait_crop`; raises `FaceNotFound`."""
    faces = detector.detect(crop)
    if not faces:
        raise FaceNotFound("No face was found in the card's portrait.", capture=Role.CARD_FRONT)
    return faces[0]
