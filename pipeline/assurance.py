"""Assurance of capture: how hard it is to hand in pictures that no camera took of this card and person, now.

The card's checks answer whether a picture shows a genuine-looking card. They cannot answer whether the picture was
taken here, now and by a camera: whoever can upload files can compute files. So the level of capture is a fact of its
own, and the policy names the lowest level at which a registration can be accepted.
"""

from enum import StrEnum

from idproof.pipeline.types import CheckResult, Outcome, Status

NAME = "capture_assurance"


class CaptureLevel(StrEnum):
    """Origin of the pictures, from weak to strong.

    Attributes:
        UPLOAD: files from a client. They may have been computed (`injectable`).
        DEVICE: captured by an enrolled device, which chained every frame to the session under its own key.
        ATTESTED: as `DEVICE`, and the device's hardware attested its key.
    """

    UPLOAD = "upload"
    DEVICE = "device"
    ATTESTED = "attested"

    @property
    def rank(self) -> int:
        """Position from weak (0) to strong."""
        return list(CaptureLevel).index(self)


_TOO_LOW = {CaptureLevel.UPLOAD: "captures_injectable", CaptureLevel.DEVICE: "device_not_attested"}


def check(level: CaptureLevel, lowest: CaptureLevel) -> CheckResult:
    """`capture_assurance`: rank of the level of capture; in doubt below the lowest.

    The reason is `captures_injectable` for files, `device_not_attested` for a device whose hardware shows nothing.

    Args:
        level: of this registration's pictures.
        lowest: at which the policy accepts.
    """
    enough = level.rank >= lowest.rank
    return CheckResult(
        name=NAME,
        status=Status.ASSESSED,
        outcome=Outcome.PASS if enough else Outcome.DOUBT,
        value=float(level.rank),
        unit="level of capture",
        score=level.rank / (len(CaptureLevel) - 1),
        reason=None if enough else _TOO_LOW[level],
        limit=float(lowest.rank),
    )
