"""The print of a card lies where the type file says, and the parts that must change with the angle change."""

import numpy as np
import pytest
from PIL import Image

from idproof.datasets.specimen import artwork
from idproof.datasets.specimen.card import Card
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.identity import invent
from idproof.datasets.specimen.light import Room
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.datasets.specimen.view import Lens, Pose, View
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
    return Card(document, 0, fields, portrait)


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
    full = card.printed(None)
    for spec in document.fields:
        blank = card.with_fields(**{spec.name: ""}).printed(None)
        boxes = [spec.box] + ([region(document, "window")] if spec.name == "number" else [])
        assert np.abs(cut(full, spec.box) - cut(blank, spec.box)).max() > 100, spec.name
        assert np.array_equal(outside(full, *boxes), outside(blank, *boxes)), spec.name


def test_the_window_carries_the_number(card: Card, document: DocumentType) -> None:
    window = region(document, "window")
    with_number, without = card.printed(None), card.with_fields(number="").printed(None)
    assert (np.abs(cut(with_number, window) - cut(without, window)) > 40).mean() > 0.01


def view(document: DocumentType, turn: float) -> View:
    return View(document, Lens(1600.0), Pose(turn, 0, 0, (0, 0), 0.55))


def lit(card: Card, turn: float) -> np.ndarray:
    """Returns the card's reflected light in one room, turned: linear, relative to the incoming light."""
    room, seen = Room.draw(Draws(np.random.default_rng(3))), view(card.document, turn)
    return card.material(seen).reflectance(seen, seen.lit_by(room))


def test_only_the_second_portrait_is_printed_otherwise_from_an_angle(card: Card, document: DocumentType) -> None:
    ghost = region(document, "second_portrait")
    front, turned = card.printed(view(document, 0)), card.printed(view(document, 24))
    assert np.abs(cut(front, ghost) - cut(turned, ghost)).mean() > 5
    assert np.array_equal(outside(front, ghost), outside(turned, ghost))


def test_only_the_hologram_answers_light(card: Card, document: DocumentType) -> None:
    hologram, ghost = region(document, "diffractive"), region(document, "second_portrait")
    front, turned = lit(card, 0), lit(card, 24)
    assert np.abs(cut(front, hologram) - cut(turned, hologram)).mean() > 0.05
    assert np.array_equal(outside(front, hologram, ghost), outside(turned, hologram, ghost))


def test_zones_of_one_grating_answer_alike_and_others_do_not(card: Card, document: DocumentType) -> None:
    hologram = next(r for r in document.regions if r.kind == "diffractive")
    zones = artwork.hologram(document, hologram, artwork.SCALE)
    change = (cut(lit(card, 24), hologram.box) - cut(lit(card, -24), hologram.box)).mean(axis=2)
    means = np.array([change[zones == n].mean() for n in range(1, zones.max() + 1)])
    spread = np.mean([change[zones == n].std() for n in range(1, zones.max() + 1)])
    assert np.ptp(means) > 4 * spread


def test_the_types_zones_are_the_specimens_own(document: DocumentType) -> None:
    hologram = next(r for r in document.regions if r.kind == "diffractive")
    with Image.open(hologram.zones) as picture:
        assert np.array_equal(np.array(picture), artwork.hologram(document, hologram, document.px_per_mm))


def test_the_second_portrait_slides_with_the_turn(card: Card, document: DocumentType) -> None:
    """Dark columns move: by correlation of the column means, the shift has the sign of the turn."""
    inner = Box(69.5, 29.0, 8.0, 12.0)

    def profile(turn: float) -> np.ndarray:
        return np.diff(cut(card.printed(view(document, turn)), inner).mean(axis=(0, 2)))

    right, left = profile(22), profile(-22)
    shifts = np.arange(-60, 61)
    score = [np.corrcoef(left[60:-60], np.roll(right, -int(s))[60:-60])[0, 1] for s in shifts]
    # Perspective adds to the angle at which the portrait is seen, in both views alike.
    assert shifts[int(np.argmax(score))] == pytest.approx(44 * 0.035 * artwork.SCALE, abs=5)


def test_another_second_portrait_changes_nothing_else(card: Card, document: DocumentType) -> None:
    other = PortraitSource.open(None).person("bundled/office-holder").photographs[0]
    mixed = Card(document, 0, card.fields, card.portrait, second_portrait=other)
    ghost = region(document, "second_portrait")
    assert np.abs(cut(mixed.printed(None), ghost) - cut(card.printed(None), ghost)).mean() > 10
    assert np.array_equal(outside(mixed.printed(None), ghost), outside(card.printed(None), ghost))


def test_portraits_are_engraved_in_grey(card: Card, document: DocumentType) -> None:
    inner = Box(*(getattr(document.portrait, side) for side in ("x", "y", "width", "height")))
    area = cut(card.printed(None), inner)
    spread = area.max(axis=2) - area.min(axis=2)
    assert np.median(spread) < 12  # the watermark's red and the ground's tint remain
    assert area.mean(axis=2).std() > 30


def test_the_representation_shows_nobody(card: Card) -> None:
    assert "WK888888" not in repr(card)
    assert "array" not in repr(card)
