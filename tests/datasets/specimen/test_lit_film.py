"""Films in the light of a screen: the same for the same seed, and coloured as the screen is."""

import cv2
import numpy as np
import pytest

from idproof.datasets.specimen.draws import Split
from idproof.datasets.specimen.lit_film import LitCard, LitKind
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.datasets.specimen.view import Pose
from idproof.pipeline.documents import DocumentType

POSE = Pose(-19.0, 0.0, 0.0, (0.0, 0.0), 0.55)
RED_LEFT = np.array([[1.0, 0.3, 0.3], [0.3, 0.3, 1.0]])


def redness(data: bytes) -> tuple[float, float]:
    """Red over blue on the left and on the right half of the card's place."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).astype(float)
    card = picture[95:175, 130:350] + 1
    left, right = card[:, :100], card[:, 120:]
    return float((left[..., 2] / left[..., 0]).mean()), float((right[..., 2] / right[..., 0]).mean())


def film(document: DocumentType, kind: LitKind, lux: float = 50.0) -> list[bytes]:
    card = LitCard.begin(3, 0, PortraitSource.open(None), document, kind, POSE, split=Split.TUNING, room_lux=lux)
    halves = [RED_LEFT, RED_LEFT[::-1]]
    shown = card.frames(lambda ms: halves[ms > 900], lambda ms: halves[ms > 900], 1500)
    return [frame.data for frame in shown]


@pytest.fixture(scope="module")
def genuine(document: DocumentType) -> list[bytes]:
    return film(document, LitKind.BONA_FIDE)


def test_a_film_depends_on_its_seed_alone(document: DocumentType, genuine: list[bytes]) -> None:
    assert film(document, LitKind.BONA_FIDE) == genuine


def test_the_card_has_the_colours_of_the_halves_beside_it(genuine: list[bytes]) -> None:
    (left, right), (left_after, right_after) = redness(genuine[6]), redness(genuine[-1])
    assert right / left > 1.02 * right_after / left_after, "the red half was on the person's left, the picture's right"


def test_a_picture_that_is_tinted_as_a_whole_has_no_sides(document: DocumentType) -> None:
    tinted = film(document, LitKind.TINTED_PICTURE)
    (left, right), (left_after, right_after) = redness(tinted[6]), redness(tinted[-1])
    assert right / left == pytest.approx(right_after / left_after, rel=0.02)
