"""D_sys has the values that follow from the densities, and its ends."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.benchmarks.metrics.unlinkability import d_sys

RNG = np.random.default_rng(3)


def test_equal_scores_do_not_link_and_separate_ones_link_fully() -> None:
    same = np.linspace(0, 1, 10_000)
    assert d_sys(same, same) == 0.0
    assert d_sys(same + 1.001, same) == 1.0
    assert d_sys(np.ones(50), np.ones(70)) == 0.0, "one score for all tells nothing"


def test_known_densities() -> None:
    """Mated in [0, 1], others in [0, 2]: LR = 2 where mated ones fall, so D = 2·2/3 - 1."""
    mated, others = np.linspace(0, 1, 100_000, endpoint=False), np.linspace(0, 2, 100_000, endpoint=False)
    assert d_sys(mated, others) == pytest.approx(1 / 3, abs=1e-3)
    half = np.concatenate([mated, others + 5])
    assert d_sys(half, others + 5) == pytest.approx(0.5, abs=1e-3), "a half that only mated ones have links by half"


def test_a_score_that_is_greater_for_strangers_links_as_well() -> None:
    mated, others = RNG.normal(0, 1, 20_000), RNG.normal(4, 1, 20_000)
    assert d_sys(mated, others) == pytest.approx(d_sys(-mated, -others), abs=0.02)
    assert d_sys(mated, others) > 0.9


def test_weights_are_counts() -> None:
    mated, others = RNG.normal(1, 1, 300), RNG.normal(0, 1, 300)
    weights = RNG.integers(0, 3, 300).astype(float)
    repeated = np.repeat(mated, weights.astype(int))
    bins = min(300 // 10, 100)
    assert repeated.size // 10 != bins or d_sys(mated, others, weights) == pytest.approx(d_sys(repeated, others))
    assert d_sys(mated, others, np.ones(300), np.ones(300)) == d_sys(mated, others)


def test_without_scores_nothing_is_said() -> None:
    none = np.empty(0)
    assert math.isnan(d_sys(none, np.ones(3)))
    assert math.isnan(d_sys(np.ones(3), none))
    assert math.isnan(d_sys(np.arange(3.0), np.arange(3.0), np.zeros(3)))


@given(st.integers(0, 2**32 - 1), st.integers(1, 200), st.integers(1, 200))
def test_it_is_a_share(seed: int, mated: int, others: int) -> None:
    rng = np.random.default_rng(seed)
    assert 0.0 <= d_sys(rng.normal(size=mated), rng.normal(size=others)) <= 1.0
