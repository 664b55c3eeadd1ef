"""The cost of log-likelihood ratios, held to scikit-learn's isotonic regression and log loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss

from idproof.benchmarks.metrics.information import calibrated, cllr, min_cllr

few_values = st.integers(-4, 4).map(lambda i: i / 4)  # many ties
scores = arrays(np.float64, st.integers(1, 60), elements=few_values)


@given(scores, scores)
def test_the_cost_is_the_log_loss_at_even_priors(impostors: np.ndarray, genuines: np.ndarray) -> None:
    labels = np.repeat([0, 1], [impostors.size, genuines.size])
    weights = np.where(labels == 1, 0.5 / genuines.size, 0.5 / impostors.size)
    posterior = 1 / (1 + np.exp(-np.concatenate([impostors, genuines])))
    assert cllr(impostors, genuines) == pytest.approx(log_loss(labels, posterior, sample_weight=weights) / np.log(2))


@given(scores, scores)
def test_calibration_by_pool_adjacent_violators_is_scikit_learns(impostors: np.ndarray, genuines: np.ndarray) -> None:
    together = np.concatenate([impostors, genuines])
    labels = np.repeat([0.0, 1.0], [impostors.size, genuines.size])
    share = IsotonicRegression().fit(together, labels).predict(together)
    with np.errstate(divide="ignore"):
        expected = np.log(share) - np.log1p(-share) - np.log(genuines.size / impostors.size)
    assert calibrated(together, impostors.size) == pytest.approx(expected)


@given(scores, scores)
def test_no_rising_calibration_costs_less(impostors: np.ndarray, genuines: np.ndarray) -> None:
    least = min_cllr(impostors, genuines)
    assert -1e-12 <= least <= 1 + 1e-12
    for slope, offset in ((1, 0), (3, -1), (10, 2), (0, 0)):
        assert least <= cllr(slope * impostors + offset, slope * genuines + offset) + 1e-9


def test_by_hand() -> None:
    assert cllr(np.array([-np.inf]), np.array([np.inf])) == 0.0
    assert cllr(np.array([0.0]), np.array([-np.inf])) == np.inf
    assert min_cllr(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="both"):
        min_cllr(np.array([]), np.array([1.0]))
