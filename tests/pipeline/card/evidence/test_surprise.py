"""The surprise of one quantity: 0 on the side of no fraud, the same for every forgery, and never without end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.pipeline.card.evidence.surprise import ALONE, FORGED, MOST, Scale

GENUINE = sorted(np.random.default_rng(3).normal(0.8, 0.05, 40).tolist())


def scale(*, below: bool = True, above: bool = False, **other: float | None) -> Scale:
    chosen = {"ratio": False, "tolerance": 0.0, "forged": None} | other
    return Scale.of(GENUINE, below=below, above=above, **chosen)  # type: ignore[arg-type]


def test_a_forgery_is_as_far_away_however_alike_the_genuine_cards_are() -> None:
    expected = pytest.approx(1 / FORGED**2)
    assert scale(forged=0.1).surprise(0.1) == expected
    alike = Scale.of([0.79, 0.8, 0.81], below=True, above=False, ratio=False, tolerance=0.0, forged=0.1)
    assert alike.surprise(0.1) == expected
    assert alike.surprise(0.7) < 1  # far beyond these three, near to them on the way to a forgery
    assert 1 / FORGED**2 > ALONE


def test_without_a_known_forgery_the_unit_is_what_one_in_twenty_exceeds() -> None:
    assert scale().surprise(float(np.quantile(GENUINE, 0.05))) == pytest.approx(1)
    assert scale(tolerance=0.3).surprise(GENUINE[0]) < 1


@given(st.floats(-1e6, 1e6), st.booleans())
def test_the_side_of_no_fraud_and_the_other_end_are_bounded(value: float, below: bool) -> None:
    found = scale(below=below, above=not below).surprise(value)
    assert 0 <= found <= MOST**2
    if (value > max(GENUINE)) is below and not min(GENUINE) <= value <= max(GENUINE):
        assert found == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("below", [True, False])
@pytest.mark.parametrize("ratio", [True, False])
def test_what_is_no_finite_number_surprises_most_on_either_side(value: float, below: bool, ratio: bool) -> None:
    found = Scale.of(GENUINE, below=below, above=not below, ratio=ratio, tolerance=0.0, forged=None)
    assert found.surprise(value) == MOST**2


@given(st.floats(0.0, 2.0), st.floats(0.0, 2.0))
def test_a_value_further_off_is_never_less_surprising(one: float, other: float) -> None:
    near, far = max(one, other), min(one, other)
    assert scale(forged=0.1).surprise(near) <= scale(forged=0.1).surprise(far)


def test_a_ratio_is_compared_by_its_logarithm() -> None:
    values = [0.1, 0.1, 0.1]
    found = Scale.of(values, below=True, above=False, ratio=True, tolerance=0.0, forged=0.001)
    assert found.surprise(0.001) == pytest.approx(1 / FORGED**2)
    assert found.surprise(0.01) == pytest.approx(0.25 / FORGED**2)
    assert found.surprise(0.0) == MOST**2


@pytest.mark.parametrize(("below", "above"), [(True, False), (False, True), (True, True)])
@pytest.mark.parametrize("ratio", [False, True])
def test_the_limit_is_the_value_that_rejects_alone(below: bool, above: bool, ratio: bool) -> None:
    found = Scale.of(GENUINE, below=below, above=above, ratio=ratio, tolerance=0.0, forged=None)
    for value in (0.5, 1.1):
        limit = found.limit(value)
        assert found.surprise(limit) == pytest.approx(ALONE)
