"""The shipped operating points promise at most their rate, and only rates that were seen."""

import json
from pathlib import Path

import numpy as np
import pytest

from idproof import models
from idproof.benchmarks.face import calibration
from idproof.benchmarks.metrics.resample import Comparisons
from idproof.models.errors import ManifestInvalid
from idproof.models.score_reports import face_thresholds

OPERATING_POINTS = Path(models.__file__).parent / "operating_points"


def test_the_shipped_operating_points_promise_what_they_say() -> None:
    thresholds = face_thresholds("open")
    assert thresholds[1e-2] < thresholds[1e-3] < thresholds[1e-4] < thresholds[1e-5]
    path = OPERATING_POINTS / "open_face.json"
    for point in json.loads(path.read_text(encoding="utf-8"))["operating_points"]:
        assert point["measured_fmr"]["value"] <= point["fmr"]
        assert point["measured_fmr"]["n"] > 30_000_000


def test_an_operating_point_that_too_few_impostors_could_show_is_not_promised() -> None:
    rng = np.random.default_rng(1)
    genuines = Comparisons(rng.normal(0.6, 0.1, 200), np.arange(200), np.arange(200))
    report = calibration.record(rng.normal(0, 0.1, 12_000), genuines, profile="open", recipe="normals")
    assert [point["fmr"] for point in report["operating_points"]] == [1e-2, 1e-3]
    assert all(point["measured_fmr"]["value"] <= point["fmr"] for point in report["operating_points"])


def test_the_shipped_portrait_points_promise_what_they_say() -> None:
    path = OPERATING_POINTS / "open_portrait.json"
    points = json.loads(path.read_text(encoding="utf-8"))["operating_points"]
    assert {1e-2, 1e-4} <= {point["fmr"] for point in points}
    for point in points:
        assert point["measured_fmr"]["value"] <= point["fmr"]
        assert point["measured_fmr"]["n"] * point["fmr"] >= 10


def test_a_profile_without_a_report_has_no_thresholds() -> None:
    with pytest.raises(ManifestInvalid, match="idproof bench face"):
        face_thresholds("buffalo_l")
