"""The path-traced formation: its parts against closed forms, and one small scene through the tracer."""

import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest

from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.formations import formation
from idproof.datasets.specimen.formations.traced import glare, gratings, layers, resampling, tabletops, tracer
from idproof.datasets.specimen.formations.traced.hand import Hand
from idproof.datasets.specimen.formations.traced.rooms import Panel, Room
from idproof.datasets.specimen.formations.traced.surface import Surface
from idproof.datasets.specimen.material import Grating
from idproof.datasets.specimen.view import Lens, Pose, View
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import InvalidSpecimen

TURNS = {"front": (-5.0, 5.0)}


def view(document: DocumentType, turn: float = 0.0, width: int = 160) -> View:
    return View(document, Lens(1600.0), Pose(turn, 0, 0, (0, 0), 0.55)).resized(width)


def lamp(direction: np.ndarray, half_mm: float = 5.0, away_mm: float = 1000.0) -> Panel:
    """A small square lamp that faces the card's upper left corner, in the card's frame."""
    across = np.cross(direction, [0.0, 1.0, 0.0])
    across /= np.linalg.norm(across)
    down = np.cross(direction, across)
    return Panel(away_mm * direction, half_mm * across, half_mm * down, np.full(3, 100.0))


def test_without_mitsuba_one_sentence_says_what_to_install(
    document: DocumentType, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracer._mitsuba.cache_clear()
    monkeypatch.setitem(sys.modules, "mitsuba", None)
    with pytest.raises(InvalidSpecimen, match=r"pip install 'idproof\[render\]'"):
        formation("path_traced").begin(document, Draws(np.random.default_rng(1)), TURNS)
    tracer._mitsuba.cache_clear()


@pytest.mark.parametrize("order", [1, 2])
def test_a_grating_sends_each_wavelength_where_the_equation_says(order: int) -> None:
    period, point = 1.6, np.zeros((1, 3), np.float32)
    for nm, strongest in {460: 2, 540: 1, 615: 0}.items():
        sine = order * nm / 1000 / period
        light = lamp(np.array([sine, 0.0, -np.sqrt(1 - sine**2)]))
        given = np.array([0.0, 0.0, -300.0]), Grating(period, 0.0), np.zeros((1, 2), np.float32), 0.0
        sent = gratings.diffracted([light], point, *given)[0]
        assert int(sent.argmax()) == strongest
        crossed = gratings.diffracted([light], point, given[0], Grating(period, 90.0), *given[2:])[0]
        assert crossed.max() < 0.01 * sent.max()


def test_a_room_goes_with_a_card_that_lies_and_stays_for_one_that_is_held(document: DocumentType) -> None:
    front, turned = view(document), view(document, 25.0)
    for held in (True, False):
        frames = [layers.room_frame(seen, held=held, yaw=0.7, pitch=0.2, sway=(0.0, 0.0)) for seen in (front, turned)]
        for frame in frames:
            assert np.linalg.det(frame) == pytest.approx(1)
            assert frame @ frame.T == pytest.approx(np.eye(3), abs=1e-9)
        in_card = [seen.rotation.T @ frame for seen, frame in zip((front, turned), frames, strict=True)]
        assert np.allclose(*frames) is held
        assert np.allclose(*in_card) is not held


def test_glare_is_where_the_mirror_image_of_a_lamp_is(document: DocumentType) -> None:
    seen = view(document)
    middle = np.array([document.width_mm / 2, document.height_mm / 2, 0.0])

    def at(direction: np.ndarray) -> float:
        light = lamp(direction, half_mm=60.0, away_mm=2000.0)
        return glare.share([replace(light, middle=light.middle + middle)], seen)

    assert at(np.array([0.0, 0.0, -1.0])) > 0.05
    assert at(np.array([0.7, 0.0, -0.71])) == 0


def test_a_layer_is_continued_from_what_is_known_alone() -> None:
    layer = np.full((40, 60, 3), 5.0, np.float32)
    layer[:, 30:] = 99
    known = np.zeros((40, 60), bool)
    known[:, :30] = True
    assert resampling.continued(layer, known, 1.5) == pytest.approx(np.full(layer.shape, 5.0), abs=1e-3)


@pytest.mark.parametrize("edge", ["left", "right", "bottom"])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_hand_is_closed_and_covers_the_border_alone(document: DocumentType, edge: str, mirrored: bool) -> None:
    drawn = Hand.draw(Draws(np.random.default_rng(3)), document)
    hand = replace(drawn, edge=edge, mirrored=mirrored, reach=2.6, along=27.0)
    vertices, faces, normals = hand.mesh(document)
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    inside = (vertices[:, 2] < 0) & (vertices[:, :2] > 0).all(axis=1)
    inside &= (vertices[:, 0] < document.width_mm) & (vertices[:, 1] < document.height_mm)
    depth = np.minimum.reduce(
        [vertices[:, 0], document.width_mm - vertices[:, 0], document.height_mm - vertices[:, 1]]
    )[inside]
    assert depth.max() < 2.9
    assert depth.max() > 1.5
    # Outward normals: the faces' own agree with them.
    sides = np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]])
    agree = (sides * normals[faces].mean(axis=1)).sum(axis=1)
    assert max((agree > 0).mean(), (agree < 0).mean()) > 0.99
    _, counts = np.unique(edges, axis=0, return_counts=True)
    # Open only where the arm leaves the drawn part.
    assert (counts == 1).mean() < 0.02


def test_table_tops_have_the_colours_of_tables() -> None:
    tops = [cv2.resize(tabletops.draw(np.random.default_rng(seed)), (60, 50)) for seed in range(6)]
    for top in tops:
        assert top.min() >= 0.01
        assert top.max() <= 0.88
        mean = top.reshape(-1, 3).mean(axis=0)
        assert mean.max() < 3.2 * mean.min() + 0.02  # nothing is as strong in colour as a plain drawn table
    assert len({float(top.mean()) for top in tops}) == len(tops)


def test_tuning_and_test_share_no_laminate() -> None:
    waves = {
        split: {int(Surface.draw(Draws(np.random.default_rng(seed), split)).waves_mm / 0.03 * 8) for seed in range(60)}
        for split in (Split.TUNING, Split.TEST)
    }
    assert not waves[Split.TUNING] & waves[Split.TEST]


def test_the_tracer_sees_card_hand_and_table_and_their_light(document: DocumentType) -> None:
    pytest.importorskip("mitsuba", reason="the extra `render` is not installed")
    seen = view(document, 10.0, width=96)
    drawn = replace(Hand.draw(Draws(np.random.default_rng(3)), document), edge="bottom", along=40.0)
    # To the side: the telephone throws its shadow on what lies straight below it.
    above = Panel(np.array([-800.0, -900.0, 0.0]), np.array([200.0, 0, 0]), np.array([0, 0, 200.0]), np.full(3, 20.0))
    room = Room(np.full(3, -1500.0), np.full(3, 1500.0), np.full(3, 0.5), (above,), ())
    frame = layers.room_frame(seen, held=False, yaw=0.0, pitch=0.0, sway=(0.0, 0.0))
    table = np.array([0.4, 0.3, 0.2])
    stage = tracer.Stage(seen, room, frame, table, drawn.mesh(document), drawn.skin, 0.0, (0.2, 0.2, 0.2), 1)
    radiance, what = tracer.traced(stage, 16)
    again, _ = tracer.traced(stage, 16)
    assert np.array_equal(radiance, again)
    card, top, hand = (what == kind for kind in (tracer.CARD, tracer.TABLE, tracer.HAND))
    x, y = seen.corners.mean(axis=0).round().astype(int)
    assert what[y, x] == tracer.CARD
    assert card.mean() == pytest.approx(0.55**2 * 54 / 85.6 * 96 / 54 * np.cos(np.radians(10)), rel=0.15)
    assert hand.any()
    # A white card is twice as bright as a table of half its albedo below the same lamp.
    assert radiance[card].mean() / radiance[top].mean() == pytest.approx(0.8 / table.mean(), rel=0.35)
    brown = radiance[top].mean(axis=0)
    assert brown[0] > 1.2 * brown[1] > 1.2 * brown[2]
    flat = np.zeros((108, 171), np.float32)
    mirrored, (left, top_row) = tracer.mirrored(stage, 0.05, flat, 16)
    # Walls are mirrored weakly; turned so that the lamp is in the mirror, it outshines the print.
    assert 0 < mirrored[y - top_row, x - left].mean() < 0.3 * radiance[card].mean()
    turned = view(document, 20.0, width=96)
    held = layers.room_frame(turned, held=True, yaw=0.0, pitch=0.0, sway=(0.0, 0.0))
    away = np.array([np.sin(np.radians(40)), 0.0, -np.cos(np.radians(40))])
    window = Panel(1200 * away, 150 * np.array([away[2], 0.0, -away[0]]), np.array([0, 150.0, 0]), np.full(3, 20.0))
    glaring = replace(stage, view=turned, to_camera=held, table=None, hand=None, room=replace(room, lights=(window,)))
    light, what = tracer.traced(glaring, 16)
    assert tracer.mirrored(glaring, 0.05, flat, 16)[0].max() > light[what == tracer.CARD].mean()
