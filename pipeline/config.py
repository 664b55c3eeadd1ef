"""What a verification is held to: limits on what is taken in, and the policy that turns facts into outcomes."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what is taken in, checked before anything is decoded.

    Attributes:
        max_capture_bytes: encoded size of one capture.
        max_pixels: width × height announced by a capture's header.
        min_side_px: shorter side of a capture; below it nothing on a card can be read.
        lifetime_s: seconds after which a session's pictures are wiped whatever happens.
    """

    max_capture_bytes: int = 12 * MIB
    max_pixels: int = 26_000_000
    min_side_px: int = 320
    lifetime_s: float = 120.0

    def __post_init__(self) -> None:
        if min(self.max_capture_bytes, self.max_pixels, self.min_side_px) <= 0 or self.lifetime_s <= 0:
            raise ValueError("every limit is positive")


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds of the checks, named and versioned so that a verdict can be explained later.

    The limits of the card's own checks lie a little outside of what 120 bona fide tuning renderings measured
    (`values_of_bona_fide` of `idproof bench card`). How far outside was chosen by hand, with the attacks of the same
    tuning renderings in sight; limits from bona fide cards by one fixed rule are measured beside them
    (`card.genuine_only`, `card.leave_one_out`).

    Attributes:
        version: goes into every verdict.
        accept_fmr: the operating point of the face comparison: a score must reach the threshold that promises at
            most this false match rate in the profile's report (`models/operating_points/`).
        refer_fmr: below the threshold of this false match rate a comparison fails; between the two it is in doubt.
        min_tilt_deg: how far each tilted capture must be turned about the card's vertical axis.
        max_front_tilt_deg: how far the front capture may be turned.
        min_turn_deg: below this turn between two captures there is no second angle at all.
        min_px_per_mm: resolution below which the card is too small to be read or examined.
        min_agreement: normalised correlation of one field or the portrait between two captures of one card.
        max_screen_peak: strength of a screen's grid in the spectrum of the card, in robust standard deviations.
        min_chroma: colourfulness of the card, CIE Lab units; below it the card looks like a grey copy.
        min_hologram_response: change of the hologram's zones from angle to angle, natural logarithms of light.
        min_hologram_shape: share of all change in the hologram that its zones explain.
        min_portrait_likeness: correlation of the main portrait with the second one.
        min_slide, max_slide: slide of the second portrait, as a share of the slide that the type says.
        min_light_change: how differently light falls on the card in two captures, natural logarithms of light.
        max_rigid_residual: how far the views may be from those of one flat card and one camera, a share.
        field_share: share of the votes that each character of a certain field has at least.
        field_supporters: readings that saw each of its characters first, at least.
        required: checks that must all have passed for an accept, besides those of the card and of the document type.
        not_performed: parts of identity proofing that this policy leaves to others.
    """

    version: str = "idproof-policy-2"
    accept_fmr: float = 1e-4
    refer_fmr: float = 1e-2
    min_tilt_deg: float = 12.0
    max_front_tilt_deg: float = 12.0
    min_turn_deg: float = 8.0
    min_px_per_mm: float = 7.0
    min_agreement: float = 0.90
    max_screen_peak: float = 10.5
    min_hologram_response: float = 0.025
    min_hologram_shape: float = 0.52
    min_portrait_likeness: float = 0.75
    min_slide: float = 0.65
    max_slide: float = 1.35
    min_light_change: float = 0.008
    max_rigid_residual: float = 0.015
    min_chroma: float = 4.0
    field_share: float = 0.5
    field_supporters: int = 2
    required: tuple[str, ...] = ("fields_readable", "face_comparison")
    not_performed: tuple[str, ...] = ("liveness", "optically_variable_regions", "records_check")
