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


def check(level: CaptureLevel, lowest: CaptureLevel) -> CheckResult:
    """`capture_assurance`: rank of the level of capture; in doubt, with `captures_injectable`, below the lowest.

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
        reason=None if enough else "captures_injectable",
        limit=float(lowest.rank),
    )
