"""What a verification is held to: limits on what is taken in, and the policy that turns facts into outcomes."""

from dataclasses import dataclass, field

from idproof.pipeline.calibration import Calibration, shipped_calibration

MIB = 1024 * 1024
RIVAL_AREA = 0.35
"""A second face this large, relative to the first, is a second person before the camera."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what is taken in, checked before anything is decoded.

    Attributes:
        max_capture_bytes: encoded size of one capture.
        max_frame_bytes: encoded size of one frame of a liveness challenge.
        max_pixels: width × height announced by a capture's header.
        min_side_px: shorter side of a capture; below it nothing on a card can be read.
        lifetime_s: seconds after which a session's pictures are wiped whatever happens.
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

    The limits of the card's own checks are no part of it: they come from bona fide cards (`calibration`).

    Attributes:
        version: goes into every verdict.
        accept_fmr: the operating point of the face comparison: a score must reach the threshold that promises at
            most this false match rate in the profile's report (`models/operating_points/`).
        refer_fmr: below the threshold of this false match rate a comparison fails; between the two it is in doubt.
        min_tilt_deg: how far each tilted capture must be turned about the card's vertical axis.
        max_front_tilt_deg: how far the front capture may be turned.
        min_turn_deg: below this turn between two captures there is no second angle at all.
        min_px_per_mm: resolution below which the card is too small to be read or examined.
        calibration: what bona fide cards measure in the card's checks.
        liveness_calibration: what bona fide clips measure in the checks of liveness; None for what comes with the
            project, measured at arm's length.
        field_share: share of the votes that each character of a certain field has at least.
        field_supporters: readings that saw each of its characters first, at least.
        required: checks that must all have passed for an accept, besides those of the card and of the document type.
        not_performed: parts of identity proofing that this policy leaves to others.
    """

    version: str = "idproof-policy-4"
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
    required: tuple[str, ...] = ("fields_readable", "face_comparison")
    not_performed: tuple[str, ...] = ("liveness", "optically_variable_regions", "records_check")
