"""Intervals of the FNMR over all pairs of a labelled set: people are drawn again, and the threshold found anew.

Pairs that share a person or a picture are not independent, so that a binomial interval over them is far too narrow.
Bolle, Ratha and Pankanti, "Error analysis of pattern recognition systems: the subsets bootstrap" (2004); for pairs of
people Fogliato, Patil and Perona, "Confidence intervals for error rates in 1:1 matching tasks" (2024).

`metrics.resample` has the general way; here the tail of millions of impostors is put in order once for all drawings.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.metrics.resample import Comparisons


def fnmr_intervals(
    impostor_tail: Comparisons,
    genuines: Comparisons,
    pictures: NDArray[np.intp],
    fmrs: Sequence[float],
    *,
    replicates: int = 400,
    seed: int = 0,
) -> dict[float, tuple[float, float]]:
    """95 % interval of the FNMR at each FMR, the threshold being found anew in every replicate.

    Args:
        impostor_tail: the highest impostor scores, at least about twice as many as the largest rate lets through, or
            all of them.
        genuines: all genuine comparisons.
        pictures: (people,) pictures of each person, from which the number of impostor comparisons follows.
        fmrs: rates, 0..1.
        replicates: drawings of as many people as there are, with replacement.
        seed: of the drawings.

    Returns:
        Percentiles 2.5 and 97.5; NaN where no replicate had a genuine comparison.
    """
    rng = np.random.default_rng(seed)
    order = np.argsort(-impostor_tail.scores, kind="stable")
    falling, one, other = (a[order] for a in (impostor_tail.scores, impostor_tail.first, impostor_tail.second))
    rates: dict[float, list[float]] = {fmr: [] for fmr in fmrs}
    for _ in range(replicates):
        drawn = np.bincount(rng.integers(pictures.size, size=pictures.size), minlength=pictures.size)
        heard = drawn * pictures
        total = (float(heard.sum()) ** 2 - float((heard.astype(float) ** 2).sum())) / 2
        accepted = np.cumsum(drawn[one] * drawn[other])
        weights = drawn[genuines.first].astype(float)
        if weights.sum() == 0:
            continue
        for fmr in fmrs:
            # Everything before the first refused impostor is let through; a genuine must score above that one.
            place = int(np.searchsorted(accepted, fmr * total, side="right"))
            refused = falling[place] if place < falling.size else -np.inf
            rates[fmr].append(float(weights[genuines.scores <= refused].sum() / weights.sum()))
    return {fmr: _percentiles(found) for fmr, found in rates.items()}


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return float("nan"), float("nan")
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
