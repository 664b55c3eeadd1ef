"""Every pair is counted exactly once, whatever the block, the workers and the stops."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idproof.benchmarks.engine import FixedPoint, Result, TailTooShort, Tally, all_pairs, fixed_point
from idproof.benchmarks.engine import all_pairs as function
from idproof.benchmarks.engine.checkpoint import Checkpoint, CheckpointInvalid
from idproof.benchmarks.engine.kernel import binned
from idproof.benchmarks.far_engine.measure import invented
from idproof.benchmarks.metrics import threshold_at_fmr

assert function is all_pairs


def brute_force(templates: FixedPoint, subjects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Impostor and genuine scores, in whole numbers without any rounding."""
    whole = templates.values.astype(np.int64)
    scores = whole @ whole.T
    pair = np.triu(np.ones(scores.shape, dtype=bool), 1)
    same = subjects[:, None] == subjects[None]
    return scores[pair & ~same], scores[pair & same]


def counted(tally: Tally) -> tuple[list[int], dict[int, int]]:
    values, counts = tally.highest()
    return tally.bins.tolist(), dict(zip(values.tolist(), counts.tolist(), strict=True))


def assert_counts(tally: Tally, scores: np.ndarray) -> None:
    bins, highest = counted(tally)
    places = binned(scores.astype(np.float32)[None]).ravel()
    assert bins == np.bincount(places, minlength=256).tolist()
    values, counts = np.unique(scores[places >= tally.exact_from], return_counts=True)
    assert highest == dict(zip(values.tolist(), counts.tolist(), strict=True))


def same(one: Result, other: Result) -> bool:
    return {p: counted(t) for p, t in one.impostors.items()} == {p: counted(t) for p, t in other.impostors.items()}


@pytest.mark.parametrize(("n", "dim"), [(1, 8), (2, 8), (37, 16), (301, 128), (150, 512)])
def test_counts_are_those_of_every_pair_to_the_last_one(n: int, dim: int) -> None:
    templates = fixed_point(invented(n, dim, seed=n))
    subjects = np.random.default_rng(n).permutation(np.arange(n) // 4)
    result = all_pairs(templates, subjects, block=32, exact_share=0.05)
    impostors, genuines = brute_force(templates, subjects)
    assert_counts(result.impostor(), impostors)
    assert_counts(result.genuine(), genuines)


@given(st.integers(1, 64), st.integers(1, 3), st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_block_and_workers_change_nothing(block: int, workers: int, groups: int) -> None:
    templates, subjects = fixed_point(invented(120, 32, seed=1)), np.arange(120) // 4
    labels = (subjects * 7) % groups
    first = all_pairs(templates, subjects, labels, block=50)
    assert same(first, all_pairs(templates, subjects, labels, block=block, workers=workers))


def test_groups_are_counted_apart() -> None:
    templates, subjects = fixed_point(invented(200, 32, seed=2)), np.arange(200) // 4
    groups = subjects % 3
    result = all_pairs(templates, subjects, groups, block=16, exact_share=0.1)
    assert set(result.impostors) == {(a, b) for a in range(3) for b in range(a, 3)}
    for (one, other), tally in result.impostors.items():
        here = np.flatnonzero((groups == one) | (groups == other))
        across = groups[here][:, None] != groups[here][None] if one != other else np.ones((len(here),) * 2, dtype=bool)
        whole = templates.values[here].astype(np.int64)
        wanted = np.triu(across, 1) & (subjects[here][:, None] != subjects[here][None])
        assert_counts(tally, (whole @ whole.T)[wanted])
    assert sum(tally.total for tally in result.genuines.values()) == 50 * 6


def test_thresholds_are_exact_and_refuse_to_be_guessed() -> None:
    templates, subjects = fixed_point(invented(300, 64, seed=3)), np.arange(300) // 4
    tally = all_pairs(templates, subjects, exact_share=0.01).impostor()
    impostors, _ = brute_force(templates, subjects)
    for fmr in (0.0, 1e-4, 1e-3, 5e-3):
        threshold = tally.threshold(fmr)
        expected = threshold_at_fmr(impostors.astype(np.float64), fmr)
        assert tally.at_least(threshold) == (impostors >= threshold).sum() == (impostors >= expected).sum()
    with pytest.raises(TailTooShort):
        tally.threshold(0.5)
    with pytest.raises(TailTooShort):
        tally.at_least(0)


class Stopped(Exception):
    """Somebody pressed a key."""


def test_a_stopped_comparison_resumes_where_it_was(tmp_path: Path) -> None:
    templates, subjects = fixed_point(invented(400, 32, seed=4)), np.arange(400) // 4
    file = tmp_path / "checkpoint.npz"

    def stop(done: int, total: int) -> None:
        if done > 0:
            raise Stopped

    with pytest.raises(Stopped):
        all_pairs(templates, subjects, block=40, checkpoint=file, progress=stop)
    assert file.exists()
    resumed: list[int] = []
    result = all_pairs(
        templates, subjects, block=40, checkpoint=file, progress=lambda done, total: resumed.append(done)
    )
    assert same(result, all_pairs(templates, subjects, block=40))
    assert resumed[0] > 0, "the first rows were not compared again"
    assert resumed[-1] == 400 * 399 // 2
    assert not file.exists()


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.npz"
    Checkpoint(file, "other").save()
    templates = fixed_point(invented(20, 16, seed=5))
    with pytest.raises(CheckpointInvalid, match="other templates"):
        all_pairs(templates, np.arange(20), checkpoint=file)
    file.write_bytes(b"PK nothing")
    with pytest.raises(CheckpointInvalid, match="not a checkpoint"):
        all_pairs(templates, np.arange(20), checkpoint=file)


def test_labels_that_do_not_fit_are_refused() -> None:
    templates = fixed_point(invented(4, 16, seed=6))
    with pytest.raises(ValueError, match="subject and a group"):
        all_pairs(templates, [1, 2, 3])
    with pytest.raises(ValueError, match="one group"):
        all_pairs(templates, [1, 1, 2, 3], [0, 1, 0, 0])
    with pytest.raises(ValueError, match="1 to 2048"):
        all_pairs(templates, [1, 2, 3, 4], block=5000)


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_fixed_point_scores_stay_within_their_stated_error(seed: int) -> None:
    vectors = invented(40, 96, seed)
    templates = fixed_point(vectors)
    exact = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    found = templates.cosine(1.0) * (templates.values.astype(np.float64) @ templates.values.T.astype(np.float64))
    assert np.abs(found - exact).max() <= templates.largest_error
    whole = np.abs(templates.values.astype(np.int64))
    assert (whole @ whole.T).max() <= 2**24, "no partial sum leaves what single precision holds exactly"


@pytest.mark.parametrize("table", [np.zeros((2, 3)), np.ones(3), np.empty((0, 4)), 2 * np.eye(3)])
def test_what_is_no_table_of_unit_templates_is_refused(table: np.ndarray) -> None:
    with pytest.raises(ValueError, match="templates"):
        fixed_point(table.astype(np.float32))
