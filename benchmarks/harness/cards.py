"""Finds the card in the captures of a registration, as several benchmarks need it."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from idproof.datasets.sets import RegistrationSet
from idproof.models.types import RGBImage
from idproof.pipeline import Policy
from idproof.pipeline.card.examiner import CardExaminer
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.view import CardView
from idproof.pipeline.opening import open_document
from idproof.pipeline.types import CARD_ROLES, Role


@dataclass(frozen=True)
class LocatedCard:
    """The card of a registration, found in its three captures.

    Attributes:
        images: the captures.
        views: position of the card in each capture.
        rectified: the card in its canonical frame, from each capture.
    """

    images: Mapping[Role, RGBImage]
    views: Mapping[Role, CardView]
    rectified: Mapping[Role, RGBImage]


def read_captures(entry: RegistrationSet) -> dict[Role, RGBImage]:
    """Decodes the three captures of the card."""
    parts = entry.parts()
    return {role: _decoded(parts[role]) for role in CARD_ROLES}


def read_selfie(entry: RegistrationSet) -> RGBImage:
    """Decodes the selfie."""
    return _decoded(entry.parts()[Role.SELFIE])


def locate_card(entry: RegistrationSet, locator: CardLocator, policy: Policy) -> LocatedCard:
    """Finds the card in all three captures; raises `BadInput` as the pipeline does."""
    images = read_captures(entry)
    views = {role: locator.locate(image, role, policy) for role, image in images.items()}
    return LocatedCard(images, views, {role: locator.rectify(image, views[role]) for role, image in images.items()})


@lru_cache(maxsize=1)
def open_card_checks(document: str | Path) -> tuple[CardLocator, CardExaminer]:
    """Opens locator and checks of a document type, once per process; raises `DocumentTypeInvalid`."""
    opened = open_document(document)
    return CardLocator.open(opened), CardExaminer.open(opened)


def _decoded(data: bytes) -> RGBImage:
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))
