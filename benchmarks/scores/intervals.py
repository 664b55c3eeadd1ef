"""Rates at thresholds, with intervals by person where people are known."""

from collections.abc import Callable

import numpy as np

from idproof.benchmarks.metrics import Rate, Scores, fnmr_at, rate, threshold_at_fmr
from idproof.benchmarks.metrics.resample import (
    Comparisons,
    Weights,
    interval,
    weighted_fnmr,
    weighted_threshold,
    with_interval,
)

DRAWS = 400
"""Draws of people: enough for two digits of a 95 % interval."""
_TAIL = 2.0  # times the share of impostors that the rate lets through: a draw's threshold lies among them
_ALL_KEPT = 100_000  # with at most so many impostor comparisons, all are kept. Chosen by hand.


def missed_at_fmr(
    impostors: Scores, genuines: Scores, fmr: float, people: tuple[Comparisons, Comparisons] | None, seed: int
) -> Rate:
    """Returns the FNMR at the lowest threshold that promises an FMR.

    Args:
        impostors: scores.
        genuines: scores.
        fmr: the rate.
        people: the same comparisons with their people, for an interval by person (`metrics.resample`) where every draw
            finds its own threshold; None for the exact binomial interval.
        seed: of the draws.
    """
    exact = fnmr_at(genuines, threshold_at_fmr(impostors, fmr))
    if people is None:
        return exact
    every, genuine = people
    tail = _tail(every, fmr).falling()

    def fnmr(weights: Weights) -> float:
        threshold = weighted_threshold(tail, float(every.counted(weights).sum()), fmr, weights)
        return weighted_fnmr(genuine, threshold, weights)

    return _by_person(exact, fnmr, _units(every, genuine), seed)


def share_below(found: Comparisons, threshold: float, seed: int) -> Rate:
    """Returns the share of comparisons below a fixed threshold, with an interval by person."""
    exact = fnmr_at(found.scores, threshold)
    return _by_person(exact, lambda weights: weighted_fnmr(found, threshold, weights), _units(found), seed)


def share_at_least(found: Comparisons, threshold: float, seed: int) -> Rate:
    """Returns the share of comparisons that reach a fixed threshold, with an interval by person."""
    below = share_below(found, threshold, seed)
    exact = rate(int((found.scores >= threshold).sum()), found.scores.size)
    return with_interval(exact, (1 - below.high, 1 - below.low))


def _by_person(exact: Rate, statistic: Callable[[Weights], float], units: int, seed: int) -> Rate:
    if units < 2 or exact.n == 0 or not 0 < exact.value < 1:
        return exact  # every draw would give the same rate
    try:
        return with_interval(exact, interval(statistic, units, draws=DRAWS, seed=seed))
    except ValueError:  # undefined for most draws: too few people have comparisons
        return exact


def _units(*found: Comparisons) -> int:
    return 1 + max(int(max(each.first.max(), each.second.max())) for each in found if each.scores.size)


def _tail(every: Comparisons, fmr: float) -> Comparisons:
    count = min(every.scores.size, max(_ALL_KEPT, int(np.ceil(_TAIL * fmr * every.scores.size))))
    if count == every.scores.size:
        return every
    places = np.argpartition(every.scores, every.scores.size - count)[-count:]
    return Comparisons(every.scores[places], every.first[places], every.second[places])
