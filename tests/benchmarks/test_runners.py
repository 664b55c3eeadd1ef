"""The runners count right and answer in the published form."""

import json
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pytest
import samples
from runs import published

from idproof.benchmarks.face import calibration
from idproof.benchmarks.face import run as face_bench
from idproof.benchmarks.fields import run as fields_bench
from idproof.benchmarks.metrics.resample import Comparisons
from idproof.datasets.sets import read_sets
from idproof.models.errors import ManifestInvalid
from idproof.models.score_reports import face_thresholds

KEYS = {"bench", "version", "profile", "weights", "machine", "seed", "counts", "figures"}


def test_the_shipped_operating_points_promise_what_they_say() -> None:
    thresholds = face_thresholds("open")
    assert thresholds[1e-2] < thresholds[1e-3] < thresholds[1e-4] < thresholds[1e-5]
    path = Path(face_bench.__file__).parents[2] / "models" / "operating_points" / "open_face.json"
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
    path = Path(face_bench.__file__).parents[2] / "models" / "operating_points" / "open_portrait.json"
    points = json.loads(path.read_text(encoding="utf-8"))["operating_points"]
    assert {1e-2, 1e-4} <= {point["fmr"] for point in points}
    for point in points:
        assert point["measured_fmr"]["value"] <= point["fmr"]
        assert point["measured_fmr"]["n"] * point["fmr"] >= 10


def test_a_profile_without_a_report_has_no_thresholds() -> None:
    with pytest.raises(ManifestInvalid, match="idproof bench face"):
        face_thresholds("buffalo_l")


def test_a_fields_run_counts_readings_and_caught_edits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples.make(tmp_path / "bona", 2, 31)
    samples.make(tmp_path / "edit", 1, 31, attack="field_edit")
    samples.make(tmp_path / "other", 1, 31, attack="photocopy_grey")
    monkeypatch.setattr(fields_bench, "_PEER_SETS", 1)
    run = published(fields_bench.run(read_sets(tmp_path)))
    assert set(run) >= KEYS
    assert json.loads(json.dumps(run)) == run
    assert (run["counts"]["bona_fide"], run["counts"]["field_edit"]) == (2, 1)
    for name in ("number", "english_name", "title"):
        assert run["figures"][f"fields.exact.{name}"] == {
            "value": 1.0,
            "low": ANY,
            "high": 1.0,
            "n": 2,
            "unit": "share",
        }
        assert run["figures"][f"fields.cer.{name}"]["value"] == 0
    assert "fields.exact.number.tesseract" in run["figures"]
    assert "fields.exact.sex.tesseract" not in run["figures"]
    assert run["figures"]["fields.caught.field_edit"]["value"] == 1.0
    assert run["figures"]["fields.undetected_wrong"]["value"] == 0.0
    assert run["figures"]["fields.speed_over_pytesseract"]["value"] > 1


def test_a_wrong_reading_that_nothing_objects_to_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The truth says another sex in both scripts than the card: certain, consistent, and wrong."""
    monkeypatch.setattr(fields_bench, "_peer_seconds", lambda frames, document: 1.0)  # takes most of the time
    samples.make(tmp_path, 1, 31)
    (entry,) = read_sets(tmp_path)
    other = {"男 M": "女 F", "女 F": "男 M"}[entry.truth.fields["sex"]]
    object.__setattr__(entry.truth, "fields", {**entry.truth.fields, "sex": other})
    run = published(fields_bench.run([entry]))
    assert run["counts"]["wrong_and_certain"] == {"sex": 1}
    assert run["figures"]["fields.undetected_wrong"]["value"] == 1.0
    assert run["figures"]["fields.exact.sex"]["value"] == 0.0


def test_fields_that_a_foreign_set_does_not_tell_are_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fields_bench, "_peer_seconds", lambda frames, document: 1.0)  # takes most of the time
    samples.make(tmp_path, 1, 31)
    (entry,) = read_sets(tmp_path)
    told = {"number": entry.truth.fields["number"]}
    object.__setattr__(entry.truth, "fields", told)
    run = published(fields_bench.run([entry]))
    assert [name for name in run["figures"] if name.startswith("fields.exact")] == [
        "fields.exact.number",
        "fields.exact.number.pp-ocr",
        "fields.exact.number.tesseract",
    ]
    assert run["counts"]["wrong_and_certain"] == {}
