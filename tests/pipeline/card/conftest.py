"""One rendered genuine card, located once for all tests of its checks."""

import io

import numpy as np
import pytest
from card_checks import located
from PIL import Image

from idproof.datasets.specimen.make import Registration
from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CARD_ROLES


@pytest.fixture(scope="session")
def locator(document: DocumentType) -> CardLocator:
    return CardLocator.open(document)


@pytest.fixture(scope="session")
def card(locator: CardLocator, registration: Registration) -> CardCaptures:
    parts = registration.parts()
    return located(locator, {role: np.array(Image.open(io.BytesIO(parts[role])).convert("RGB")) for role in CARD_ROLES})
