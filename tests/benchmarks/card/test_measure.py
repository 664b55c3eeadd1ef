"""The card's error rates: counted as the standard says, on real renderings and on invented measurements."""

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import samples
from commands import idproof
from runs import published

from idproof.benchmarks.card import calibration, pictures, variants
from idproof.benchmarks.card.measure import Measured, measure_card
from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.output import BONA_FIDE
from idproof.benchmarks.scores import files
from idproof.datasets.sets import read_sets
from idproof.datasets.specimen.make import make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.datasets.specimen.prints import TYPES
from idproof.pipeline.calibration import Calibration, shipped_calibration
from idproof.pipeline.documents import load
from idproof.pipeline.errors import CalibrationInvalid
from idproof.pipeline.executors.task_runner import Result, Task, TaskRunner

CALIBRATED = tuple(shipped_calibration().values)


class TwentyTimes(TaskRunner):
    """Gives every result twenty times, as if there were so many cards."""

    def __call__(self, function: Callable[..., Result], tasks: Sequence[Task], *shared: Any) -> Iterable[Result]:
        for result in super().__call__(function, tasks, *shared):
            yield from [result] * 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One bona fide card, one that is not found, and two attacks on different checks."""
    out = tmp_path_factory.mktemp("sets")
    samples.make(out / "bona", 1, 31)
    for kind in ("print_glossy", "wrong_document", "field_edit"):
        samples.make(out / kind, 1, 31, attack=kind)
    return out


def test_rendered_registrations_are_counted_by_kind(folder: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    scores = tmp_path / "scores.npy"
    run = measure_card(read_sets(folder), scores=scores, progress=lambda done, total: seen.append((done, total)))
    systems = {system.system: system for system in files.read(scores)}
    hologram = systems["hologram_shape"]
    # A card that was not found has no score, nor has the shape of a hologram that is not there.
    assert int(hologram.positives.sum()) == 1
    assert {name for name, rows in hologram.species().items() if rows.any()} == {"field_edit"}
    assert int((~hologram.scored).sum()) == 2
    ended = [entry["decision"] for kind in published(run)["outcomes"].values() for entry in kind.values()]
    assert len(ended) == len(read_sets(folder))
    assert ended.count("accept") == sum(entry["accepted"] for entry in run.counts.values())
    figures = run.figures
    assert (figures["card.bpcer"]["value"], figures["card.bpcer"]["n"]) == (0.0, 1)
    for kind in ("print_glossy", "wrong_document", "field_edit"):
        assert figures[f"card.apcer.{kind}"]["value"] == 0.0
        assert figures[f"card.leave_one_out.apcer.{kind}"] == figures[f"card.apcer.{kind}"]
    assert len([name for name in figures if name.startswith("card.apcer.")]) == 3
    assert figures["card.not_found"]["value"] == 0.0
    assert figures["card.corner_px.median"]["value"] < 1.0
    assert figures["card.iou.mean"]["value"] > 0.99
    assert run.counts["wrong_document"]["objections"] == {"card_not_found": 1}
    assert "hologram_static" in run.counts["print_glossy"]["objections"]
    assert run.extra["values_of_bona_fide"]["hologram_shape"]["min"] > 0.3
    assert seen[-1] == (4, 4)


def test_a_calibration_holds_what_bona_fide_cards_measure_and_no_attack(folder: Path, tmp_path: Path) -> None:
    written = calibration.calibrate_card(read_sets(folder), recipe="four sets", runner=TwentyTimes())
    assert written["source"]["registrations"] == 1
    assert {name: len(values) for name, values in written["values"].items()} == dict.fromkeys(CALIBRATED, 20)
    file = tmp_path / "calibration.json"
    file.write_text(json.dumps(written))
    assert Calibration.load(file).source["recipe"] == "four sets"
    file.write_text(json.dumps(written | {"values": {name: v[:1] for name, v in written["values"].items()}}))
    with pytest.raises(CalibrationInvalid, match="20 or more"):
        Calibration.load(file)


def test_a_calibration_of_too_few_cards_is_refused_and_names_how_many_were_found(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "calibration.json"
    done = idproof("bench", "calibrate", "card", "--sets", folder, "--out", out)
    assert done.returncode == 2
    assert "bench_failed: The card gave values in 1 of 1 bona fide registrations" in done.stderr
    assert not out.exists()


def test_a_document_type_goes_with_registrations_and_not_with_a_public_set(tmp_path: Path) -> None:
    done = idproof("bench", "card", "--dataset", "midv-holo", "--root", tmp_path, "--document", "my_type.toml")
    assert (done.returncode, "--document is the type of registrations" in done.stderr) == (2, True)


def test_a_calibration_looks_for_cards_of_the_document_type_that_is_named(folder: Path) -> None:
    with pytest.raises(BenchmarkFailed, match=r"in 0 of 1 bona fide registrations; .* Is --document the type"):
        calibration.calibrate_card(read_sets(folder), recipe="other cards", document=TYPES / "harbour_pass.toml")


def test_cards_of_an_own_type_are_calibrated_and_measured_by_its_own_limits(tmp_path: Path) -> None:
    for name in ("harbour_pass.toml", "harbour_pass.print.toml", "harbour_pass.png"):
        shutil.copy(TYPES / name, tmp_path)
    document = tmp_path / "harbour_pass.toml"
    make(31, 0, PortraitSource.open(None), load(document)).write(tmp_path / "sets" / "00000")
    sets = read_sets(tmp_path / "sets")
    assert measure_card(sets).figures["card.not_found"]["value"] == 1.0

    written = calibration.calibrate_card(sets, recipe="own cards", document=document, runner=TwentyTimes())
    spread = {
        name: sorted(v[0] * factor for factor in np.linspace(0.8, 1.2, 20)) for name, v in written["values"].items()
    }
    (tmp_path / "own.json").write_text(json.dumps(written | {"values": spread}))
    document.write_text('calibration = "own.json"\n' + document.read_text())
    run = measure_card(sets, document=document)
    assert run.extra["calibration"]["recipe"] == "own cards"  # type: ignore[index]
    assert run.figures["card.not_found"]["value"] == 0.0
    assert run.figures["card.bpcer.card"]["value"] == 0.0


def test_a_calibration_needs_twenty_values_of_each_check(monkeypatch: pytest.MonkeyPatch) -> None:
    values = iter([{"first": 1.0, "second": 1.0}] * 19 + [{"first": 1.0}] * 2)
    monkeypatch.setattr(calibration, "_measure", lambda entry, document: next(values))
    entry = SimpleNamespace(truth=SimpleNamespace(bona_fide=True))
    with pytest.raises(BenchmarkFailed, match="second has values of 19 of 21 bona fide registrations"):
        calibration.calibrate_card([entry] * 21, recipe="")  # type: ignore[list-item]


def test_one_picture_a_kind_is_drawn(folder: Path, tmp_path: Path) -> None:
    written = pictures.draw(read_sets(folder), tmp_path / "figures")
    assert [path.stem for path in written] == ["bona_fide", "field_edit", "print_glossy", "wrong_document"]
    assert all(path.stat().st_size > 10_000 for path in written)


def test_the_map_shows_what_changed_and_not_what_light_did() -> None:
    base = np.full((120, 200, 3), 128, np.uint8)
    shaded = (base * np.linspace(0.7, 1.0, 200)[None, :, None]).astype(np.uint8)
    changed = shaded.copy()
    changed[40:60, 80:110, 0] = 220
    shown = pictures.change([base, shaded, changed])
    assert shown[45:55, 85:105].min() > 0.3
    assert np.percentile(shown[:, :60], 95) < 0.2


def invented(kind: str, value: float, baseline: float | None, count: int, seed: int) -> list[Measured]:
    rng = np.random.default_rng(seed)
    return [
        Measured(kind, "", values={"first": value + rng.normal(0, 0.1), "second": rng.normal()}, baseline=baseline)
        for _ in range(count)
    ]


def test_the_baseline_is_calibrated_on_what_it_claims_and_refuses_what_it_did_not_find() -> None:
    tuned = [
        *invented(BONA_FIDE, 1.0, 0.5, 50, 1),
        *invented("film", 0.0, 0.3, 50, 2),
        *invented("field_edit", 1.0, 0.5, 50, 2),
    ]
    tested = [
        *invented(BONA_FIDE, 1.0, 0.5, 9, 2),
        *invented(BONA_FIDE, 1.0, 0.2, 1, 2),
        *invented("film", 0.0, 0.35, 3, 3),
        *invented("film", 0.0, 0.7, 1, 3),
        *invented("print", 0.0, None, 4, 4),
    ]
    figures = variants.baseline(tested, tuned)
    assert figures["card.baseline.bpcer"]["value"] == pytest.approx(0.1)
    assert figures["card.baseline.apcer.film"]["value"] == pytest.approx(0.25)
    assert figures["card.baseline.apcer.print"]["value"] == 0.0


def test_a_classifier_that_never_saw_a_kind_may_miss_it() -> None:
    """Bona fide cards measure 1, one attack 0, another 2: only who has seen the second knows that 2 is wrong too."""
    tuned = [
        *invented(BONA_FIDE, 1.0, 0.5, 60, 1),
        *invented("low", 0.0, 0.5, 40, 2),
        *invented("high", 2.0, 0.5, 40, 3),
    ]
    tested = [
        *invented(BONA_FIDE, 1.0, 0.5, 30, 4),
        *invented("low", 0.0, 0.5, 30, 5),
        *invented("high", 2.0, 0.5, 30, 6),
    ]
    figures = variants.supervised(tested, tuned, seed=0)
    assert figures["card.supervised.bpcer"]["value"] < 0.2
    assert figures["card.supervised.apcer.high"]["value"] < 0.1
    assert figures["card.supervised.leave_one_out.apcer.high"]["value"] > 0.9
    assert figures["card.supervised.leave_one_out.apcer.low"]["n"] == 30
