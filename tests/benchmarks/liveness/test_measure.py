"""`bench liveness`: people of tuning and test apart, every figure with its interval, and a calibration that loads."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from runs import published

from idproof.benchmarks.errors import RunNotResumable
from idproof.benchmarks.harness.output import Run
from idproof.benchmarks.harness.recorder import Judgement
from idproof.benchmarks.liveness.calibration import RecordedClip, evidence_left_out
from idproof.benchmarks.liveness.measure import measure_liveness
from idproof.benchmarks.liveness.people import drawn_by, photographs
from idproof.benchmarks.scores import files
from idproof.datasets.appearance import looking_ahead
from idproof.datasets.rendered_people.clips import BONA_FIDE
from idproof.datasets.specimen.draws import Split
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.profiles import load_engines
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.errors import DatasetInvalid
from idproof.pipeline.liveness.examiner import CALIBRATION_FILE, NAME, shipped_calibration


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set in LFW's layout with the bundled pictures under forty names."""
    root = tmp_path_factory.mktemp("lfw")
    source = PortraitSource.open(None)
    ahead = [looking_ahead(source.person(label).photographs) for label in source.labels()]
    pictures = [Image.fromarray(picture).resize((250, 250)) for picture in ahead]
    for place in range(40):
        (root / f"Person_{place}").mkdir()
        pictures[place % len(pictures)].save(root / f"Person_{place}" / f"Person_{place}_0001.jpg", quality=95)
    return root


def test_nobody_is_in_both_splits(people: Path) -> None:
    detector = load_engines().detector
    tuning = {name for name, _ in photographs(people, Split.TUNING, 10, 1, detector)}
    test = {name for name, _ in photographs(people, Split.TEST, 10, 1, detector)}
    assert len(tuning) == len(test) == 10
    assert not tuning & test
    with pytest.raises(DatasetInvalid, match="are needed"):
        list(photographs(people, Split.TEST, 41, 1, detector))


def test_people_whom_an_earlier_run_drew_are_not_drawn_again(people: Path) -> None:
    detector = load_engines().detector
    before = drawn_by(people, Split.TEST, 3, [1, 2], detector)
    assert before == {name for seed in (1, 2) for name, _ in photographs(people, Split.TEST, 3, seed, detector)}
    after = {name for name, _ in photographs(people, Split.TEST, 5, 1, detector, before)}
    assert len(after) == 5
    assert not after & before
    everybody = drawn_by(people, Split.TEST, 10, [1], detector)
    with pytest.raises(DatasetInvalid, match="such people"):
        list(photographs(people, Split.TEST, 40, 1, detector, everybody))


def test_figures_have_counts_and_intervals(people: Path, tmp_path: Path) -> None:
    scores = tmp_path / "scores.csv"
    run = published(measure_liveness(people, clips=1, species=["screen_photo"], seed=3, scores=scores))
    fused = next(system for system in files.read(scores) if system.system == NAME)
    assert (fused.positives.sum(), list(fused.species())) == (1, ["screen_photo"])
    assert fused.scores[fused.positives][0] > fused.scores[fused.species()["screen_photo"]][0]
    assert run["distance"] == "arm"
    assert set(run["figures"]) >= {
        "liveness.bpcer",
        "liveness.apcer.screen_photo",
        "liveness.leave_one_out.apcer.screen_photo",
    }
    assert {"liveness.clip16.p50_ms", "liveness.clip19.p50_ms"} & set(run["figures"])
    apcer = run["figures"]["liveness.apcer.screen_photo"]
    assert (apcer["value"], apcer["n"]) == (0.0, 1)
    assert apcer["high"] == pytest.approx(0.95)
    assert run["counts"]["clips"] == {BONA_FIDE: 1, "screen_photo": 1}
    assert run["counts"]["objections"]["screen_photo"]
    json.dumps(run)


def test_a_clip_has_no_part_in_the_evidence_against_itself() -> None:
    values = tuple(float(i) for i in range(30))
    odd = RecordedClip([Judgement("at_most", "check", 29.0, "", "reason")], [])
    assert evidence_left_out(odd, Calibration({"check": values})) == pytest.approx(-np.log(1 / 30), abs=1e-3)


def test_clips_are_judged_by_the_calibration_that_is_named(people: Path, tmp_path: Path) -> None:
    table, strict = json.loads(CALIBRATION_FILE.read_text(encoding="utf-8")), tmp_path / "strict.json"
    table["values"]["liveness_light"] = [2.0] * 20  # a correlation that nobody's skin has
    table["source"] = {"recipe": "invented"}
    strict.write_text(json.dumps(table))
    run = published(measure_liveness(people, clips=1, species=[], seed=3, calibration=strict))
    assert run["figures"]["liveness.bpcer"]["value"] == 1.0
    assert "light_not_followed" in run["counts"]["objections"][BONA_FIDE]
    assert run["calibration"] == {"recipe": "invented"}


def test_the_shipped_calibration_says_where_it_comes_from() -> None:
    source = shipped_calibration().source
    assert isinstance(source["clips"], int)
    assert source["clips"] >= 20
    assert "idproof bench calibrate liveness" in str(source["recipe"])
    assert "liveness" in shipped_calibration().values


def test_a_stopped_run_continues_with_the_clips_that_are_missing(people: Path, tmp_path: Path) -> None:
    whole, file = tmp_path / "whole", tmp_path / "stopped"

    def run(resume: Path, seed: int = 5, **more: Any) -> Run:
        return measure_liveness(
            people, clips=1, people=3, species=["wrong_challenge"], seed=seed, resume=resume, **more
        )

    expected = run(whole)
    lines = whole.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:3]) + lines[3][:20])  # stopped while it wrote the third result
    measured: list[tuple[int, int]] = []
    resumed = run(file, progress=lambda done, total: measured.append((done, total)))
    assert measured == [(3, 4), (4, 4)]
    assert resumed.counts["clips"] == {BONA_FIDE: 3, "wrong_challenge": 1}
    assert resumed.counts == expected.counts
    assert {name: f for name, f in resumed.figures.items() if "_ms" not in name} == {
        name: f for name, f in expected.figures.items() if "_ms" not in name
    }
    with pytest.raises(RunNotResumable, match="of other people"):
        run(file, seed=6)
