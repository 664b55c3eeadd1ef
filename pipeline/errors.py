"""Every error of the project in one tree, each with a stable code.

    IdproofError
    ├── ModelError …                   see `idproof.models.errors`
    ├── DocumentTypeInvalid            a document type file contradicts itself
    ├── CalibrationInvalid             a file of what bona fide cards measured cannot be used
    ├── InvalidSpecimen                a registration folder is not in the set format
    ├── DatasetInvalid                 a public set is not in its published layout
    └── BadInput                       the caller can mend it: nothing was decided about the applicant
        ├── CaptureMissing             a required capture is not there
        ├── CaptureEmpty               zero bytes
        ├── CaptureTooLarge            more bytes than allowed
        ├── CaptureUnreadable          not a picture, or a damaged one
        ├── CaptureFormatUnsupported   a picture of a kind no camera of ours makes
        ├── CaptureTooManyPixels       more pixels than allowed (nothing was decoded)
        ├── CaptureTooSmall            too few pixels to assess
        ├── CapturesIdentical          two captures are the same picture
        ├── CardNotFound               no card of the expected type
        │   ├── CardCutOff             a part of it is outside of the picture
        │   └── CardTooSmall           too few pixels a millimetre
        ├── SeveralCards               more than one card in one picture
        ├── FaceNotFound               no face on the card's portrait or the selfie
        ├── SeveralFaces               more than one face in the selfie
        ├── FramesUnusable             frames of a liveness challenge that cannot be used
        └── SessionExpired             the pictures were deleted before a verdict was reached

A bad input is told apart from a verdict: it says "capture that picture again", never "this applicant failed".
"""

from typing import ClassVar

from idproof.models.errors import IdproofError, ModelError

__all__ = [
    "BadInput",
    "CalibrationInvalid",
    "CaptureEmpty",
    "CaptureFormatUnsupported",
    "CaptureMissing",
    "CaptureTooLarge",
    "CaptureTooManyPixels",
    "CaptureTooSmall",
    "CaptureUnreadable",
    "CapturesIdentical",
    "CardCutOff",
    "CardNotFound",
    "CardTooSmall",
    "DatasetInvalid",
    "DocumentTypeInvalid",
    "FaceNotFound",
    "IdproofError",
    "InvalidSpecimen",
    "ModelError",
    "SessionExpired",
    "SeveralCards",
    "SeveralFaces",
]


class DocumentTypeInvalid(IdproofError):
    """A document type file is unreadable or contradicts itself."""

    code = "document_type_invalid"


class CalibrationInvalid(IdproofError):
    """A file of what bona fide cards measured is unreadable, too small, or says nothing about a check."""

    code = "calibration_invalid"


class InvalidSpecimen(IdproofError):
    """A registration folder is not in the `set.json` format."""

    code = "invalid_specimen"


class DatasetInvalid(IdproofError):
    """A public set of pictures is not in its published layout."""

    code = "dataset_invalid"


class BadInput(IdproofError):
    """A capture that cannot be used; the caller can mend it.

    Attributes:
        capture: the role of the capture at fault (`card_front`, …), or None when it concerns several.
        status: the HTTP status that fits (RFC 9110).
    """

    code = "bad_input"
    status: ClassVar[int] = 422

    def __init__(self, sentence: str, *, capture: str | None = None) -> None:
        super().__init__(sentence)
        self.capture = capture


def told_again(code: str, sentence: str, capture: str | None) -> BadInput:
    """The error that another process told of; raises KeyError for a code that is no bad input's."""
    return _every(BadInput)[code](sentence, capture=capture)


def _every(kind: type[BadInput]) -> dict[str, type[BadInput]]:
    below = {code: found for child in kind.__subclasses__() for code, found in _every(child).items()}
    return {kind.code: kind, **below}


class CaptureMissing(BadInput):
    """A required capture is not there, or a part has a name we do not know."""

    code = "capture_missing"


class CaptureEmpty(BadInput):
    """A capture of zero bytes."""

    code = "capture_empty"


class CaptureTooLarge(BadInput):
    """A capture with more bytes than the limit; it was not read to its end."""

    code = "capture_too_large"
    status = 413


class CaptureUnreadable(BadInput):
    """Not a picture, or one cut off or damaged."""

    code = "capture_unreadable"


class CaptureFormatUnsupported(BadInput):
    """A picture, but not an 8-bit RGB or grey still JPEG or PNG."""

    code = "capture_format_unsupported"
    status = 415


class CaptureTooManyPixels(BadInput):
    """The header announces more pixels than the limit; nothing was decoded."""

    code = "capture_too_many_pixels"
    status = 413


class CaptureTooSmall(BadInput):
    """Too few pixels to assess anything."""

    code = "capture_too_small"


class CapturesIdentical(BadInput):
    """Two of the captures are the same picture."""

    code = "captures_identical"


class CardNotFound(BadInput):
    """No card of the expected type in a capture: another document, its back, or none."""

    code = "card_not_found"


class CardCutOff(CardNotFound):
    """The card reaches out of the picture."""

    code = "card_cut_off"


class CardTooSmall(CardNotFound):
    """The card is too far away to be read or examined."""

    code = "card_too_small"


class SeveralCards(BadInput):
    """More than one card in one capture."""

    code = "several_cards"


class FaceNotFound(BadInput):
    """No usable face where one must be."""

    code = "face_not_found"


class SeveralFaces(BadInput):
    """More than one person in the selfie."""

    code = "several_faces"


class FramesUnusable(BadInput):
    """Too few, too many, too small or too large frames for a liveness challenge, or none that can be decoded."""

    code = "frames_unusable"


class SessionExpired(BadInput):
    """The lifetime of the pictures ended before a verdict was reached."""

    code = "session_expired"
    status = 408
