"""The scores of checks as a table of scores: every check is a system of attack detection."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from idproof.benchmarks.harness.output import BONA_FIDE
from idproof.benchmarks.scores.table import Column
from idproof.pipeline.types import CheckResult

CheckScores = Mapping[str, float | None]
"""Check to score, 0..1 and higher for bona fide; None where the check could not be assessed."""


def scores_of(results: Sequence[CheckResult]) -> dict[str, float | None]:
    """Returns the score of each check; checks that pass or fail without a score are None like those not assessed."""
    return {result.name: result.score for result in results}


def columns(attempts: Iterable[tuple[str, CheckScores]]) -> dict[str, Column]:
    """Returns one row per attempt and check.

    Args:
        attempts: kind of each attempt (`bona_fide` or a species) and the scores of its checks. A check that another
            attempt has a score of, and this one has not, gives a row without a score; one that never has a score is
            left out.
    """
    every = list(attempts)
    names = sorted({name for _, scores in every for name, score in scores.items() if score is not None})
    rows = [(name, kind, scores.get(name)) for name in names for kind, scores in every]
    bona_fide = np.array([kind == BONA_FIDE for _, kind, _ in rows], dtype=bool)
    return {
        "system": np.array([name for name, _, _ in rows], dtype=np.str_),
        "score": np.array([np.nan if score is None else score for _, _, score in rows], dtype=np.float64),
        "label": np.where(bona_fide, "bona_fide", "attack"),
        "species": np.array(["" if kind == BONA_FIDE else kind for _, kind, _ in rows], dtype=np.str_),
    }
