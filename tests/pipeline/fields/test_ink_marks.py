"""Marks of ink are counted, so that a character that every reader overlooked is noticed."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from idproof.datasets.specimen.artwork import SCALE, font
from idproof.models.types import LineReading, RGBImage
from idproof.pipeline import Policy
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.fields import ink_marks
from idproof.pipeline.fields.fuse import WeightedReading, fuse
from idproof.pipeline.fields.read import Readers, read_lines, resolve_field

DOCUMENT = load_builtin()
SPEC = DOCUMENT.field("symbols")


CAPTION_MM, LETTER_MM = 14 / SCALE, 30 / SCALE


def line(text: str) -> RGBImage:
    """Renders text over a wavy background, with the lower ends of the caption above."""
    rows, columns = np.mgrid[0:48, 0:228]
    ground = 205 + 22 * np.sin(columns / 19 + rows / 5)
    picture = Image.fromarray(np.stack([ground + 20, ground, ground + 5], axis=-1).clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    draw.text((10, -12), "Symbols", fill=(90, 90, 90), font=font(serif=False, height_mm=CAPTION_MM))
    draw.text((12, 2), text, fill=(45, 40, 50), font=font(serif=False, height_mm=LETTER_MM))
    return np.asarray(picture, dtype=np.uint8)


@pytest.mark.parametrize("text", ["AZ", "*CWB", "***AWN", "***AZBNL1", "CXB"])
def test_each_character_is_one_mark_and_stars_are_low(text: str) -> None:
    assert ink_marks.count_marks(line(text)) == ink_marks.InkMarks(len(text), text.count("*"))


def test_a_blank_line_has_no_marks() -> None:
    blank = np.full((48, 228, 3), 200, dtype=np.uint8)
    assert ink_marks.count_marks(blank) == ink_marks.InkMarks(0, 0)


class Overlooks:
    """A reader that overlooks stars."""

    name = "pp-ocr"

    def __init__(self, text: str) -> None:
        self.text = text

    def read(self, lines: list[RGBImage]) -> list[LineReading]:
        return [LineReading(self.text, (0.99,) * len(self.text)) for _ in lines]


def test_stars_that_the_reader_overlooked_are_restored() -> None:
    left, top, right, bottom = SPEC.box.pixels(DOCUMENT.px_per_mm, pad_mm=0.3)
    frame = np.full((DOCUMENT.size_px[1], DOCUMENT.size_px[0], 3), 200, dtype=np.uint8)
    printed = Image.fromarray(line("*CWB")).resize((right - left, bottom - top))
    frame[top:bottom, left:right] = np.asarray(printed)
    readings = read_lines([frame] * 3, DOCUMENT, Readers(Overlooks("CWB"), Overlooks("")))["symbols"]
    found = resolve_field(fuse(readings), SPEC, Policy())
    assert (found.text, found.certain) == ("*CWB", True)


def test_a_mark_without_a_character_leaves_the_field_uncertain() -> None:
    reading = LineReading("CWB", (0.99,) * 3)
    assert resolve_field(fuse([WeightedReading(reading, marks=3)] * 3), SPEC, Policy()).certain
    assert not resolve_field(
        fuse([WeightedReading(reading, marks=3), WeightedReading(reading, marks=4)]), SPEC, Policy()
    ).certain
