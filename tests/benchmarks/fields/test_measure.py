"""The fields benchmark counts readings, wrong readings and revealed edits."""

import json
from pathlib import Path
from unittest.mock import ANY

import samples
from runs import published

from idproof.benchmarks.fields.measure import measure_fields
from idproof.datasets.sets import read_sets

KEYS = {"bench", "version", "profile", "weights", "machine", "seed", "counts", "figures"}


def test_a_fields_run_counts_readings_and_caught_edits(tmp_path: Path) -> None:
    samples.make(tmp_path / "bona", 2, 31)
    samples.make(tmp_path / "edit", 1, 31, attack="field_edit")
    samples.make(tmp_path / "other", 1, 31, attack="photocopy_grey")
    run = published(measure_fields(read_sets(tmp_path), peer_sets=1))
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
    assert run["figures"]["fields.lines.pp-ocr"]["value"] >= 10
    assert run["figures"]["fields.lines.tesseract"]["value"] >= 6, "every Latin field has a second reader"


def test_a_wrong_reading_that_nothing_objects_to_is_counted(tmp_path: Path) -> None:
    """The truth says another sex in both scripts than the card: certain, consistent, and wrong."""
    samples.make(tmp_path, 1, 31)
    (entry,) = read_sets(tmp_path)
    other = {"男 M": "女 F", "女 F": "男 M"}[entry.truth.fields["sex"]]
    object.__setattr__(entry.truth, "fields", {**entry.truth.fields, "sex": other})
    run = published(measure_fields([entry], peer_sets=0))
    assert run["counts"]["wrong_and_certain"] == {"sex": 1}
    assert run["figures"]["fields.undetected_wrong"]["value"] == 1.0
    assert run["figures"]["fields.exact.sex"]["value"] == 0.0


def test_fields_that_a_foreign_set_does_not_tell_are_not_judged(tmp_path: Path) -> None:
    samples.make(tmp_path, 1, 31)
    (entry,) = read_sets(tmp_path)
    told = {"number": entry.truth.fields["number"]}
    object.__setattr__(entry.truth, "fields", told)
    run = published(measure_fields([entry], peer_sets=0))
    assert [name for name in run["figures"] if name.startswith("fields.exact")] == [
        "fields.exact.number",
        "fields.exact.number.pp-ocr",
        "fields.exact.number.tesseract",
    ]
    assert run["counts"]["wrong_and_certain"] == {}
