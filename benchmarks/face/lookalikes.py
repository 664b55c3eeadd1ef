"""Compares look-alikes: every person with the most similar other person, instead of with everybody.

People who borrow a card take one that resembles them. The first picture of each person determines the most similar
person; that comparison is left out, so that no score is judged that was chosen for being high.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.harness.output import figure, plain
from idproof.benchmarks.metrics import Scores, fmr_at
from idproof.models.types import Embeddings


def scores(templates: Embeddings, people: NDArray[np.intp]) -> NDArray[np.float32]:
    """Compares all pictures of each person with all pictures of the most similar person.

    Args:
        templates: (n, dimensions), unit length.
        people: (n,) the person of each picture.

    Returns:
        The scores without the comparison of first pictures; two people nearest to each other count once.
    """
    everybody, first = np.unique(people, return_index=True)
    resemblance = templates[first] @ templates[first].T
    np.fill_diagonal(resemblance, -np.inf)
    nearest = resemblance.argmax(axis=1)
    pairs = {(min(one, int(other)), max(one, int(other))) for one, other in enumerate(nearest)}
    places = {person: np.flatnonzero(people == everybody[person]) for pair in pairs for person in pair}
    # Places rise, so that the first comparison is that of the first pictures.
    found = [(templates[places[one]] @ templates[places[other]].T).ravel()[1:] for one, other in sorted(pairs)]
    return np.concatenate(found) if found else np.empty(0, dtype=np.float32)


def figures(
    templates: Embeddings,
    people: NDArray[np.intp],
    impostors: Scores,
    thresholds: Mapping[float, float],
    fmrs: Sequence[float],
) -> dict[str, Mapping[str, Any]]:
    """Returns `face.lookalike.fmr@fmrX`, the FMR of look-alikes, and `.ratio@fmrX`, its ratio to that of anybody."""
    alike = scores(templates, people)
    found: dict[str, Mapping[str, Any]] = {}
    for fmr in fmrs:
        end, measured = f"@fmr{fmr:.0e}".replace("e-0", "e-"), fmr_at(alike, thresholds[fmr])
        anybody = fmr_at(impostors, thresholds[fmr]).value
        found[f"face.lookalike.fmr{end}"] = figure(measured)
        if anybody > 0 and measured.n:
            found[f"face.lookalike.ratio{end}"] = plain(measured.value / anybody, measured.n, "times")
    return found
