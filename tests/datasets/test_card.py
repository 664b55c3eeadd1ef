"""What is printed on a card stands where the type file says, and what must change with the angle does."""

import numpy as np
import pytest

from idproof.datasets.specimen import artwork
from idproof.datasets.specimen.card import Card
from idproof.datasets.specimen.identity import invent
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline.documents import Box, DocumentType


@pytest.fixture(scope="module")
def card(document: DocumentType) -> Card:
    fields = invent(np.random.default_rng(12)) | {
        "chinese_name": "陳大文",
        "chinese_codes": "7115 1129 2429",
        "english_name": "CHEUNG, Cheuk Kwong",
        "number": "WK888888(A)",
    }
    portrait = PortraitSource.open(None).person("bundled/astronaut").photographs[0]
    return Card(document, 0, fields, portrait, 0.3)


def region(document: DocumentType, kind: str) -> Box:
    return next(region.box for region in document.regions if region.kind == kind)


def cut(picture: np.ndarray, box: Box) -> np.ndarray:
    left, top, right, bottom = box.pixels(artwork.SCALE)
    return picture[top:bottom, left:right].astype(np.float32)


def outside(picture: np.ndarray, *boxes: Box) -> np.ndarray:
    kept = picture.copy()
    for box in boxes:
        left, top, right, bottom = box.pixels(artwork.SCALE)
        kept[top:bottom, left:right] = 0
    return kept


def test_every_field_is_printed_within_its_box(card: Card, document: DocumentType) -> None:
    full = card.seen(0)
    for spec in document.fields:
        blank = card.with_fields(**{spec.name: ""}).seen(0)
        boxes = [spec.box] + ([region(document, "window")] if spec.name == "number" else [])
        assert np.abs(cut(full, spec.box) - cut(blank, spec.box)).max() > 100, spec.name
        assert np.array_equal(outside(full, *boxes), outside(blank, *boxes)), spec.name


def test_the_window_carries_the_number(card: Card, document: DocumentType) -> None:
    window = region(document, "window")
    with_number, without = card.seen(0), card.with_fields(number="").seen(0)
    assert (np.abs(cut(with_number, window) - cut(without, window)) > 40).mean() > 0.01


def test_only_the_regions_that_should_change_with_the_angle_do(card: Card, document: DocumentType) -> None:
    hologram, ghost = region(document, "diffractive"), region(document, "second_portrait")
    front, turned = card.seen(0), card.seen(24)
    assert np.abs(cut(front, hologram) - cut(turned, hologram)).mean() > 15
    assert np.abs(cut(front, ghost) - cut(turned, ghost)).mean() > 5
    assert np.array_equal(outside(front, hologram, ghost), outside(turned, hologram, ghost))


def test_the_holograms_hue_follows_the_turn(card: Card, document: DocumentType) -> None:
    """At this turn the waves stand where they stood face on, so only their hue can differ."""
    hologram, one_wave_deg = region(document, "diffractive"), 2 * np.pi / 0.16
    assert np.abs(cut(card.seen(0), hologram) - cut(card.seen(one_wave_deg), hologram)).mean() > 15


def test_the_second_portrait_slides_with_the_turn(card: Card, document: DocumentType) -> None:
    """Dark columns move: by correlation of the column means, the shift has the sign of the turn."""
    inner = Box(69.5, 29.0, 8.0, 12.0)

    def profile(turn: float) -> np.ndarray:
        return np.diff(cut(card.seen(turn), inner).mean(axis=(0, 2)))

    right, left = profile(22), profile(-22)
    shifts = np.arange(-60, 61)
    score = [np.corrcoef(left[60:-60], np.roll(right, -int(s))[60:-60])[0, 1] for s in shifts]
    assert shifts[int(np.argmax(score))] == pytest.approx(44 * 0.035 * artwork.SCALE, abs=4)


def test_a_flat_copy_changes_nowhere(card: Card) -> None:
    copy = Card(card.document, 0, card.fields, card.portrait, 0.3, flat_copy=True)
    assert np.array_equal(copy.seen(-25), copy.seen(25))
    assert np.array_equal(copy.seen(25), card.seen(0))


def test_another_second_portrait_changes_nothing_else(card: Card, document: DocumentType) -> None:
    other = PortraitSource.open(None).person("bundled/office-holder").photographs[0]
    mixed = Card(document, 0, card.fields, card.portrait, 0.3, second_portrait=other)
    ghost = region(document, "second_portrait")
    assert np.abs(cut(mixed.seen(0), ghost) - cut(card.seen(0), ghost)).mean() > 10
    assert np.array_equal(outside(mixed.seen(0), ghost), outside(card.seen(0), ghost))


def test_portraits_are_engraved_in_grey(card: Card, document: DocumentType) -> None:
    inner = Box(*(getattr(document.portrait, side) for side in ("x", "y", "width", "height")))
    area = cut(card.seen(0), inner)
    spread = area.max(axis=2) - area.min(axis=2)
    assert np.median(spread) < 12  # the watermark's red and the ground's tint remain
    assert area.mean(axis=2).std() > 30


def test_the_representation_shows_nobody(card: Card) -> None:
    assert "WK888888" not in repr(card)
    assert "array" not in repr(card)
