"""Rates and thresholds, held to SciPy, to hand computation and to what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import beta

from idproof.benchmarks.metrics import best_accuracy, fmr_at, fnmr_at, rate, threshold_at_fmr

few_values = st.integers(-4, 4).map(lambda i: i / 4)  # many ties
scores = arrays(np.float32, st.integers(1, 60), elements=few_values.map(np.float32))


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))))
def test_intervals_are_clopper_pearson(case: tuple[int, int]) -> None:
    events, n = case
    found = rate(events, n)
    assert found.low == pytest.approx(beta.ppf(0.025, events, n - events + 1), abs=1e-9)
    high = 1.0 if events == n else beta.ppf(0.975, events + 1, n - events)
    assert found.high == pytest.approx(high, abs=1e-9)


def test_zero_events_give_the_rule_of_three() -> None:
    assert rate(0, 20).high == pytest.approx(0.1391, abs=1e-4)  # 1 - 0.05 ** (1 / 20)
    assert rate(0, 3000).high == pytest.approx(3 / 3000, rel=2e-3)


def test_no_attempts_tell_nothing() -> None:
    empty = rate(0, 0)
    assert np.isnan(empty.value)
    assert (empty.low, empty.high) == (0.0, 1.0)


@given(scores, st.floats(0, 1))
def test_a_threshold_promises_at_most_its_rate_and_is_the_lowest_that_does(s: np.ndarray, fmr: float) -> None:
    threshold = threshold_at_fmr(s, fmr)
    assert (s >= threshold).mean() <= fmr + 1e-9
    lower = s[s < threshold]
    if lower.size:
        assert (s >= lower.max()).mean() > fmr


@given(scores, scores)
def test_rates_at_a_threshold_count_ties_as_matches(impostors: np.ndarray, genuines: np.ndarray) -> None:
    threshold = float(impostors[0])
    assert fmr_at(impostors, threshold).value == sum(s >= threshold for s in impostors) / len(impostors)
    assert fnmr_at(genuines, threshold).value == sum(s < threshold for s in genuines) / len(genuines)


@given(scores, scores)
def test_best_accuracy_is_the_best_over_all_thresholds(impostors: np.ndarray, genuines: np.ndarray) -> None:
    tried = [*np.concatenate([impostors, genuines]), np.inf]
    by_hand = max(((impostors < t).sum() + (genuines >= t).sum()) for t in tried)
    assert best_accuracy(impostors, genuines) == pytest.approx(by_hand / (impostors.size + genuines.size))
