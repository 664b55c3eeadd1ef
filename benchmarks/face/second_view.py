"""Compares one photograph with one other, and with the mean of two others, as frames are added to a selfie.

The others are photographs of other days, which differ more than a selfie and a frame of one sitting: what a second view
changes here, in either direction, is the most that frames can change.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.harness.output import figure
from idproof.benchmarks.metrics import fmr_at, fnmr_at
from idproof.models.types import Embeddings

_VIEWS = 3


def figures(
    templates: Embeddings, people: NDArray[np.intp], thresholds: Mapping[float, float], fmrs: Sequence[float]
) -> dict[str, Mapping[str, Any]]:
    """Returns `face.one_view.…` and `face.second_view.…`, `fnmr` and `fmr` at each rate; nothing without such people.

    Of everybody with three photographs the first stands for the card; the second is compared with it, and the mean of
    the second's and the third's score. Impostors are everybody else's second and third photographs.

    Args:
        templates: (n, dimensions), unit length.
        people: (n,) the person of each row.
        thresholds: false match rate to score.
        fmrs: rates to report.
    """
    places = [np.flatnonzero(people == person)[:_VIEWS] for person in np.unique(people)]
    first, second, third = (templates[[each[view] for each in places if len(each) == _VIEWS]] for view in range(_VIEWS))
    if len(first) < 2:
        return {}
    one = first @ second.T
    two = (one + first @ third.T) / 2
    own = np.eye(len(first), dtype=bool)
    found: dict[str, Mapping[str, Any]] = {}
    for name, scores in (("one_view", one), ("second_view", two)):
        for fmr in fmrs:
            end = f"@fmr{fmr:.0e}".replace("e-0", "e-")
            found[f"face.{name}.fnmr{end}"] = figure(fnmr_at(scores[own], thresholds[fmr]))
            found[f"face.{name}.fmr{end}"] = figure(fmr_at(scores[~own], thresholds[fmr]))
    return found
