"""Ratios fitted on some people mean what they say on others, whoever has the most photographs."""

import math

import numpy as np
import pytest

from idproof.benchmarks.face import calibration
from idproof.benchmarks.metrics.resample import Comparisons
from idproof.models.score_reports import ScoreCalibration


def normals(seed: int, n: int = 20_000) -> tuple[np.ndarray, Comparisons]:
    """Equal spreads: the log-likelihood ratio is then a straight line, here of slope 30 and offset -9."""
    rng = np.random.default_rng(seed)
    people = np.arange(n)
    return rng.normal(0.0, math.sqrt(0.02), n), Comparisons(rng.normal(0.6, math.sqrt(0.02), n), people, people)


def test_a_known_line_is_found_and_its_promise_holds_on_other_people() -> None:
    found = calibration.fit(*normals(1))
    assert found.slope == pytest.approx(30, rel=0.05)
    assert found.offset == pytest.approx(-9, rel=0.05)
    figures = calibration.figures(found, *normals(2))
    assert figures["face.calibration.cllr"]["value"] < figures["face.calibration.min_cllr"]["value"] + 0.005
    for odds in (1e2, 1e3):
        assert figures[f"face.calibration.fmr@odds{odds:.0e}".replace("e+0", "e")]["low"] < 1 / odds


def test_a_wrong_line_costs_more() -> None:
    right = calibration.figures(ScoreCalibration(30, -9), *normals(3))["face.calibration.cllr"]["value"]
    for wrong in (ScoreCalibration(30, -3), ScoreCalibration(90, -27), ScoreCalibration(5, -1.5)):
        assert calibration.figures(wrong, *normals(3))["face.calibration.cllr"]["value"] > right + 0.01


def test_a_person_with_very_many_photographs_counts_once() -> None:
    impostors, genuines = normals(4, 500)
    many = np.full(50_000, 500)
    crowded = Comparisons(
        np.concatenate([genuines.scores, np.full(50_000, 0.2)]),
        np.concatenate([genuines.first, many]),
        np.concatenate([genuines.second, many]),
    )
    alone, beside = calibration.fit(impostors, genuines), calibration.fit(impostors, crowded)
    assert beside.posterior(0.3) == pytest.approx(alone.posterior(0.3), abs=0.1)
    assert calibration.person_weights(crowded).sum() == pytest.approx(1)


def test_one_kind_of_comparison_is_not_enough() -> None:
    with pytest.raises(ValueError, match="both kinds"):
        calibration.fit(np.empty(0), normals(1, 5)[1])
