"""The configuration of a verification: limits on the input, and the policy that turns facts into outcomes.

Constants of single checks stand with the checks, each with its source.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Self

from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.calibration import Calibration, shipped_calibration

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on the input, checked before anything is decoded. The defaults were chosen by hand; no outside source.

    Attributes:
        max_capture_bytes: encoded size of one capture.
        max_frame_bytes: encoded size of one frame of a liveness challenge.
        max_pixels: width × height announced by a capture's header.
        min_side_px: shorter side of a capture, below which a card cannot be read.
        lifetime_s: seconds after which a session's pictures are wiped in any case.
    """

    max_capture_bytes: int = 12 * MIB
    max_frame_bytes: int = MIB // 2
    max_pixels: int = 26_000_000
    min_side_px: int = 320
    lifetime_s: float = 120.0

    def __post_init__(self) -> None:
        sizes = (self.max_capture_bytes, self.max_frame_bytes, self.max_pixels, self.min_side_px)
        if min(*sizes, self.lifetime_s) <= 0:
            raise ValueError("every limit is positive")


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds of the checks, named and versioned so that a verdict can be explained later.

    The limits of the card's own checks are not part of it: they come from bona fide cards (`calibration`). The other
    defaults were chosen by hand on tuning data; no outside source.

    Attributes:
        version: goes into every verdict.
        accept_fmr: the operating point of the face comparison: a score must reach the threshold that promises at
            most this false match rate in the profile's report (`models/operating_points/`).
        refer_fmr: below the threshold of this false match rate a comparison fails; between the two it is in doubt.
        min_tilt_deg: least turn of each tilted capture about the card's vertical axis.
        max_front_tilt_deg: greatest turn of the front capture.
        min_turn_deg: turn between two captures below which they show one angle only.
        min_px_per_mm: resolution below which the card is too small to be read or examined.
        calibration: values of bona fide cards in the card's checks.
        liveness_calibration: values of bona fide clips in the checks of liveness; None for the project's own,
            measured at arm's length.
        field_share: least share of the votes per character of a certain field.
        field_supporters: least number of readings per character that voted for it first.
        accept_from: the lowest level of capture at which a registration can be accepted; below it the decision is
            `refer` at best. `UPLOAD` is an operator's written exception: uploaded files may have been computed.
        liveness_required: without a response to a challenge the decision is `refer` at best. False is an operator's
            written exception, and a measurement's of the other checks.
        required: checks that must all have passed for an accept, besides those of the card and of the document type.
        not_performed: steps of identity proofing that this policy leaves to others.
    """

    version: str = "idproof-policy-8"
    accept_fmr: float = 1e-4
    refer_fmr: float = 1e-2
    min_tilt_deg: float = 12.0
    max_front_tilt_deg: float = 12.0
    min_turn_deg: float = 8.0
    min_px_per_mm: float = 7.0
    calibration: Calibration = field(default_factory=shipped_calibration)
    liveness_calibration: Calibration | None = None
    field_share: float = 0.5
    field_supporters: int = 2
    accept_from: CaptureLevel = CaptureLevel.DEVICE
    liveness_required: bool = True
    required: tuple[str, ...] = ("fields_readable", "face_comparison")
    not_performed: tuple[str, ...] = (
        "liveness",
        "capture_plan",
        "optically_variable_regions",
        "records_check",
        "captures_fresh",
    )

    @classmethod
    def for_uploads(cls, **changes: Any) -> Self:
        """Return the policy of an operator who accepts uploaded files without liveness, named after the exception.

        Measurements of the other checks use it, on registrations that hold no frames.
        """
        return replace(cls(**changes), accept_from=CaptureLevel.UPLOAD, liveness_required=False).named_by_exceptions()

    def named_by_exceptions(self) -> Self:
        """Return this policy with its levels and written exceptions in the version, so that a verdict tells of them."""
        levels = {CaptureLevel.UPLOAD: ["uploads"], CaptureLevel.DEVICE: [], CaptureLevel.ATTESTED: ["attested"]}
        names = levels[self.accept_from]
        names += [] if self.liveness_required else ["without-liveness"]
        return replace(self, version="+".join([self.version, *names]))
