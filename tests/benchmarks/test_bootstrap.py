"""Intervals by person: right on average, wider than binomial ones, and about the threshold as well."""

import numpy as np

from idproof.benchmarks.bootstrap import fnmr_intervals
from idproof.benchmarks.metrics import fnmr_at, threshold_at_fmr
from idproof.benchmarks.metrics.resample import Comparisons


def simulated(people: int, pictures: int, seed: int) -> tuple[Comparisons, Comparisons, np.ndarray]:
    """Every person has a difficulty of their own, so that their comparisons go wrong together."""
    rng = np.random.default_rng(seed)
    one, other = np.triu_indices(people, 1)
    impostors = Comparisons(rng.normal(0, 1, one.size), one, other)
    whose = np.repeat(np.arange(people), pictures * (pictures - 1) // 2)
    genuines = Comparisons(4 - rng.exponential(1, people)[whose] + rng.normal(0, 0.3, whose.size), whose, whose)
    return impostors, genuines, np.ones(people, dtype=np.intp)


def test_an_interval_by_person_holds_the_rate_and_is_wider_than_the_binomial_one() -> None:
    impostors, genuines, pictures = simulated(120, 8, 1)
    measured = fnmr_at(genuines.scores, threshold_at_fmr(impostors.scores, 1e-2))
    low, high = fnmr_intervals(impostors, genuines, pictures, [1e-2])[1e-2]
    assert low < measured.value < high
    assert high - low > 2 * (measured.high - measured.low)


def test_it_covers_the_truth_about_as_often_as_it_says() -> None:
    truth = fnmr_at((many := simulated(2000, 4, 0))[1].scores, threshold_at_fmr(many[0].scores, 1e-2)).value
    intervals = [fnmr_intervals(*simulated(100, 4, seed), [1e-2], replicates=100)[1e-2] for seed in range(1, 41)]
    assert sum(low <= truth <= high for low, high in intervals) >= 34


def test_the_tail_alone_gives_what_all_impostors_give() -> None:
    impostors, genuines, pictures = simulated(150, 4, 3)
    highest = np.argsort(-impostors.scores)[:600]
    tail = Comparisons(impostors.scores[highest], impostors.first[highest], impostors.second[highest])
    assert fnmr_intervals(tail, genuines, pictures, [1e-2]) == fnmr_intervals(impostors, genuines, pictures, [1e-2])


def test_it_is_reproducible_and_says_when_there_is_nothing_to_say() -> None:
    impostors, genuines, pictures = simulated(30, 3, 4)
    first = fnmr_intervals(impostors, genuines, pictures, [1e-2], seed=5)
    assert first == fnmr_intervals(impostors, genuines, pictures, [1e-2], seed=5)
    nobody = Comparisons(np.empty(0), np.empty(0, np.intp), np.empty(0, np.intp))
    assert np.isnan(fnmr_intervals(impostors, nobody, pictures, [1e-2])[1e-2]).all()
