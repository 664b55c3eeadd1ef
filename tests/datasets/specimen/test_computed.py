"""Captures computed from one photograph look like those of a genuine card, and differ in what the fraud is about."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from idproof.datasets.specimen import edits
from idproof.datasets.specimen.artwork import SCALE, size
from idproof.datasets.specimen.attacks.computed import parts
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.light import Room
from idproof.datasets.specimen.make import Registration
from idproof.datasets.specimen.view import Lens, Pose, View
from idproof.pipeline.documents import Box, DocumentType

Rendered = Callable[..., Registration]
Rectified = Callable[..., np.ndarray]
PROGRAMS = ("plain", "processed", "rendered")
NAMES = ("front", "tilt_left", "tilt_right")
GHOST_FACE = Box(69.0, 28.5, 9.0, 12.0)
"""Place at which the second portrait shows a face, whichever way it slides."""


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    soft = [cv2.GaussianBlur(picture.mean(axis=2), (0, 0), 2).ravel() for picture in (one, other)]
    return float(np.corrcoef(*soft)[0, 1])


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_moves_on_a_genuine_card_moves(
    rendered: Rendered, rectified: Rectified, document: DocumentType, program: str
) -> None:
    computed, honest, flat = (rendered(kind) for kind in (f"computed_card_{program}", None, "print_glossy"))
    hologram = next(region.box for region in document.regions if region.kind == "diffractive")

    def changes(registration: Registration, box: Box) -> float:
        return 1 - likeness(*(rectified(registration, name, box) for name in NAMES[1:]))

    for box in (GHOST_FACE, hologram):
        assert changes(computed, box) > 0.3 * changes(honest, box)
        assert changes(computed, box) > 2 * changes(flat, box)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_second_portrait_lies_where_a_genuine_one_would(
    rendered: Rendered, rectified: Rectified, program: str
) -> None:
    for name in NAMES:
        computed, honest = (rectified(rendered(kind), name, GHOST_FACE) for kind in (f"computed_card_{program}", None))
        assert likeness(computed, honest) > 0.9


@pytest.mark.parametrize("program", ["plain", "rendered"])
def test_both_portraits_show_the_attacker(
    rendered: Rendered, rectified: Rectified, document: DocumentType, program: str
) -> None:
    computed, honest = rendered(f"computed_face_{program}"), rendered()
    for box in (document.portrait, GHOST_FACE):
        assert likeness(rectified(computed, "front", box), rectified(honest, "front", box)) < 0.7
    assert computed.description["truth"]["same_person"] is False
    assert likeness(*(rectified(r, "front", document.field("number").box) for r in (computed, honest))) > 0.9


@pytest.mark.parametrize("program", ["plain"])
def test_a_changed_year_breaks_no_rule_and_is_written_in_the_cards_own_digits(
    rendered: Rendered, rectified: Rectified, document: DocumentType, program: str
) -> None:
    computed, honest = rendered(f"computed_year_{program}"), rendered()
    fields, before = (r.description["truth"]["fields"] for r in (computed, honest))
    assert {name for name in fields if fields[name] != before[name]} == {"date_of_birth"}
    assert sum(a != b for a, b in zip(fields["date_of_birth"], before["date_of_birth"], strict=True)) == 1
    assert edits.contradictions(fields) == set()
    seen = {
        name: likeness(*(rectified(r, "front", document.field(name).box) for r in (computed, honest)))
        for name in ("date_of_birth", "issue_date")
    }
    assert seen["date_of_birth"] < seen["issue_date"] - 0.02


def test_a_digit_is_copied_and_nothing_else_changes(document: DocumentType) -> None:
    width, height = size(document)
    flat = np.full((height, width, 3), 200, dtype=np.uint8)
    fields = {"date_of_birth": "01-02-1983", "issue_date": "15-06-19", "first_registration": "(06-01)"}
    for glyph, character in parts.digits(fields):
        left, top, right, bottom = parts.glyph_box(document, fields, glyph).pixels(SCALE)
        cv2.putText(flat, character, (left + 2, bottom - 20), cv2.FONT_HERSHEY_PLAIN, 2.4, (20, 20, 20), 3)
    to, source = parts.Glyph("date_of_birth", 9), parts.Glyph("issue_date", 1)
    changed = parts.with_glyph(flat, document, fields, to, source)
    boxes = [parts.glyph_box(document, fields, glyph).pixels(SCALE) for glyph in (to, source)]
    (left, top, right, bottom), source_box = boxes
    copied = changed[top:bottom, left:right]
    copy = flat[source_box[1] : source_box[3], source_box[0] : source_box[2]]
    copy = cv2.resize(copy, copied.shape[1::-1])
    assert likeness(copied.astype(np.float32), copy.astype(np.float32)) > 0.8
    elsewhere = np.ones((height, width), dtype=np.bool_)
    elsewhere[top:bottom, left:right] = False
    assert (changed[elsewhere] == flat[elsewhere]).all()


def test_zones_are_recoloured_by_their_gratings(document: DocumentType) -> None:
    """A zone's colour follows the angle, and two zones of different gratings differ."""
    width, height = size(document)
    flat = np.full((height, width, 3), 140, dtype=np.uint8)
    room = Room.draw(Draws(np.random.default_rng(3)))
    views = [View(document, Lens(1600.0), Pose(turn, 0, 0, (0, 0), 0.55)) for turn in (-24.0, 0.0, 24.0)]
    seen = [parts.recoloured(flat, view, room).astype(int) for view in views]
    box = next(region.box for region in document.regions if region.kind == "diffractive")
    left, top, right, bottom = box.pixels(SCALE)
    inside = [picture[top:bottom, left:right] for picture in seen]
    assert min(np.abs(inside[i] - inside[j]).mean() for i, j in ((0, 1), (1, 2), (0, 2))) > 2
    assert len(np.unique(inside[0].reshape(-1, 3), axis=0)) > 8
    outside = [np.delete(picture, np.s_[top:bottom], axis=0) for picture in seen]
    assert all((picture == 140).all() for picture in outside)


@pytest.mark.parametrize("program", ["rendered"])
def test_only_the_front_is_derived_beside_two_genuine_tilts(rendered: Rendered, program: str) -> None:
    computed, honest = rendered(f"computed_front_{program}"), rendered()
    same = {name for name in NAMES if computed.pictures[f"{name}.jpg"] == honest.pictures[f"{name}.jpg"]}
    assert same <= {"tilt_left", "tilt_right"}
    pixels = {
        name: [
            cv2.imdecode(np.frombuffer(r.pictures[f"{name}.jpg"], np.uint8), cv2.IMREAD_COLOR).astype(int)
            for r in (computed, honest)
        ]
        for name in NAMES
    }
    differences = {name: float(np.abs(one - other).mean()) for name, (one, other) in pixels.items()}
    assert differences["front"] > 1.5 * max(differences["tilt_left"], differences["tilt_right"])


def test_a_replay_is_other_bytes_of_the_same_pictures(rendered: Rendered, rectified: Rectified) -> None:
    replay, honest = rendered("replay_noised"), rendered()
    for name in NAMES:
        assert replay.pictures[f"{name}.jpg"] != honest.pictures[f"{name}.jpg"]
        assert likeness(rectified(replay, name), rectified(honest, name)) > 0.98
