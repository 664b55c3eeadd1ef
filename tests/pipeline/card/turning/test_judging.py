"""Two explanations of what changed on the way, and the limit between them; a way that was not seen is not assessed."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.datasets.specimen.view import Lens, Pose, View
from idproof.pipeline.card.turning import LegMeasures, TurnFrame, TurnMeter, check
from idproof.pipeline.card.turning.judging import (
    EQUAL,
    PICTURES,
    WIDEST_GAP_DEG,
    card_share,
    measure,
    seen_deg,
    without_pictures,
    without_smooth,
)
from idproof.pipeline.card.view import CardView
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import Outcome, Status

LENS = Lens(1600.0)
ZONES = 8 * 3


@pytest.fixture(scope="module")
def meter(document: DocumentType) -> TurnMeter:
    return TurnMeter.open(document)


def view_of(document: DocumentType, turn: float, offset: tuple[float, float] = (0.0, 0.0)) -> View:
    return View(document, LENS, Pose(turn, 4.0, 1.0, offset, 0.55))


def frames(
    document: DocumentType, turns: np.ndarray, *, shown: np.ndarray | None = None, hidden: tuple[int, ...] = ()
) -> list[TurnFrame]:
    """A way on which the card turns, and something at the angles `shown` is in its place, or the card itself."""
    rng, found = np.random.default_rng(1), []
    region = next(region for region in document.regions if region.kind == "second_portrait")
    for i, (turn, at) in enumerate(zip(turns, turns if shown is None else shown, strict=True)):
        slide = region.slide_mm_per_deg * float(at) + rng.normal(0, 0.05)
        zones = 0.2 * np.sin(np.radians(4 * at) + np.arange(ZONES)) + rng.normal(0, 0.02, ZONES)
        view = view_of(document, float(turn))
        place = CardView(view.homography, view.size, 100, 0.1, 12.0)
        found.append(TurnFrame(i / 10, place, None if i in hidden else slide, tuple(map(float, zones))))
    return found


TURNS = np.linspace(0, 19, 12)
EXCHANGED = np.where(TURNS < 9.5, 0.0, 19.0)


def test_a_card_is_explained_by_a_card_and_exchanged_pictures_by_pictures(
    document: DocumentType, meter: TurnMeter
) -> None:
    card = measure(frames(document, TURNS), (), meter)
    pictures = measure(frames(document, TURNS, shown=EXCHANGED), (), meter)
    assert card is not None
    assert pictures is not None
    assert check([card, card]).outcome is Outcome.PASS
    assert (check([card, pictures]).outcome, check([card, pictures]).reason) == (
        Outcome.FAIL,
        "card_pictures_exchanged",
    )


@pytest.mark.parametrize("far", [38.0, 56.0])
def test_a_third_picture_on_a_long_way_does_not_help(document: DocumentType, meter: TurnMeter, far: float) -> None:
    turns = np.linspace(-far / 2, far / 2, 30)
    shown = np.digitize(turns, [-far / 4, far / 4]) * far / 2 - far / 2
    found = measure(frames(document, turns, shown=shown), (), meter)
    assert found is not None
    assert found.contradicts
    card = measure(frames(document, turns), (), meter)
    assert card is not None
    assert card.value < EQUAL


def test_one_picture_that_stays_while_the_card_turns_is_no_card(document: DocumentType, meter: TurnMeter) -> None:
    found = measure(frames(document, TURNS, shown=np.zeros_like(TURNS)), (), meter)
    assert found is not None
    assert found.portrait is not None
    assert found.portrait > PICTURES
    assert check([found, found]).outcome is not Outcome.PASS


def test_too_few_frames_and_gaps_are_not_seen(document: DocumentType, meter: TurnMeter) -> None:
    assert measure(frames(document, TURNS)[:7], (), meter) is None
    assert measure(frames(document, np.linspace(0, 56, 30), hidden=tuple(range(10, 16))), (), meter) is None
    assert measure(frames(document, TURNS, hidden=(0, 1, 2, 3, 4, 5)), (), meter) is None
    jump = np.array([*np.zeros(6), *np.full(6, WIDEST_GAP_DEG + 3)])
    assert measure(frames(document, jump), (), meter) is None


def test_what_was_not_seen_is_not_assessed_and_a_contradiction_counts_all_the_same() -> None:
    good, bad = LegMeasures(0.1, 0.3), LegMeasures(0.9, 0.95)
    for legs in ([], [None], [good, None]):
        found = check(legs)
        assert (found.status, found.reason) == (Status.COULD_NOT_ASSESS, "card_turn_not_seen")
    assert check([None, bad]).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("leg", "outcome"),
    [
        (LegMeasures(0.1, 0.6), Outcome.PASS),
        (LegMeasures(0.4, 0.65), Outcome.DOUBT),
        (LegMeasures(0.0, PICTURES + 0.01), Outcome.DOUBT),
        (LegMeasures(PICTURES + 0.01, 0.0), Outcome.DOUBT),
        (LegMeasures(PICTURES, PICTURES), Outcome.FAIL),
        (LegMeasures(None, 0.3), Outcome.PASS),
        (LegMeasures(0.8, None), Outcome.FAIL),
        (LegMeasures(None, None), Outcome.PASS),
    ],
)
def test_neither_sign_makes_up_for_the_other(leg: LegMeasures, outcome: Outcome) -> None:
    assert check([leg, LegMeasures(0.1, 0.1)]).outcome is outcome


@given(st.integers(2, 12), st.integers(0, 4), st.integers(0, 2**20))
def test_the_best_exchanges_leave_no_more_than_any_others(n: int, exchanges: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 2))
    left = (without_pictures(values, exchanges) ** 2).sum()
    cuts = sorted({0, n, *rng.integers(0, n, min(exchanges, n - 1)).tolist()})
    others = [values[a:b] - values[a:b].mean(axis=0) for a, b in pairwise(cuts)]
    assert left <= sum((piece**2).sum() for piece in others) + 1e-9


def test_a_polynomial_takes_smooth_change_away_and_leaves_a_jump() -> None:
    angle = np.linspace(0, 20, 15)
    smooth = without_smooth(np.column_stack([angle**2, 3 * angle]), angle, np.zeros(15), 1)
    assert np.abs(smooth).max() < 1e-8
    assert np.abs(without_smooth((angle > 10).astype(float)[:, None], angle, np.zeros(15), 1)).max() > 0.2


def test_errors_of_nothing_are_equal() -> None:
    nothing = np.zeros((4, 1))
    assert card_share(nothing, nothing) == EQUAL


@given(st.floats(-30, 30), st.floats(-0.05, 0.05), st.floats(-0.05, 0.05))
def test_the_angle_at_which_a_point_is_seen_is_that_of_the_renderer(turn: float, x: float, y: float) -> None:
    from idproof.pipeline.documents import load_builtin

    view = view_of(load_builtin(), turn, (x, y))
    place = CardView(view.homography, view.size, 100, 0.1, 12.0)
    assert seen_deg(place, LENS.focal_px / view.size[0], 73.5, 35.3) == pytest.approx(
        view.turn_at(73.5, 35.3), abs=0.15
    )
