"""The processed formation: the first one's view of the card, after glare and strong processing."""

import io

import numpy as np
import pytest
from PIL import Image

from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.formations.processed import Processing
from idproof.datasets.specimen.make import Registration, make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline import Policy
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.view import corners
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import Role


@pytest.fixture(scope="module")
def processed(document: DocumentType) -> Registration:
    return make(31, 2, PortraitSource.open(None), document, formed_by="processed")


def test_the_card_lies_where_the_set_says_and_the_set_names_the_formation(
    processed: Registration, document: DocumentType
) -> None:
    truth = processed.description["truth"]
    assert truth["formation"] == "processed"
    image = np.array(Image.open(io.BytesIO(processed.parts()["card_front"])).convert("RGB"))
    view = CardLocator.open(document).locate(image, Role.CARD_FRONT, Policy())
    assert np.abs(corners(view, document) - np.array(truth["corners"]["front"])).max() < 3


def test_tuning_and_test_share_no_telephone() -> None:
    def drawn(split: Split, seed: int) -> Processing:
        return Processing.draw(Draws(np.random.default_rng(seed), split))

    def cell(value: float) -> int:
        return int((value - 0.78) / (1.25 - 0.78) * 8)

    assert {cell(drawn(Split.TUNING, seed).gamma) % 2 for seed in range(20)} == {0}
    assert {cell(drawn(Split.TEST, seed).gamma) % 2 for seed in range(20)} == {1}


def test_a_highlight_brightens_the_card_alone() -> None:
    processing = Processing(1.0, 0.0, 0.0, 1.0, 1.0, (1.0, 1.0, 1.0), 1.0, 1.0, 0.0, 90, 1.0)
    grey = np.full((64, 96, 3), 100, dtype=np.uint8)
    spot = np.zeros((64, 96), dtype=np.float32)
    spot[20:40, 30:60] = 0.5
    shown = processing.apply(grey, spot)
    assert np.abs(shown[:10].astype(int) - 100).max() <= 1
    assert shown[30, 45].min() > 180
