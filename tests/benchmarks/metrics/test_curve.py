"""Curves and the numbers drawn from them, held to scikit-learn and to hand computation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import det_curve, roc_auc_score

from idproof.benchmarks.metrics.curve import area_interval, area_under_curve, d_prime, det, equal_error_rate

few_values = st.integers(-4, 4).map(lambda i: i / 4)  # many ties
scores = arrays(np.float32, st.integers(1, 60), elements=few_values.map(np.float32))


def together(impostors: np.ndarray, genuines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat([0, 1], [impostors.size, genuines.size]), np.concatenate([impostors, genuines])


@given(scores, scores)
def test_every_point_of_the_curve_is_what_its_threshold_does(impostors: np.ndarray, genuines: np.ndarray) -> None:
    curve = det(impostors, genuines)
    assert curve.fmr == pytest.approx((impostors >= curve.thresholds[:, None]).mean(axis=1))
    assert curve.fnmr == pytest.approx((genuines < curve.thresholds[:, None]).mean(axis=1))
    assert (curve.fmr[0], curve.fnmr[-1]) == (1.0, 1.0)
    assert (np.diff(curve.fmr) <= 0).all()
    assert (np.diff(curve.fnmr) >= 0).all()


@given(scores, scores)
def test_the_curve_has_every_point_of_scikit_learns(impostors: np.ndarray, genuines: np.ndarray) -> None:
    fpr, fnr, _ = det_curve(*together(impostors, genuines))
    curve = det(impostors, genuines)
    ours = {(round(a, 9), round(b, 9)) for a, b in zip(curve.fmr, curve.fnmr, strict=True)}
    assert {(round(a, 9), round(b, 9)) for a, b in zip(fpr, fnr, strict=True)} <= ours


@given(scores, scores)
def test_the_area_is_scikit_learns(impostors: np.ndarray, genuines: np.ndarray) -> None:
    assert area_under_curve(impostors, genuines) == pytest.approx(roc_auc_score(*together(impostors, genuines)))


@given(scores, scores)
def test_the_equal_error_rate_lies_between_its_neighbours(impostors: np.ndarray, genuines: np.ndarray) -> None:
    eer = equal_error_rate(impostors, genuines)
    curve = det(impostors, genuines)
    assert max(np.minimum(curve.fmr, curve.fnmr)) <= eer + 1e-12
    assert min(np.maximum(curve.fmr, curve.fnmr)) >= eer - 1e-12


@pytest.mark.parametrize(
    ("impostors", "genuines", "by_hand"),
    [
        ([1, 2, 3], [4, 5, 6], 0.0),
        ([4, 5, 6], [1, 2, 3], 1.0),
        ([1, 1, 1], [1, 1, 1], 0.5),
        ([1, 2, 3, 4], [3, 4, 5, 6], 0.25),
        ([1, 2], [1, 2], 0.5),
    ],
)
def test_equal_error_rates_by_hand(impostors: list[float], genuines: list[float], by_hand: float) -> None:
    assert equal_error_rate(np.array(impostors, dtype=float), np.array(genuines, dtype=float)) == pytest.approx(by_hand)


def test_d_prime_of_two_normal_distributions() -> None:
    rng = np.random.default_rng(1)
    assert d_prime(rng.normal(0, 1, 200_000), rng.normal(3, 1, 200_000)) == pytest.approx(3.0, abs=0.02)
    assert d_prime(np.array([1.0]), np.array([2.0])) == np.inf
    assert np.isnan(d_prime(np.array([1.0]), np.array([1.0])))


@pytest.mark.parametrize("measure", [det, equal_error_rate, area_under_curve, d_prime])
@pytest.mark.parametrize(("impostors", "genuines"), [([], [1.0]), ([1.0], []), ([np.nan], [1.0])])
def test_an_empty_class_or_a_score_that_is_no_number_is_refused(
    measure: object, impostors: list[float], genuines: list[float]
) -> None:
    with pytest.raises(ValueError, match="scores"):
        measure(np.array(impostors), np.array(genuines))  # type: ignore[operator]


def test_the_interval_of_an_area_holds_it_and_narrows_with_the_number_of_scores() -> None:
    rng = np.random.default_rng(4)
    few, many = (area_interval(rng.normal(0, 1, n), rng.normal(1.5, 1, n)) for n in (20, 400))
    for found in (few, many):
        assert 0 < found.low < found.value < found.high < 1
    assert many.high - many.low < few.high - few.low
    # Hanley and McNeil's standard error gives about ± 0.03 at an area of 0.86 and 400 scores of each kind.
    assert many.high - many.low == pytest.approx(0.052, abs=0.01)
    apart = area_interval(np.arange(12.0), np.arange(12.0) + 50)
    assert (apart.value, apart.high) == (1.0, 1.0)
    assert 0.7 < apart.low < 1
    wrong = area_interval(np.arange(12.0) + 50, np.arange(12.0))
    assert (wrong.value, wrong.low) == (0.0, 0.0)
    assert wrong.high == pytest.approx(1 - apart.low, abs=1e-6)
    assert area_interval(np.ones(9), np.ones(9)).value == 0.5
