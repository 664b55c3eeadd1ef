"""Operating points come from a report that was measured, or not at all."""

import json
from pathlib import Path

import pytest

from idproof.models.errors import ManifestInvalid
from idproof.models.reports import face_thresholds


def test_thresholds_are_the_reports(tmp_path: Path) -> None:
    points = [{"fmr": 1e-3, "threshold": 0.38}, {"fmr": 1e-4, "threshold": 0.45}]
    (tmp_path / "mine_face.json").write_text(json.dumps({"operating_points": points}))
    assert face_thresholds("mine", tmp_path) == {1e-3: 0.38, 1e-4: 0.45}


def test_a_profile_without_a_report_has_no_thresholds(tmp_path: Path) -> None:
    with pytest.raises(ManifestInvalid, match="idproof bench face"):
        face_thresholds("mine", tmp_path)


@pytest.mark.parametrize("text", ["", "{}", '{"operating_points": [{"fmr": "x", "threshold": 1}]}'])
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine_face.json").write_text(text)
    with pytest.raises(ManifestInvalid, match=r"mine_face\.json is not a face report"):
        face_thresholds("mine", tmp_path)
