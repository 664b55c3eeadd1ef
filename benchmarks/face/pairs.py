"""Compares all pictures of a labelled set; keeps the people of the comparisons where an interval needs them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.metrics.resample import Comparisons
from idproof.benchmarks.scores.table import Column
from idproof.models.types import Embeddings

_TAIL_SHARE = 0.02  # twice the largest false match rate that is asked for
_ALL_KEPT = 100_000  # with at most so many impostor comparisons, all keep their people. Chosen by hand.
_BLOCK = 1024  # rows at once: a block of scores of ten thousand pictures then takes 40 MB


@dataclass(frozen=True)
class AllPairs:
    """Every unordered pair of pictures.

    Attributes:
        impostors: (n,) every impostor score.
        tail: the highest impostor scores, with their people.
        genuines: every genuine comparison, with its person.
    """

    impostors: NDArray[np.float32]
    tail: Comparisons
    genuines: Comparisons


def all_pairs(templates: Embeddings, people: NDArray[np.intp], block: int = _BLOCK) -> AllPairs:
    """Compares all with all.

    Example:
        >>> found = all_pairs(np.eye(3, dtype=np.float32), np.array([0, 0, 1]))
        >>> found.impostors.size, found.genuines.scores.size
        (2, 1)
    """
    impostors, genuines = [], []
    for scores, rows, same, later in _blocks(templates, people, block):
        impostors.append(scores[later & ~same])
        places = np.nonzero(later & same)
        genuines.append((scores[places], people[rows][places[0]], people[places[1]]))
    every = np.concatenate(impostors)
    return AllPairs(every, _tail(every, templates, people, block), _joined(genuines))


def columns(templates: Embeddings, people: NDArray[np.intp], block: int = _BLOCK) -> dict[str, Column]:
    """Returns every comparison as a table of scores; people are numbers.

    Example:
        >>> found = columns(np.eye(3, dtype=np.float32), np.array([0, 0, 1]))
        >>> found["label"].tolist(), found["other_person"].tolist()
        ([1, 0, 0], [0, 1, 1])
    """
    parts = []
    for scores, rows, same, later in _blocks(templates, people, block):
        one, other = np.nonzero(later)
        parts.append((scores[one, other], same[one, other].astype(np.uint8), people[rows][one], people[other]))
    score, label, person, other_person = (np.concatenate(column) for column in zip(*parts, strict=True))
    return {
        "score": score,
        "label": label,
        "person": person.astype(np.int32),
        "other_person": other_person.astype(np.int32),
    }


def _tail(impostors: NDArray[np.float32], templates: Embeddings, people: NDArray[np.intp], block: int) -> Comparisons:
    """Compares a second time: that costs less than keeping the people of tens of millions of comparisons."""
    count = max(round(_TAIL_SHARE * impostors.size), min(_ALL_KEPT, impostors.size))
    least = np.partition(impostors, impostors.size - count)[impostors.size - count] if count else np.inf
    found = []
    for scores, rows, same, later in _blocks(templates, people, block):
        places = np.nonzero(later & ~same & (scores >= least))
        found.append((scores[places], people[rows][places[0]], people[places[1]]))
    return _joined(found)


def _blocks(
    templates: Embeddings, people: NDArray[np.intp], block: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.intp], NDArray[np.bool_], NDArray[np.bool_]]]:
    """Yields scores of some rows with all columns, the rows, whether people are the same, and whether a pair is new."""
    for start in range(0, len(templates), block):
        scores = templates[start : start + block] @ templates.T
        rows = np.arange(start, start + len(scores))
        later = rows[:, None] < np.arange(len(templates))[None]
        yield scores, rows, people[rows][:, None] == people[None], later


def _joined(parts: list[tuple[NDArray[np.float32], NDArray[np.intp], NDArray[np.intp]]]) -> Comparisons:
    scores, one, other = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Comparisons(scores, one, other)
