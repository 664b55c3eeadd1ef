"""The gate fails when a figure gets worse, passes within its tolerance, and lets nothing be forgotten."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from idproof.benchmarks.cli import app
from idproof.benchmarks.gate import check, standard
from idproof.benchmarks.gate.check import Bench, Expected, Rule
from idproof.benchmarks.harness.output import Run, plain
from idproof.benchmarks.liveness.people import photographs
from idproof.datasets.rendered_people.clips import SPECIES
from idproof.datasets.specimen.draws import Split
from idproof.models.errors import IdproofError
from idproof.models.profiles import load_engines

EXPECTED = {
    "card": Bench(
        (Rule("card.bpcer", "higher", 0.02), Rule("card.iou.*", "lower", 0.005)),
        {"card.bpcer": 0.10, "card.iou.mean": 0.99},
        ("latency.*",),
    )
}
FACE = Bench((Rule("face.*", "higher", 0.1),), {"face.x": 0.5})


def run(**figures: float | None) -> Run:
    known: Mapping[str, float | None] = {"card.bpcer": 0.1, "card.iou.mean": 0.99, **figures}
    entries = {name: {**plain(0.0, 4, "share"), "value": value} for name, value in known.items()}
    return Run("card", "open", {}, 0, {}, entries)


def wrong(measured: Run) -> dict[str, str]:
    return {each.figure: each.wrong for each in check.compare([measured], EXPECTED) if each.wrong}


def test_what_is_as_it_was_passes() -> None:
    assert wrong(run()) == {}
    assert len(check.compare([run()], EXPECTED)) == 2


@pytest.mark.parametrize(("name", "within", "beyond"), [("card.bpcer", 0.119, 0.121), ("card.iou.mean", 0.986, 0.984)])
def test_a_figure_that_got_worse_fails_and_one_within_its_tolerance_passes(
    name: str, within: float, beyond: float
) -> None:
    assert wrong(run(**{name: within})) == {}
    assert wrong(run(**{name: beyond})) == {name: "got worse"}


def test_the_file_that_comes_with_the_project_holds_something_of_every_benchmark() -> None:
    expected = check.read()
    assert set(expected) == {"card", "system", "liveness", "far-engine", "face"}
    assert all(bench.figures for bench in expected.values())
    assert expected["system"].figures["system.far"] == Expected(0.0, "higher", 0.0)


def test_what_is_better_passes_however_much() -> None:
    assert wrong(run(**{"card.bpcer": 0.0, "card.iou.mean": 1.0})) == {}


def test_a_figure_that_is_missing_or_has_no_value_fails() -> None:
    measured = run()
    left = {name: entry for name, entry in measured.figures.items() if name != "card.bpcer"}
    assert wrong(replace(measured, figures=left)) == {"card.bpcer": "is missing"}
    assert wrong(run(**{"card.bpcer": None})) == {"card.bpcer": "has no value"}


def test_a_figure_that_is_named_nowhere_fails_and_one_that_is_told_does_not() -> None:
    assert wrong(run(**{"latency.card.p50_ms": 3.0})) == {}
    assert wrong(run(**{"card.new": 0.0})) == {"card.new": "is named nowhere"}
    assert {each.wrong for each in check.compare([run()], {})} == {"is named nowhere"}


def test_a_benchmark_that_was_not_run_is_told() -> None:
    assert check.not_run([run()], {**EXPECTED, "system": Bench()}) == ["system"]


def test_what_is_measured_can_be_taken_for_what_is_expected(tmp_path: Path) -> None:
    file = tmp_path / "expected.toml"
    check.rewrite(
        file, {**EXPECTED, "face": FACE}, [run(**{"card.bpcer": 0.3, "card.iou.least": 0.9, "latency.x": 1.0})]
    )
    read = check.read(file)
    assert read["card"].figures["card.bpcer"] == Expected(0.3, "higher", 0.02)
    assert read["card"].figures["card.iou.least"] == Expected(0.9, "lower", 0.005), "a new figure that a rule holds"
    assert set(read["card"].values) == {"card.bpcer", "card.iou.mean", "card.iou.least"}
    assert read["card"].told == ("latency.*",)
    assert read["face"].figures["face.x"].value == 0.5, "what was not run keeps its value"
    assert read["face"] == FACE


@pytest.mark.parametrize(
    "text",
    [
        "[card]\nhold = [{ pattern = '*', worse = 'up', tolerance = 0.0 }]",
        "[card]\nhold = [{ pattern = '*', worse = 'higher' }]",
        "[card]\nhold = [{ pattern = '*', worse = 'higher', tolerance = -1 }]",
        "[card.values]\n'card.bpcer' = 0.1",
        "[card]\nfigure = 1",
        "[card",
    ],
)
def test_a_file_in_another_form_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "expected.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(IdproofError, match="form of expected figures"):
        check.read(file)


def test_the_shipped_file_has_rules_for_every_benchmark_of_the_standard_run() -> None:
    expected = check.read()
    assert set(expected) == {"card", "system", "liveness", "far-engine", "face"}
    assert {"face"} == standard.OPTIONAL
    for name, bench in expected.items():
        assert bench.hold, f"nothing of {name} is held"
        assert "*" not in bench.told
    assert expected["system"].rule("system.far") == Rule("system.*", "higher", 0.0)
    assert expected["system"].rule("system.accept") == Rule("system.accept", "lower", 0.0)
    assert expected["card"].rule("card.apcer.screen_phone") == Rule("card.*", "higher", 0.0)


@pytest.mark.parametrize(("bpcer", "code"), [(0.1, 0), (0.13, 1)])
def test_the_command_ends_with_one_when_something_got_worse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bpcer: float, code: int
) -> None:
    file = tmp_path / "expected.toml"
    check.rewrite(file, {**EXPECTED, "face": FACE}, [])
    monkeypatch.setattr(standard, "measure_all", lambda **_: [run(**{"card.bpcer": bpcer})])
    monkeypatch.setattr(standard, "lfw", lambda: None)
    ended = CliRunner().invoke(app, ["check", "--expected", str(file)])
    assert ended.exit_code == code
    assert "LFW is not here" in ended.stderr
    assert ("got worse" in ended.stderr) is bool(code)


def test_an_expected_benchmark_that_was_not_run_fails_unless_its_data_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "expected.toml"
    check.rewrite(file, {**EXPECTED, "system": Bench()}, [])
    monkeypatch.setattr(standard, "measure_all", lambda **_: [run()])
    assert CliRunner().invoke(app, ["check", "--expected", str(file)]).exit_code == 1


def test_the_bundled_people_are_of_the_split_that_is_measured(tmp_path: Path) -> None:
    folder = standard.bundled_people(tmp_path / "people")
    for file in folder.rglob("*.jpg"):
        with Image.open(file) as picture:
            assert picture.size == (250, 250)
    shown = list(photographs(folder, Split.TEST, 1 + len(SPECIES), 0, load_engines("open").detector))
    assert len(shown) == 1 + len(SPECIES), "one for a clip of every kind"


def test_without_the_folder_there_is_no_lfw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDPROOF_DATA", str(tmp_path))
    assert standard.lfw() is None
    (tmp_path / "lfw-112-dev.zip").write_bytes(b"")
    assert standard.lfw() == tmp_path / "lfw-112-dev.zip"
