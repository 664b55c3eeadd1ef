"""Limits and scores come from bona fide cards alone, by one rule."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.pipeline.calibration import Calibration, shipped_calibration
from idproof.pipeline.card.checks.protocol import Limit
from idproof.pipeline.card.checks.registry import CHECKS
from idproof.pipeline.card.evidence.surprise import ALONE
from idproof.pipeline.card.examiner import CardExaminer
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.errors import CalibrationInvalid
from idproof.pipeline.types import CheckResult, Outcome

HUNDRED = tuple(float(i) for i in range(1, 101))
LINEAR = Calibration({"check": HUNDRED}, margin=0.5)
QUOTIENT = replace(LINEAR, quotients=frozenset({"check"}))


def at_least(calibration: Calibration, value: float) -> CheckResult:
    return calibration.at_least("check", value, unit="px", reason="too_little")


def at_most(calibration: Calibration, value: float) -> CheckResult:
    return calibration.at_most("check", value, unit="px", reason="too_much")


def within(calibration: Calibration, value: float) -> CheckResult:
    return calibration.within("check", value, unit="px", reason="elsewhere")


def test_a_limit_lies_beyond_the_furthest_bona_fide_value_by_half_its_distance_from_the_median() -> None:
    assert LINEAR.low("check") == pytest.approx(1 - 0.5 * 49.5)
    assert LINEAR.high("check") == pytest.approx(100 + 0.5 * 49.5)
    assert QUOTIENT.low("check") == pytest.approx(1 * (1 / 50.5) ** 0.5)
    assert QUOTIENT.high("check") == pytest.approx(100 * (100 / 50.5) ** 0.5)


def test_each_side_fails_beyond_its_limit_and_gives_its_reason() -> None:
    assert (at_least(LINEAR, -23.7).outcome, at_least(LINEAR, -23.7).reason) == (Outcome.PASS, None)
    assert (at_least(LINEAR, -23.8).outcome, at_least(LINEAR, -23.8).reason) == (Outcome.FAIL, "too_little")
    assert at_least(LINEAR, 1e9).outcome is Outcome.PASS
    assert (at_most(LINEAR, 124.7).outcome, at_most(LINEAR, 124.8).reason) == (Outcome.PASS, "too_much")
    assert at_most(LINEAR, -1e9).outcome is Outcome.PASS
    assert [within(LINEAR, v).outcome for v in (-23.8, -23.7, 124.7, 124.8)] == [
        Outcome.FAIL,
        Outcome.PASS,
        Outcome.PASS,
        Outcome.FAIL,
    ]
    assert within(LINEAR, 125.0).limit == LINEAR.high("check")


@pytest.mark.parametrize("judge", [at_least, at_most, within])
def test_scores_of_bona_fide_cards_are_distributed_evenly(judge: object) -> None:
    rng = np.random.default_rng(3)
    drawn = tuple(sorted(float(v) for v in rng.normal(size=400)))
    calibration = Calibration({"check": drawn})
    scores = np.array([judge(calibration, float(v)).score for v in rng.normal(size=2000)])  # type: ignore[operator]
    for share in (0.05, 0.25, 0.5, 0.9):
        assert np.mean(scores <= share) == pytest.approx(share, abs=0.05)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_score_never_falls_when_a_card_measures_better(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert at_least(LINEAR, low).score <= at_least(LINEAR, high).score  # type: ignore[operator]
    assert at_most(LINEAR, low).score >= at_most(LINEAR, high).score  # type: ignore[operator]


def test_the_shipped_calibration_covers_every_check_of_the_card_but_the_instructed_angle() -> None:
    quantities = {quantity.name for quantity in CardExaminer.open(load_builtin()).quantities}
    assert set(shipped_calibration().values) == quantities - {"card_angles"}
    counts = [len(values) for values in shipped_calibration().values.values()]
    registrations = int(str(shipped_calibration().source["registrations"]))
    assert min(counts) >= 0.95 * registrations  # glare hides a field of a few


def test_the_shipped_calibration_names_the_quantities_that_are_ratios() -> None:
    ratios = {quantity.name for check in CHECKS for quantity in check.reports if quantity.ratio}
    assert shipped_calibration().quotients == ratios


def test_the_shipped_limits_reject_every_known_forgery_and_three_of_the_calibrated_cards() -> None:
    rejected = {}
    for quantity in (quantity for check in CHECKS for quantity in check.reports if quantity.limit != Limit.BY_POLICY):
        scale = quantity.scale(shipped_calibration())
        assert quantity.forged is None or scale.surprise(quantity.forged) >= ALONE, quantity.name
        values = shipped_calibration().values_of(quantity.name)
        rejected[quantity.name] = sum(scale.surprise(value) >= ALONE for value in values)
    assert {name: count for name, count in rejected.items() if count} == {
        "hologram_response": 1,
        "hologram_shape": 2,
        "recapture_screen": 1,
    }


def test_a_check_without_calibration_is_an_error_and_never_a_pass() -> None:
    with pytest.raises(CalibrationInvalid, match="no calibration of other"):
        LINEAR.at_least("other", 1.0, unit="px", reason="too_little")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        json.dumps({"margin": 0.5, "quotients": [], "source": {}, "values": {"check": [1, 2, 3]}}),
        json.dumps({"margin": 0.5, "quotients": [], "source": {}, "values": {"check": list(range(30, 0, -1))}}),
        json.dumps({"margin": 0.5, "quotients": ["check"], "source": {}, "values": {"check": list(range(30))}}),
    ],
)
def test_a_file_with_too_few_or_unsorted_values_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(text)
    with pytest.raises(CalibrationInvalid):
        Calibration.load(file)


@pytest.mark.parametrize("odd", ["NaN", "Infinity", "-Infinity"])
def test_values_and_a_margin_that_are_no_finite_numbers_are_refused(tmp_path: Path, odd: str) -> None:
    file = tmp_path / "calibration.json"
    values = {"NaN": [1.0] * 10 + [float("nan")] + [2.0] * 10, "Infinity": [1.0] * 20 + [float("inf")]}
    table = {"margin": 0.5, "quotients": [], "source": {}}
    file.write_text(json.dumps(table | {"values": {"check": values.get(odd, [float("-inf"), *[1.0] * 20])}}))
    with pytest.raises(CalibrationInvalid):
        Calibration.load(file)
    file.write_text(json.dumps(table | {"values": {"check": [1.0] * 20}, "margin": float(odd)}))
    with pytest.raises(CalibrationInvalid):
        Calibration.load(file)
