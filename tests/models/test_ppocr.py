"""Rendered lines are read in order, with a confidence per character."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from idproof.models import store
from idproof.models.errors import ModelCorrupt
from idproof.models.manifest import Profile
from idproof.models.ppocr import PPOCRReader
from idproof.models.session import open_session
from idproof.models.types import Engines, RGBImage

LINES = [
    "香港永久性居民身份證",
    "A123456(3)",
    "M",
    "CHAN, Tai Man",
    "陳大文",
    "7115 1129 2429",
    "01-01-1985",
    "***AZ",
    "(06-96)",
    "26-11-18",
]


def test_lines_are_read_in_their_order(engines: Engines, render: Callable[[str], RGBImage]) -> None:
    readings = engines.reader.read([render(text) for text in LINES])
    assert [reading.text for reading in readings] == LINES
    assert all(reading.confidence > 0.9 for reading in readings)
    assert all(len(reading.confidences) == len(reading.text) for reading in readings)


def test_a_line_reads_the_same_alone_and_in_a_batch(engines: Engines, render: Callable[[str], RGBImage]) -> None:
    pictures = [render(text) for text in LINES]
    together = engines.reader.read(pictures)
    alone = [engines.reader.read([picture])[0] for picture in pictures]
    assert [reading.text for reading in alone] == [reading.text for reading in together]
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one.confidences, other.confidences, atol=0.05)


def test_colours_reach_the_network_as_blue_green_red(
    engines: Engines, profile: Profile, render: Callable[[str], RGBImage]
) -> None:
    coloured = render("CHAN, Tai Man")
    coloured[..., 0] = 255 - coloured[..., 0]
    coloured = np.asarray(cv2.resize(coloured, (320, 48), interpolation=cv2.INTER_AREA), np.uint8)
    session = open_session(store.read(profile.reader, profile))

    def certainty(picture: RGBImage) -> float:
        planes = (picture.transpose(2, 0, 1)[None] / 127.5 - 1).astype(np.float32)
        answer = session.run(None, {session.get_inputs()[0].name: planes})[0][0]
        best = answer.argmax(axis=1)
        return float(answer.max(axis=1)[(best != 0) & (best != np.roll(best, 1))].min())

    (reading,) = engines.reader.read([coloured])
    assert reading.confidence == pytest.approx(certainty(coloured[..., ::-1]), abs=1e-3)
    assert reading.confidence != pytest.approx(certainty(coloured), abs=1e-3)


def test_a_doubled_letter_is_read_twice(engines: Engines, render: Callable[[str], RGBImage]) -> None:
    assert [reading.text for reading in engines.reader.read([render("AABBCC"), render("11223344")])] == [
        "AABBCC",
        "11223344",
    ]


def test_a_blurred_character_is_less_certain(engines: Engines, render: Callable[[str], RGBImage]) -> None:
    picture = render("A123456(3)")
    spoiled = picture.copy()
    spoiled[:, 60:90] = np.random.default_rng(1).integers(0, 255, spoiled[:, 60:90].shape, dtype=np.uint8)
    clear, doubtful = engines.reader.read([picture, spoiled])
    assert doubtful.confidence < clear.confidence - 0.1


@pytest.mark.parametrize(
    "shape", [(0, 0, 3), (0, 50, 3), (1, 1, 3), (48, 1, 3), (48, 300, 3), (2, 5000, 3), (900, 3, 3)]
)
def test_an_empty_picture_gives_an_empty_reading(engines: Engines, shape: tuple[int, int, int]) -> None:
    (reading,) = engines.reader.read([np.full(shape, 255, np.uint8)])
    assert (reading.text, reading.confidences, reading.confidence) == ("", (), 0.0)


def test_no_lines_give_no_readings(engines: Engines) -> None:
    assert engines.reader.read([]) == []


def test_a_network_without_characters_is_refused(sface: bytes) -> None:
    with pytest.raises(ModelCorrupt, match="no list of characters"):
        PPOCRReader(sface)
