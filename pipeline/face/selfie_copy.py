"""The selfie is a photograph of the applicant, and no copy of the card's own portrait."""

from idproof.models.types import RGBImage
from idproof.pipeline import portrait_copy
from idproof.pipeline.types import CheckResult

NAME = "selfie_copy"


def check(selfie: RGBImage, portrait: RGBImage) -> CheckResult:
    """`selfie_copy`: likeness of the selfie to the card's portrait as a picture (`portrait_copy`).

    Args:
        selfie: the aligned face, (112, 112, 3).
        portrait: the aligned face on the card's front capture.

    Returns:
        Fails or is in doubt with `selfie_is_card_portrait`.
    """
    return portrait_copy.check(NAME, "selfie_is_card_portrait", [selfie], portrait)
