"""Every unordered pair of templates, compared once and counted by subject and group.

Templates are sorted by group and subject and compared in blocks; a block is counted as a whole and dropped. Its
genuine pairs are subtracted afterwards: they are few and are compared separately. All counts are whole numbers, so the
result is the same for any block size, any number of workers and any number of stops.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from idproof.benchmarks.engine.checkpoint import Checkpoint
from idproof.benchmarks.engine.fixed_point import FixedPoint
from idproof.benchmarks.engine.kernel import BINS, binned
from idproof.benchmarks.engine.tally import Tally
from idproof.pipeline.executors.task_runner import TaskRunner

Pair = tuple[int, int]
"""Two groups, the smaller number first."""

# Chosen by hand; no outside source.
_SAMPLE = 200_000  # pairs sampled to estimate where the highest scores begin
_SURPLUS = 1.5  # over the share asked for, so that chance in the sample does not fall below it
_PAIRS = 4096  # pairs scored at once, which stay in the cache
_COLUMNS = 2  # columns of a block, as a multiple of its rows
_LARGEST_BLOCK = 2048  # derived: counts of one block stay exact in single precision (2 × 2048² < 2^24)


@dataclass(frozen=True)
class Result:
    """The counts of all comparisons.

    Attributes:
        impostors: pairs of different subjects, by their groups.
        genuines: pairs of one subject, by its group; every value counted by itself.
        scale: of the scores (`FixedPoint`).
    """

    impostors: Mapping[Pair, Tally]
    genuines: Mapping[int, Tally]
    scale: int

    def impostor(self) -> Tally:
        """Returns the counts of all groups together."""
        return _together(list(self.impostors.values()))

    def genuine(self) -> Tally:
        """Returns the counts of all groups together."""
        return _together(list(self.genuines.values()))


def all_pairs(
    templates: FixedPoint,
    subjects: Sequence[int] | NDArray[np.integer],
    groups: Sequence[int] | NDArray[np.integer] | None = None,
    *,
    exact_share: float = 2e-3,
    block: int = 1024,
    workers: int = 1,
    runner: TaskRunner | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Result:
    """Compares and counts all pairs.

    Args:
        templates: (n, dimensions).
        subjects: n numbers; equal for templates of one subject.
        groups: n numbers, one for each subject; None for one group.
        exact_share: share of the highest scores that is counted one by one; operating points up to this false match
            rate are exact.
        block: rows compared at once, 1 to 2048.
        workers: threads.
        runner: over a cluster instead of threads.
        checkpoint: file to stop and resume by, which holds counts only; it is removed at the end.
        progress: called with comparisons done and in total.

    Raises:
        ValueError: labels that do not fit, or a subject in two groups.
        CheckpointInvalid: the checkpoint is of other templates or settings.
    """
    labels = np.asarray(subjects), np.zeros(len(subjects), dtype=int) if groups is None else np.asarray(groups)
    if not len(templates.values) == len(labels[0]) == len(labels[1]):
        raise ValueError("every template has a subject and a group")
    if not 1 <= block <= _LARGEST_BLOCK:
        raise ValueError(f"a block has 1 to {_LARGEST_BLOCK} rows")
    order = np.lexsort(labels)
    subject, group = labels[0][order], labels[1][order]
    values = templates.values[order]
    if len(np.unique(subject)) != len(np.unique(np.column_stack([subject, group]), axis=0)):
        raise ValueError("a subject belongs to one group")
    exact_from = _highest_bin(values, exact_share)
    state = Checkpoint.open(checkpoint, _fingerprint(values, subject, group, exact_from, block))
    rows = list(_segments(group, block))
    if runner is None:
        _compare(values, group, rows, exact_from, state, workers, progress)
    else:
        _compare_elsewhere(values, group, rows, exact_from, state, runner, progress)
    genuines = _genuines(values, subject, group)
    for number, tally in genuines.items():
        state.tallies[number, number].merge(tally, times=-1)
    state.remove()
    return Result(state.tallies, genuines, templates.scale)


def _compare(
    values: NDArray[np.float32],
    group: NDArray[np.integer],
    rows: list[slice],
    exact_from: int,
    state: Checkpoint,
    workers: int,
    progress: Callable[[int, int], None],
) -> None:
    lock = threading.Lock()
    total, done = len(values) * (len(values) - 1) // 2, sum(_pairs(rows[i], len(values)) for i in state.done)

    def one(number: int) -> int:
        found = _row(values, group, rows, number, exact_from)
        with lock:
            state.add(number, found)
        return _pairs(rows[number], len(values))

    # The linear algebra library would share every small product among all cores; here each worker has its own.
    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(one, number) for number in range(len(rows)) if number not in state.done]
        progress(done, total)
        try:
            for finished in as_completed(waiting):
                done += finished.result()
                progress(done, total)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            state.save()
            raise


def _compare_elsewhere(
    values: NDArray[np.float32],
    group: NDArray[np.integer],
    rows: list[slice],
    exact_from: int,
    state: Checkpoint,
    runner: TaskRunner,
    progress: Callable[[int, int], None],
) -> None:
    todo = [number for number in range(len(rows)) if number not in state.done]
    total, done = len(values) * (len(values) - 1) // 2, sum(_pairs(rows[i], len(values)) for i in state.done)
    try:
        for number, found in zip(todo, runner(_row_of, todo, values, group, rows, exact_from), strict=True):
            state.add(number, found)
            done += _pairs(rows[number], len(values))
            progress(done, total)
    except BaseException:
        state.save()
        raise


def _row_of(
    number: int, values: NDArray[np.float32], group: NDArray[np.integer], rows: list[slice], exact_from: int
) -> dict[Pair, Tally]:
    with threadpool_limits(1):
        return _row(values, group, rows, number, exact_from)


def _row(
    values: NDArray[np.float32], group: NDArray[np.integer], rows: list[slice], number: int, exact_from: int
) -> dict[Pair, Tally]:
    """Compares one segment with itself and all that follow."""
    mine = values[rows[number]]
    own = int(group[rows[number].start])
    square = Tally(exact_from)
    square.add_products(mine, mine)
    square.add(np.einsum("ij,ij->i", mine, mine, dtype=np.float32)[None], times=-1)
    found = {(own, own): square.halved()}
    width = _COLUMNS * (rows[0].stop - rows[0].start)
    for start, stop in _columns(rows[number].stop, group, width):
        pair = (own, int(group[start]))
        found.setdefault(pair, Tally(exact_from)).add_products(mine, values[start:stop])
    return found


def _genuines(
    values: NDArray[np.float32], subject: NDArray[np.integer], group: NDArray[np.integer]
) -> dict[int, Tally]:
    """Compares pairs of one subject: sorted templates one, two, three … places apart, until no two share a subject."""
    found = {int(number): Tally(0) for number in np.unique(group)}
    for apart in range(1, len(subject)):
        first = np.flatnonzero(subject[apart:] == subject[:-apart])
        if not first.size:
            break
        scores = _scores(values, first, first + apart)
        for number in np.unique(group[first]):
            found[int(number)].add(scores[group[first] == number][None])
    return found


def _scores(values: NDArray[np.float32], one: NDArray[np.integer], other: NDArray[np.integer]) -> NDArray[np.float32]:
    """Returns the scores (n,) of pairs, a few thousand at once."""
    pieces = range(0, len(one), _PAIRS)
    scores = [
        np.einsum("ij,ij->i", values[one[at : at + _PAIRS]], values[other[at : at + _PAIRS]], dtype=np.float32)
        for at in pieces
    ]
    return np.concatenate(scores)


def _segments(group: NDArray[np.integer], block: int) -> Iterator[slice]:
    """Yields segments of at most `block` rows, each within one group."""
    for start, stop in _runs(group):
        for at in range(start, stop, block):
            yield slice(at, min(at + block, stop))


def _columns(first: int, group: NDArray[np.integer], width: int) -> Iterator[tuple[int, int]]:
    """Yields the columns after a row, in pieces within one group each."""
    for start, stop in _runs(group[first:]):
        for at in range(start, stop, width):
            yield first + at, first + min(at + width, stop)


def _runs(group: NDArray[np.integer]) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(group[1:] != group[:-1]) + 1
    yield from zip([0, *edges.tolist()], [*edges.tolist(), len(group)], strict=True) if len(group) else ()


def _pairs(row: slice, n: int) -> int:
    size = int(row.stop - row.start)
    return size * (size - 1) // 2 + size * (n - int(row.stop))


def _highest_bin(values: NDArray[np.float32], share: float) -> int:
    """Returns the highest bin that well over this share of scores reaches, in a fixed sample of pairs."""
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, len(values), (2, _SAMPLE))
    apart = one != other
    if not apart.any():
        return 0
    scores = _scores(values, one[apart], other[apart])
    counts = np.bincount(binned(scores[None]).ravel(), minlength=BINS)
    reaching = np.cumsum(counts[::-1])[::-1]
    enough = np.flatnonzero(reaching >= _SURPLUS * share * scores.size)
    return int(enough[-1]) if enough.size else 0


def _fingerprint(values: NDArray[np.float32], *rest: object) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(values).data)
    for part in rest:
        digest.update(np.asarray(part).tobytes())
    return digest.hexdigest()


def _together(tallies: Sequence[Tally]) -> Tally:
    whole = Tally(max(tally.exact_from for tally in tallies))
    for tally in tallies:
        whole.merge(tally)
    return whole
