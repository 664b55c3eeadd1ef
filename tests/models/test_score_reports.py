"""Operating points come only from a measured report."""

import json
import math
from pathlib import Path

import pytest

from idproof.models.errors import ManifestInvalid
from idproof.models.score_reports import ScoreCalibration, face_thresholds, portrait_calibration, portrait_thresholds


def test_thresholds_come_from_the_report(tmp_path: Path) -> None:
    points = [{"fmr": 1e-3, "threshold": 0.38}, {"fmr": 1e-4, "threshold": 0.45}]
    (tmp_path / "mine_face.json").write_text(json.dumps({"operating_points": points}))
    (tmp_path / "mine_portrait.json").write_text(json.dumps({"operating_points": points[1:]}))
    assert face_thresholds("mine", tmp_path) == {1e-3: 0.38, 1e-4: 0.45}
    assert portrait_thresholds("mine", tmp_path) == {1e-4: 0.45}


def test_a_profile_without_a_report_has_no_thresholds(tmp_path: Path) -> None:
    with pytest.raises(ManifestInvalid, match="idproof bench face"):
        face_thresholds("mine", tmp_path)


@pytest.mark.parametrize("text", ["", "{}", '{"operating_points": [{"fmr": "x", "threshold": 1}]}'])
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine_face.json").write_text(text)
    with pytest.raises(ManifestInvalid, match=r"mine_face\.json is not a face report"):
        face_thresholds("mine", tmp_path)


def test_a_calibration_comes_from_the_report_and_gives_probabilities(tmp_path: Path) -> None:
    (tmp_path / "mine_portrait.json").write_text(json.dumps({"slope": 30.0, "offset": -9.0}))
    calibration = portrait_calibration("mine", tmp_path)
    assert calibration == ScoreCalibration(30.0, -9.0)
    posterior = calibration.posterior(0.4)
    assert math.log(posterior / (1 - posterior)) == pytest.approx(30 * 0.4 - 9)
    assert 0 <= ScoreCalibration(1e4, 0).posterior(-1) < ScoreCalibration(1e4, 0).posterior(1) <= 1


@pytest.mark.parametrize(
    "text", ["", "{}", '{"slope": 0, "offset": 1}', '{"slope": -2, "offset": 1}', '{"slope": NaN, "offset": 1}']
)
def test_a_calibration_without_a_positive_finite_slope_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine_portrait.json").write_text(text)
    with pytest.raises(ManifestInvalid, match="not a portrait report"):
        portrait_calibration("mine", tmp_path)
    with pytest.raises(ManifestInvalid, match="not measured on card portraits"):
        portrait_calibration("other", tmp_path)


def test_the_shipped_calibration_agrees_with_the_operating_points() -> None:
    """A score that one impostor in 10,000 reaches supports one person; one that 1 in 100 reaches does not."""
    thresholds, calibration = portrait_thresholds("open"), portrait_calibration("open")
    assert calibration.posterior(thresholds[1e-4]) > 0.95
    assert calibration.posterior(0.0) < 0.01
