"""Lines of the captures that are read, by both readers: one capture where it suffices, all where it does not."""

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from field_readings import DOCUMENT, POLICY, reading
from PIL import Image, ImageDraw, ImageFont

from idproof.models.types import LineReading, RGBImage
from idproof.pipeline.fields.read import Readers, read
from idproof.pipeline.types import CARD_ROLES, FieldReading


class Says:
    """A reader of given texts, line after line; then of blank lines."""

    def __init__(self, name: str, *texts: list[str]) -> None:
        self.name, self.asked, self.lines = name, [], []
        self._texts = chain(*texts)

    def read(self, lines: list[RGBImage]) -> list[LineReading]:
        self.asked.append(len(lines))
        self.lines += lines
        return [reading(next(self._texts, "")) for _ in lines]


def test_blank_fields_are_read_in_every_capture_and_once_more(document_frame: RGBImage) -> None:
    """Only Latin letters and digits are for the Latin reader; blank lines are unclear where a card has a text."""
    frames = dict.fromkeys(CARD_ROLES, document_frame)
    both, latin = Says("both"), Says("latin")
    read(frames, DOCUMENT, Readers(both, latin), POLICY)
    own = [spec for spec in DOCUMENT.fields if spec.script in ("latin", "digits")]
    assert (
        sum(both.asked[:2]) == 3 * len(DOCUMENT.fields) - 2
    )  # no code on the first capture, and none on the same others
    # A card may have no Chinese name, and a blank line of codes says that it has none.
    assert both.asked[2:] == [3 * sum(spec.required for spec in DOCUMENT.fields)]
    assert sum(latin.asked[:2]) == 3 * len(own) - 2
    assert latin.asked[2:] == [3 * sum(spec.required for spec in own)]


DATE = ["01-02-1990"]


def printed(text: str) -> RGBImage:
    """Returns a frame of the document with a date of birth."""
    left, top, _, _ = DOCUMENT.field("date_of_birth").box.pixels(DOCUMENT.px_per_mm)
    frame = Image.new("RGB", DOCUMENT.size_px, "white")
    font = ImageFont.load_default(size=36)
    ImageDraw.Draw(frame).text((left, top), text, font=font, fill="black")
    return np.asarray(frame)


def read_date(
    texts: tuple[str, str, str], both: Says, latin: Says, *, suffices: bool = True
) -> tuple[FieldReading, list[int], list[int]]:
    """Reads three captures of a card that has a date of birth alone."""
    frames = dict(zip(CARD_ROLES, map(printed, texts), strict=True))
    document = replace(DOCUMENT, fields=(DOCUMENT.field("date_of_birth"),))
    found = read(frames, document, Readers(both, latin), POLICY, lambda _: suffices)
    return found["date_of_birth"], both.asked, latin.asked


def test_a_field_that_both_readers_read_alike_is_read_in_one_capture() -> None:
    found, both, latin = read_date((*DATE,) * 3, Says("both", DATE), Says("latin", DATE))
    assert (found.text, found.certain) == (*DATE, True)
    assert (both, latin) == ([1], [1])


def test_the_second_reader_must_read_it_too() -> None:
    found, both, latin = read_date((*DATE,) * 3, Says("both", DATE * 6), Says("latin"))
    assert not found.certain
    assert (sum(both), sum(latin)) == (6, 6), "in all captures, and once more"


@pytest.mark.parametrize("edited", ["01-02-1998", "01-02-199", "01-02-1990."])
@pytest.mark.parametrize("capture", [0, 1, 2])
def test_a_field_that_is_edited_in_one_capture_is_read_in_all(edited: str, capture: int) -> None:
    texts = [*DATE * 3]
    texts[capture] = edited
    _, both, latin = read_date((texts[0], texts[1], texts[2]), Says("both", DATE * 3), Says("latin", DATE * 3))
    assert (both, latin) == ([1, 2], [1, 2])


def test_fields_that_speak_against_the_card_are_read_in_all_captures() -> None:
    same = (*DATE,) * 3
    _, both, latin = read_date(same, Says("both", DATE * 3), Says("latin", DATE * 3), suffices=False)
    assert (both, latin) == ([1, 2], [1, 2])


def test_readers_that_disagree_on_a_space_are_asked_again() -> None:
    document = replace(DOCUMENT, fields=(DOCUMENT.field("english_name"),))
    frames = dict.fromkeys(CARD_ROLES, printed(""))
    lost, whole = ["LUI, ChiPut"] * 3, ["LUI, Chi Put"] * 3
    both, latin = Says("both", lost), Says("latin", whole)
    found = read(frames, document, Readers(both, latin), POLICY)["english_name"]
    assert (found.text, found.certain) == ("LUI, Chi Put", True)
    assert (both.asked, latin.asked) == ([3], [1, 2])


def read_name(first: list[str], again: list[str], latin: list[str], frame: RGBImage) -> tuple[FieldReading, Says]:
    """Reads a card of one name, three captures at once, again where it is unclear; `latin` is read both times."""
    both, other = Says("both", first, again), Says("latin", latin, latin)
    document = replace(DOCUMENT, fields=(DOCUMENT.field("english_name"),))
    return read(dict.fromkeys(CARD_ROLES, frame), document, Readers(both, other), POLICY)["english_name"], both


def test_a_field_that_is_unclear_is_read_again_without_the_colours_of_the_print(document_frame: RGBImage) -> None:
    frame = np.random.default_rng(1).integers(0, 256, document_frame.shape, dtype=np.uint8)
    name = ["POON, Yee Tiu"] * 3
    found, both = read_name(["POON, Yee Tiu1", *name[1:]], name, name, frame)
    assert (found.text, found.certain) == (name[0], True)
    assert both.asked == [3, 3]
    for once, twice in zip(both.lines[:3], both.lines[3:], strict=True):
        np.testing.assert_array_equal(twice, np.repeat(once.max(axis=2)[..., None], 3, axis=2))
    still = read_name(["POON, Yee Tiu1", *name[1:]], ["POON, Yee Tiu1", *name[1:]], name, frame)[0]
    assert not still.certain


def test_a_second_reading_does_not_outvote_one_of_another_length(document_frame: RGBImage) -> None:
    """Readers lose a stroke of `Illya` again and again; that one reading saw it is the only sign of it."""
    lost = ["ILIC, Ilya"] * 3
    assert not read_name(["ILIC, Illya", *lost[1:]], lost, lost, document_frame)[0].certain
    assert not read_name(lost, lost, ["ILIC, Illya"] * 2 + ["ILIC, Ilya"], document_frame)[0].certain
