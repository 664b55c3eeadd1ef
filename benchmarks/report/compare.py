"""Compares two runs of one benchmark: figures that differ by more than chance.

The comparison is paired where both runs recorded the results of the same attempts (McNemar's exact test). Otherwise
the counts are compared as two independent samples (Fisher's exact test), which is weaker and ignores shared attempts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.stats import fisher_exact

from idproof.benchmarks.harness.output import BONA_FIDE
from idproof.benchmarks.metrics import Rate
from idproof.benchmarks.metrics.resample import difference
from idproof.benchmarks.report import words
from idproof.benchmarks.report.read import ReadRun

_PAIRED_FIGURES = {"card": ("card.bpcer", "card.apcer."), "system": ("system.frr", "system.far.")}
_SIGNIFICANT = 0.05  # by convention


@dataclass(frozen=True)
class Change:
    """One figure of two runs.

    Attributes:
        figure: its name.
        first, second: rates.
        p_value: two-sided and exact, under no change; None where no test applies.
        test: name of the test.
        significant: after Holm's correction for all figures that were tested.
    """

    figure: str
    first: Rate
    second: Rate
    p_value: float | None
    test: str
    significant: bool = False


@dataclass(frozen=True)
class Comparison:
    """The differences of two runs of one benchmark.

    Attributes:
        first, second: the runs, in the order given.
        changes: figures that differ, the least likely by chance first.
        same: number of equal figures that are counts of attempts.
    """

    first: ReadRun
    second: ReadRun
    changes: Sequence[Change]
    same: int


def comparisons(runs: Sequence[ReadRun]) -> list[Comparison]:
    """Compares each run with the previous run of the same benchmark, where they share a rate."""
    by_bench: dict[str, list[ReadRun]] = {}
    for run in runs:
        by_bench.setdefault(run.bench, []).append(run)
    found = [compared(one, other) for same in by_bench.values() for one, other in pairwise(same)]
    return [each for each in found if each.changes or each.same]


def compared(first: ReadRun, second: ReadRun) -> Comparison:
    """Compares all rates that both runs have."""
    changes, same = [], 0
    for name in first.figures:
        one, other = first.rate(name), second.rate(name)
        if one is None or other is None:
            continue
        change = _change(first, second, name, one, other)
        if one.value == other.value and change.p_value in (None, 1.0):
            same += 1
        else:
            changes.append(change)
    return Comparison(first, second, _corrected(changes), same)


def _change(first: ReadRun, second: ReadRun, name: str, one: Rate, other: Rate) -> Change:
    if (paired := _paired(first, second, name)) is not None:
        found = difference(*paired)
        test = f"McNemar, {paired[0].size:,} same attempts, {found.first_only} against {found.second_only} differ"
        return Change(name, one, other, found.p_value, test)
    counts = words.events(one), words.events(other)
    if counts[0] is None or counts[1] is None:
        return Change(name, one, other, None, "no count of attempts: not tested")
    table = np.array([[counts[0], one.n - counts[0]], [counts[1], other.n - counts[1]]])
    return Change(name, one, other, float(fisher_exact(table).pvalue), "Fisher")


def _paired(first: ReadRun, second: ReadRun, name: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Returns, per run, which shared attempts it got wrong; None when the attempts were not recorded or differ."""
    bona_fide, hostile = _PAIRED_FIGURES.get(first.bench, ("", "-"))
    if name == bona_fide:
        kind, wrong_if_accepted = BONA_FIDE, False
    elif name.startswith(hostile):
        kind, wrong_if_accepted = name.removeprefix(hostile), True
    else:
        return None
    one, other = (run.get("outcomes").get(kind, {}) for run in (first, second))
    if not one or one.keys() != other.keys():
        return None
    wrong = [np.array([(run[key]["decision"] == "accept") == wrong_if_accepted for key in one]) for run in (one, other)]
    return wrong[0], wrong[1]


def _corrected(changes: Sequence[Change]) -> list[Change]:
    """Holm, "A simple sequentially rejective multiple test procedure" (1979)."""
    tested = sorted((each for each in changes if each.p_value is not None), key=lambda each: each.p_value or 0.0)
    marked, still = [], True
    for place, each in enumerate(tested):
        still = still and each.p_value is not None and each.p_value <= _SIGNIFICANT / (len(tested) - place)
        marked.append(Change(each.figure, each.first, each.second, each.p_value, each.test, still))
    return marked + [each for each in changes if each.p_value is None]
