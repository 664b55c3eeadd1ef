"""Differential performance by hand, and at its edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.benchmarks.metrics import rate
from idproof.benchmarks.metrics.groups import fairness_discrepancy_rate, garbe, gate, gini, worst_ratio


def test_a_group_more_than_a_quarter_worse_is_beyond_the_gate() -> None:
    found = gate(rate(100, 10_000), {"a": rate(1, 1000), "b": rate(30, 1000), "c": rate(1240, 100_000)})
    assert found.beyond == ("b",)
    assert not found.passed
    assert found.ratios["b"] == pytest.approx(3)
    assert found.undecided == ("c",), "1.24 times as bad, and its interval reaches 1.3"


def test_a_single_error_among_few_attempts_is_no_proof_that_a_group_is_worse() -> None:
    found = gate(rate(10, 10_000), {"one": rate(1, 100), "many": rate(100, 10_000)})
    assert found.ratios["one"] == found.ratios["many"] == pytest.approx(10)
    assert (found.beyond, found.undecided) == (("many",), ("one",))


def test_small_counts_pass_the_gate_only_undecided() -> None:
    found = gate(rate(1, 1000), {"a": rate(0, 20), "b": rate(1, 980)})
    assert found.passed
    assert found.undecided == ("a", "b")


def test_no_errors_at_all_are_equal_and_any_beside_none_is_infinitely_worse() -> None:
    assert gate(rate(0, 100), {"a": rate(0, 50)}).ratios == {"a": 1.0}
    assert gate(rate(0, 100), {"a": rate(1, 50)}).beyond == ("a",)
    assert worst_ratio({"a": rate(0, 10), "b": rate(1, 10)}) == float("inf")
    assert worst_ratio({"a": rate(0, 10), "b": rate(0, 10)}) == 1.0


def test_a_group_without_attempts_is_refused() -> None:
    for measure in (lambda g: gate(rate(1, 10), g), worst_ratio, lambda g: garbe(g, g)):
        with pytest.raises(ValueError, match="attempts"):
            measure({"a": rate(1, 10), "b": rate(0, 0)})


def test_indices_by_hand() -> None:
    fmr = {"a": rate(1, 100), "b": rate(3, 100)}
    fnmr = {"a": rate(10, 100), "b": rate(10, 100)}
    assert fairness_discrepancy_rate(fmr, fnmr) == pytest.approx(1 - 0.5 * 0.02)
    # Two groups: n / (n - 1) × sum of |differences| / (2 n² mean) = 2 × 0.04 / (8 × 0.02).
    assert garbe(fmr, fnmr, alpha=1.0) == pytest.approx(0.5)
    assert garbe(fmr, fnmr, alpha=0.0) == 0.0
    with pytest.raises(ValueError, match="same groups"):
        garbe(fmr, {"a": rate(1, 10)})


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_gini_lies_between_equal_and_all_errors_in_one_group(values: list[float]) -> None:
    found = gini(values)
    assert -1e-9 <= found <= 1 + 1e-9
    assert gini([0.25] * len(values)) == pytest.approx(0.0)
    assert gini([0.0] * (len(values) - 1) + [0.5]) == pytest.approx(1.0)
