"""What several runners do with a registration's card: find it in its captures."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from idproof.datasets.sets import RegistrationSet
from idproof.models.types import RGBImage
from idproof.pipeline import Policy
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.view import CardView
from idproof.pipeline.types import CARD_ROLES, Role


@dataclass(frozen=True)
class Seen:
    """A registration's card.

    Attributes:
        images: the captures.
        views: where the card is in each.
        rectified: the card in its canonical frame, from each.
    """

    images: Mapping[Role, RGBImage]
    views: Mapping[Role, CardView]
    rectified: Mapping[Role, RGBImage]


def captures(entry: RegistrationSet) -> dict[Role, RGBImage]:
    """The three pictures of the card, decoded."""
    parts = entry.parts()
    return {role: np.array(Image.open(io.BytesIO(parts[role])).convert("RGB")) for role in CARD_ROLES}


def selfie(entry: RegistrationSet) -> RGBImage:
    """The applicant's picture, decoded."""
    return np.array(Image.open(io.BytesIO(entry.parts()[Role.SELFIE])).convert("RGB"))


def see(entry: RegistrationSet, locator: CardLocator, policy: Policy) -> Seen:
    """Find the card in all three captures; raises `BadInput` as the pipeline does."""
    images = captures(entry)
    views = {role: locator.locate(image, role, policy) for role, image in images.items()}
    return Seen(images, views, {role: locator.rectify(image, views[role]) for role, image in images.items()})
