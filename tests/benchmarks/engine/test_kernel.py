"""The compiled pass and the passes of OpenCV count alike, to the last score, ties and ends included."""

import numpy as np
import pytest

from idproof.benchmarks.engine import kernel
from idproof.benchmarks.engine.kernel import BIN, BINS, ZERO


def scores(size: int) -> np.ndarray:
    """Whole numbers over the whole range, with every edge between two bins, its neighbours, and beyond both ends."""
    edges = (np.arange(-ZERO, BINS - ZERO) * BIN + BIN // 2)[:, None] + np.array([-1, 0, 1])
    drawn = np.random.default_rng(size).integers(-(2**24), 2**24, size)
    return np.concatenate([edges.ravel(), drawn]).astype(np.float32)[None]


def by_hand(table: np.ndarray, exact_from: int) -> tuple[list[int], list[int]]:
    places = np.clip([round(int(score) / BIN) for score in table.ravel()], -ZERO, BINS - 1 - ZERO) + ZERO
    highest = np.sort(table.ravel()[places >= exact_from].astype(np.int64))
    return np.bincount(places, minlength=BINS).tolist(), highest.tolist()


@pytest.mark.parametrize("exact_from", [0, 1, 2, 127, 128, 129, 254, 255])
@pytest.mark.parametrize("size", [0, 1, 3, 125, 128, 1000])
def test_both_count_as_one_would_by_hand(exact_from: int, size: int) -> None:
    assert kernel.is_compiled(), "the extra `bench` brings numba"
    table = scores(size)
    wanted = by_hand(table, exact_from)
    for bins, highest in (kernel.count(table, exact_from), kernel._in_passes(table, exact_from)):
        assert bins.tolist() == wanted[0]
        assert np.sort(highest).tolist() == wanted[1]


def test_without_numba_the_passes_do_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_compiled", lambda: None)
    assert not kernel.is_compiled()
    bins, highest = kernel.count(scores(50), 200)
    assert (bins.tolist(), np.sort(highest).tolist()) == by_hand(scores(50), 200)


def test_bins_and_count_agree() -> None:
    table = scores(100)
    assert np.bincount(kernel.binned(table).ravel(), minlength=BINS).tolist() == kernel.count(table, 255)[0].tolist()


@pytest.mark.parametrize(("rows", "columns"), [(2, 1), (64, 255), (64, 256), (64, 257), (64, 600), (63, 300), (1, 1)])
def test_products_are_counted_as_their_table_is(rows: int, columns: int) -> None:
    rng = np.random.default_rng(rows + columns)
    one, other = (rng.integers(-700, 700, (n, 16)).astype(np.float32) for n in (rows, columns))
    for exact_from in (0, 150, 255):
        bins, highest = kernel.count_products(one, other, exact_from)
        wanted = by_hand(one @ other.T, exact_from)
        assert (bins.tolist(), np.sort(highest).tolist()) == wanted


def test_a_threads_buffers_keep_nothing_of_the_block_before() -> None:
    first = kernel.count(scores(1000), 0)
    kernel.count(scores(200), 255)
    again = kernel.count(scores(1000), 0)
    assert (first[0].tolist(), first[1].tolist()) == (again[0].tolist(), again[1].tolist())
