"""The errors of a verification, in the project's one tree.

    IdproofError
    ├── ModelError …                   see `idproof.models.errors`
    ├── DocumentTypeInvalid            a document type file contradicts itself
    ├── CalibrationInvalid             a file of what bona fide cards measured cannot be used
    ├── InvalidSpecimen                a registration folder is not in the set format
    ├── DatasetInvalid                 a public set is not in its published layout
    ├── GuardMissing                   a guard that production requires does not hold
    ├── SealBroken                     sealed data does not open
    ├── ClusterUnavailable             no Ray cluster, or no deployment on it
    ├── ClusterBusy                    the cluster's queue is full
    ├── RecordsUnavailable             a step-up got no answer of the department's records, or not their portrait
    ├── PortraitUnavailable            no records are connected, or they hold no portrait for a step-up
    └── BadInput                       the caller can mend it: nothing was decided about the applicant
        ├── CaptureMissing             a required capture is missing
        ├── CaptureEmpty               zero bytes
        ├── CaptureTooLarge            more bytes than allowed
        ├── CaptureUnreadable          not a picture, or a damaged one
        ├── CaptureFormatUnsupported   a picture in an unsupported format
        ├── CaptureHeifUnsupported     HEIC or AVIF, which this installation does not decode
        ├── CaptureTooManyPixels       more pixels than allowed (nothing was decoded)
        ├── CaptureTooSmall            too few pixels to assess
        ├── CapturesIdentical          two captures are the same picture
        ├── CardNotFound               no card of the expected type
        │   ├── CardCutOff             a part of it is outside of the picture
        │   └── CardTooSmall           too few pixels per millimetre
        ├── SeveralCards               more than one card in one picture
        ├── FaceNotFound               no face on the card's portrait or the selfie
        │   └── FaceTooDark            none is found for lack of light
        ├── SeveralFaces               more than one face in the selfie
        ├── FramesUnusable             frames of a liveness challenge that cannot be used
        └── SessionExpired             the pictures were deleted before a verdict was reached

The benchmarks' and the service's errors are drawn in `idproof.benchmarks.errors` and `idproof.service.errors`.
A bad input is no verdict: it says "capture that picture again", never "this applicant failed".
"""

from idproof.models.errors import IdproofError, ModelError

__all__ = [
    "BadInput",
    "CalibrationInvalid",
    "CaptureEmpty",
    "CaptureFormatUnsupported",
    "CaptureHeifUnsupported",
    "CaptureMissing",
    "CaptureTooLarge",
    "CaptureTooManyPixels",
    "CaptureTooSmall",
    "CaptureUnreadable",
    "CapturesIdentical",
    "CardCutOff",
    "CardNotFound",
    "CardTooSmall",
    "ClusterBusy",
    "ClusterUnavailable",
    "DatasetInvalid",
    "DocumentTypeInvalid",
    "FaceNotFound",
    "FaceTooDark",
    "FramesUnusable",
    "GuardMissing",
    "IdproofError",
    "InvalidSpecimen",
    "ModelError",
    "PortraitUnavailable",
    "RecordsUnavailable",
    "SealBroken",
    "SessionExpired",
    "SeveralCards",
    "SeveralFaces",
    "rebuild_bad_input",
]


class DocumentTypeInvalid(IdproofError):
    """A document type file is unreadable or contradicts itself."""

    code = "document_type_invalid"


class CalibrationInvalid(IdproofError):
    """A file of what bona fide cards measured is unreadable, too small, or lacks a check."""

    code = "calibration_invalid"


class InvalidSpecimen(IdproofError):
    """A registration folder is not in the `set.json` format."""

    code = "invalid_specimen"


class DatasetInvalid(IdproofError):
    """A public set of pictures is not in its published layout."""

    code = "dataset_invalid"


class GuardMissing(IdproofError):
    """A guard that production requires does not hold in this process; the sentence names it."""

    code = "guard_missing"


class SealBroken(IdproofError):
    """Sealed data does not open: another session's, changed on its way, or sealed as something else."""

    code = "seal_broken"


class ClusterUnavailable(IdproofError):
    """No Ray cluster, or no deployment on it, that examines registrations."""

    code = "cluster_unavailable"


class ClusterBusy(IdproofError):
    """As many registrations wait for a replica as the queue holds."""

    code = "busy"


class RecordsUnavailable(IdproofError):
    """The issuing department's records do not answer; nothing was decided about the holder."""

    code = "records_unavailable"


class PortraitUnavailable(IdproofError):
    """No records are connected, or they hold no portrait of this holder, or one that shows no one face."""

    code = "portrait_unavailable"


class BadInput(IdproofError):
    """A capture that cannot be used; the caller can mend it.

    Attributes:
        capture: the role of the capture at fault (`card_front`, …), or None when it concerns several.
    """

    code = "bad_input"

    def __init__(self, sentence: str, *, capture: str | None = None) -> None:
        super().__init__(sentence)
        self.capture = capture


def rebuild_bad_input(code: str, sentence: str, capture: str | None) -> BadInput:
    """Returns the error that another process reported; raises KeyError if no `BadInput` has this code."""
    return _by_code(BadInput)[code](sentence, capture=capture)


def _by_code(kind: type[BadInput]) -> dict[str, type[BadInput]]:
    below = {code: found for child in kind.__subclasses__() for code, found in _by_code(child).items()}
    return {kind.code: kind, **below}


class CaptureMissing(BadInput):
    """A required capture is missing, or a part has an unknown name."""

    code = "capture_missing"


class CaptureEmpty(BadInput):
    """A capture of zero bytes."""

    code = "capture_empty"


class CaptureTooLarge(BadInput):
    """A capture with more bytes than the limit; it was not read to its end."""

    code = "capture_too_large"


class CaptureUnreadable(BadInput):
    """Not a picture, or one cut off or damaged."""

    code = "capture_unreadable"


class CaptureFormatUnsupported(BadInput):
    """A picture, but not an 8-bit RGB or grey still JPEG, PNG or HEIC."""

    code = "capture_format_unsupported"


class CaptureHeifUnsupported(BadInput):
    """A HEIC or AVIF picture that this installation does not decode; a JPEG of it is needed."""

    code = "capture_heif_unsupported"


class CaptureTooManyPixels(BadInput):
    """The header announces more pixels than the limit; nothing was decoded."""

    code = "capture_too_many_pixels"


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


class FaceTooDark(FaceNotFound):
    """No face is found, and the picture is too dark to find one in."""

    code = "face_too_dark"


class SeveralFaces(BadInput):
    """More than one person in the selfie."""

    code = "several_faces"


class FramesUnusable(BadInput):
    """Too few, too many, too small or too large frames for a liveness challenge, or none that can be decoded."""

    code = "frames_unusable"


class SessionExpired(BadInput):
    """The lifetime of the pictures ended before a verdict was reached."""

    code = "session_expired"
