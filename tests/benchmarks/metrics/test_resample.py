"""Intervals by person are wider where people differ, repeat with their seed, and count what they say they count."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idproof.benchmarks.metrics import fnmr_at, rate, threshold_at_fmr
from idproof.benchmarks.metrics.resample import (
    Comparisons,
    difference,
    fnmr_interval,
    interval,
    weighted_fnmr,
    weighted_impostors,
    weighted_threshold,
    with_interval,
)

PEOPLE, EACH = 40, 25


def goats() -> Comparisons:
    """Every fifth person is never recognised: 25 comparisons of one person are one fact, not 25."""
    person = np.repeat(np.arange(PEOPLE), EACH)
    return Comparisons(np.where(person % 5 == 0, 0.1, 0.9), person, person)


def test_an_interval_by_person_is_wider_than_one_over_comparisons_that_depend_on_each_other() -> None:
    genuine = goats()
    low, high = interval(lambda w: weighted_fnmr(genuine, 0.5, w), PEOPLE, seed=1)
    naive = rate(int((genuine.scores < 0.5).sum()), genuine.scores.size)
    assert low < naive.low < naive.value < naive.high < high
    # Eight of forty people: about what the exact interval over people says.
    by_person = rate(8, PEOPLE)
    assert (low, high) == pytest.approx((by_person.low, by_person.high), abs=0.05)
    widened = with_interval(naive, (low, high))
    assert (widened.low, widened.high, widened.n) == (low, high, naive.n)


def test_independent_units_give_about_the_exact_interval() -> None:
    rng = np.random.default_rng(4)
    scores = (rng.uniform(size=500) < 0.9).astype(float)
    one_each = Comparisons(scores, np.arange(500), np.arange(500))
    low, high = interval(lambda w: weighted_fnmr(one_each, 0.5, w), 500, seed=2)
    exact = rate(int((scores < 0.5).sum()), 500)
    assert (low, high) == pytest.approx((exact.low, exact.high), abs=0.01)


def test_the_same_seed_gives_the_same_interval() -> None:
    genuine = goats()
    bounds = [interval(lambda w: weighted_fnmr(genuine, 0.5, w), PEOPLE, draws=50, seed=s) for s in (3, 3, 4)]
    assert bounds[0] == bounds[1] != bounds[2]


@given(st.lists(st.integers(0, 3), min_size=2, max_size=6), st.integers(0, 10**6))
@settings(max_examples=60)
def test_weights_count_like_a_sample_written_out(drawn: list[int], seed: int) -> None:
    """Each unit as often as it was drawn; comparisons of different draws of one unit do not count."""
    rng = np.random.default_rng(seed)
    weights, pictures = np.array(drawn, dtype=float), rng.integers(1, 4, len(drawn))
    pairs = [
        (a, b, float(rng.integers(0, 5)))
        for a in range(len(drawn))
        for b in range(a)
        for _ in range(pictures[a] * pictures[b])
    ]
    first, second, scores = (np.array(column) for column in zip(*pairs, strict=True))
    comparisons = Comparisons(scores, first, second).falling()
    total = weighted_impostors(pictures, weights)
    assert comparisons.counted(weights).sum() == pytest.approx(total)
    written_out = np.repeat(comparisons.scores, comparisons.counted(weights).astype(int))
    for fmr in (0.0, 0.1, 0.5):
        found = weighted_threshold(comparisons, total, fmr, weights)
        if written_out.size and not np.isnan(found):
            expected = threshold_at_fmr(written_out, fmr)
            assert (written_out >= found).sum() == (written_out >= expected).sum()


def test_a_threshold_below_the_tail_is_not_guessed() -> None:
    tail = Comparisons(np.array([0.9, 0.8]), np.array([0, 1]), np.array([1, 2]))
    assert np.isnan(weighted_threshold(tail, 100.0, 0.05, np.ones(3)))
    assert weighted_threshold(tail, 100.0, 0.01, np.ones(3)) == np.nextafter(0.8, 1)
    with pytest.raises(ValueError, match="impostor scores"):
        weighted_threshold(Comparisons(np.array([]), np.array([]), np.array([])), 1.0, 0.1, np.ones(2))


def test_two_systems_differ_only_by_what_one_of_them_got_wrong() -> None:
    first = np.array([True] * 30 + [False] * 970)
    second = np.array([False] * 10 + [True] * 22 + [False] * 968)
    found = difference(first, second)
    assert (found.first_only, found.second_only) == (10, 2)
    assert found.value == pytest.approx(-0.008)
    assert found.p_value == pytest.approx(0.038574, abs=1e-6)  # 2 × P(X <= 2), X ~ B(12, 1/2)
    assert difference(first, first).p_value == 1.0
    with pytest.raises(ValueError, match="same attempts"):
        difference(first, second[:5])


def test_too_little_to_resample_is_refused() -> None:
    with pytest.raises(ValueError, match="two units"):
        interval(lambda w: 0.0, 1)
    with pytest.raises(ValueError, match="undefined"):
        interval(lambda w: float("nan"), 5, draws=10)
    with pytest.raises(ValueError, match="one length"):
        Comparisons(np.zeros(2), np.zeros(2, dtype=int), np.zeros(3, dtype=int))


def simulated(people: int, pictures: int, seed: int) -> tuple[Comparisons, Comparisons, np.ndarray]:
    """Every person has a difficulty of their own, so that their comparisons go wrong together."""
    rng = np.random.default_rng(seed)
    one, other = np.triu_indices(people, 1)
    impostors = Comparisons(rng.normal(0, 1, one.size), one, other)
    whose = np.repeat(np.arange(people), pictures * (pictures - 1) // 2)
    genuines = Comparisons(4 - rng.exponential(1, people)[whose] + rng.normal(0, 0.3, whose.size), whose, whose)
    return impostors, genuines, np.ones(people, dtype=np.intp)


def test_an_interval_of_the_fnmr_holds_the_rate_and_is_wider_than_the_binomial_one() -> None:
    impostors, genuines, pictures = simulated(120, 8, 1)
    measured = fnmr_at(genuines.scores, threshold_at_fmr(impostors.scores, 1e-2))
    low, high = fnmr_interval(impostors, genuines, pictures, 1e-2)
    assert low < measured.value < high
    assert high - low > 2 * (measured.high - measured.low)


def test_such_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    truth = fnmr_at((many := simulated(2000, 4, 0))[1].scores, threshold_at_fmr(many[0].scores, 1e-2)).value
    intervals = [fnmr_interval(*simulated(100, 4, seed), 1e-2, draws=100) for seed in range(1, 41)]
    assert sum(low <= truth <= high for low, high in intervals) >= 34


def test_the_tail_alone_gives_what_all_impostors_give() -> None:
    impostors, genuines, pictures = simulated(150, 4, 3)
    highest = np.argsort(-impostors.scores)[:600]
    tail = Comparisons(impostors.scores[highest], impostors.first[highest], impostors.second[highest])
    assert fnmr_interval(tail, genuines, pictures, 1e-2) == fnmr_interval(impostors, genuines, pictures, 1e-2)


def test_such_an_interval_is_reproducible_and_says_when_there_is_nothing_to_say() -> None:
    impostors, genuines, pictures = simulated(30, 3, 4)
    first = fnmr_interval(impostors, genuines, pictures, 1e-2, seed=5)
    assert first == fnmr_interval(impostors, genuines, pictures, 1e-2, seed=5)
    nobody = Comparisons(np.empty(0), np.empty(0, np.intp), np.empty(0, np.intp))
    assert np.isnan(fnmr_interval(impostors, nobody, pictures, 1e-2)).all()
