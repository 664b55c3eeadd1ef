"""Error rates at some sixty thresholds, and binned scores: enough for a report without the millions of scores."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.metrics import Scores, rate
from idproof.benchmarks.metrics.resample import Comparisons

_FMR_POINTS, _FNMR_POINTS, _BINS, _DRAWS = 40, 24, 64, 200  # fine enough for a plot. Chosen by hand.
BY_PERSON, BINOMIAL = "bootstrap by person", "exact binomial, each person once"


def curve(
    impostors: Scores, genuines: Comparisons, *, data: str, people: int | None = None, seed: int = 0
) -> dict[str, Any]:
    """Returns one member of `curves` in a run.

    Args:
        impostors: (n,) scores.
        genuines: genuine comparisons, with their people.
        data: kind of data, see `harness.output`.
        people: number of people, when people have several genuine comparisons: the interval then comes from resampling
            people; None for one comparison per person, whose interval is binomial.
        seed: of the drawings.
    """
    thresholds = _thresholds(impostors, genuines.scores)
    passed = _at_least(impostors, thresholds)
    missed = genuines.scores.size - _at_least(genuines.scores, thresholds)
    if people is None:
        bounds = [(found.low, found.high) for found in (rate(int(count), genuines.scores.size) for count in missed)]
        low, high = np.array(bounds).T
    else:
        low, high = _by_person(genuines, thresholds, people, seed)
    edges = np.linspace(*_range(impostors, genuines.scores), _BINS + 1)
    return {
        "data": data,
        "threshold": thresholds.tolist(),
        "fmr": _rounded(passed / impostors.size),
        "fnmr": _rounded(missed / genuines.scores.size),
        "fnmr_low": _rounded(low),
        "fnmr_high": _rounded(high),
        "interval": BINOMIAL if people is None else BY_PERSON,
        "scores": {
            "edges": _rounded(edges),
            "impostor": np.histogram(impostors, edges)[0].tolist(),
            "genuine": np.histogram(genuines.scores, edges)[0].tolist(),
        },
    }


def _thresholds(impostors: Scores, genuines: Scores) -> NDArray[np.float64]:
    """Returns scores at even steps of the logarithm of either rate, down to one comparison."""
    from_above = np.geomspace(0.5, 1 / impostors.size, _FMR_POINTS) * impostors.size
    from_below = np.geomspace(0.5, 1 / genuines.size, _FNMR_POINTS) * genuines.size
    high = _ranked(impostors, impostors.size - np.maximum(1, from_above.astype(np.intp)))
    low = _ranked(genuines, np.maximum(0, from_below.astype(np.intp) - 1))
    return np.unique(np.concatenate([high, low]).astype(np.float64))


def _ranked(scores: Scores, places: NDArray[np.intp]) -> Scores:
    return np.partition(scores, np.unique(places))[places]


def _at_least(scores: Scores, thresholds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Returns the number of scores that reach each threshold."""
    above = np.bincount(np.searchsorted(thresholds, scores, side="right"), minlength=thresholds.size + 1)
    return np.asarray(scores.size - np.cumsum(above)[:-1])


def _by_person(
    genuines: Comparisons, thresholds: NDArray[np.float64], people: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns 95 % bounds of the FNMR at each threshold; a person drawn twice counts twice."""
    rng = np.random.default_rng(seed)
    below = np.searchsorted(thresholds, genuines.scores, side="right")
    drawn = []
    for _ in range(_DRAWS):
        weights = np.bincount(rng.integers(0, people, people), minlength=people).astype(np.float64)
        counted = np.bincount(below, genuines.counted(weights), minlength=thresholds.size + 1)
        # A score at position k reaches the first k thresholds and misses the rest.
        drawn.append(np.cumsum(counted)[:-1] / max(counted.sum(), 1.0))
    low, high = np.quantile(np.array(drawn), (0.025, 0.975), axis=0)
    return low, high


def _range(impostors: Scores, genuines: Scores) -> tuple[float, float]:
    return float(min(impostors.min(), genuines.min())), float(max(impostors.max(), genuines.max()))


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.8g}") for value in values]
