"""Quality decides only where the comparison or liveness is not certain."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.models.score_reports import ScoreCalibration, portrait_calibration
from idproof.pipeline.face import quality
from idproof.pipeline.types import CheckResult, Outcome, Status

CALIBRATION = ScoreCalibration(slope=30.0, offset=-9.0)
ACCEPT = 0.42
CERTAIN = ACCEPT + math.log(10) / 30
POOR = CheckResult("quality_pose", Status.ASSESSED, Outcome.DOUBT, 61.0, "degrees", 0.001, "selfie_turned_away", 48.0)
GOOD = CheckResult("quality_framing", Status.ASSESSED, Outcome.PASS, 1.0, "share of area", 1.0, None, 0.9)
UNSEEN = CheckResult.not_assessed("quality_occlusion", "selfie_face_covered")


def comparison(cosine: float) -> CheckResult:
    return CheckResult.compared(
        "face_comparison",
        cosine,
        accept=ACCEPT,
        refer=0.3,
        score=0.9,
        doubt="face_similarity_low",
        fail="face_mismatch",
    )


def liveness(outcome: Outcome | None) -> CheckResult:
    if outcome is None:
        return CheckResult.not_assessed("liveness", "liveness_incomplete")
    reason = None if outcome is Outcome.PASS else "not_live"
    return CheckResult("liveness", Status.ASSESSED, outcome, 0.5, "mean log score", 0.5, reason)


def settled(cosine: float, alive: CheckResult | None = None) -> list[CheckResult]:
    return quality.settle([POOR, GOOD, UNSEEN], comparison(cosine), CALIBRATION, alive)


def test_a_certain_comparison_settles_doubts_and_nothing_else() -> None:
    pose, framing, occlusion = settled(CERTAIN + 1e-3)
    assert (pose.outcome, pose.reason) == (Outcome.PASS, None)
    assert (pose.value, pose.score, pose.limit) == (POOR.value, POOR.score, POOR.limit)
    assert framing is GOOD
    assert occlusion is UNSEEN, "what could not be assessed never accepts"


@pytest.mark.parametrize("cosine", [0.1, 0.35, ACCEPT, CERTAIN - 1e-3])
def test_a_comparison_that_is_not_certain_settles_nothing(cosine: float) -> None:
    assert settled(cosine) == [POOR, GOOD, UNSEEN]


@pytest.mark.parametrize("outcome", [Outcome.DOUBT, Outcome.FAIL, None])
def test_liveness_that_is_not_certain_settles_nothing(outcome: Outcome | None) -> None:
    assert settled(0.9, liveness(outcome)) == [POOR, GOOD, UNSEEN]
    assert settled(0.9, liveness(Outcome.PASS))[0].outcome is Outcome.PASS


@given(st.floats(-1, 1), st.floats(1, 100))
def test_certainty_is_ten_times_the_evidence_of_an_accept(accept: float, slope: float) -> None:
    calibration = ScoreCalibration(slope, 0.0)
    ratio = slope * (quality.certain_score(accept, calibration) - accept)
    assert math.exp(ratio) == pytest.approx(10)


def test_the_shipped_calibration_asks_for_more_than_an_accept() -> None:
    assert 0.05 < quality.certain_score(0.0, portrait_calibration("open")) < 0.15
