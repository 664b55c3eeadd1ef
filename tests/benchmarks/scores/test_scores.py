"""Scores of other software, from a file to the page."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import idproof
from runs import published

from idproof.benchmarks.errors import ScoresInvalid
from idproof.benchmarks.metrics import rate
from idproof.benchmarks.report.page import build
from idproof.benchmarks.report.read import read as read_run
from idproof.benchmarks.scores import checks, files
from idproof.benchmarks.scores.measure import measure_scores
from idproof.benchmarks.scores.table import SystemScores

GROUPS = ("x", "y")


def compared(name: str, apart: float) -> dict[str, np.ndarray]:
    """Comparisons of 40 people in two groups; people of one group resemble each other more."""
    rng = np.random.default_rng(3)
    rows: list[tuple[float, str, str, str, str, str]] = []
    people = [(f"p{number}", GROUPS[number % 2]) for number in range(40)]
    for place, (person, group) in enumerate(people):
        rows += [(rng.normal(apart), "genuine", group, group, person, person) for _ in range(4)]
        rows += [
            (rng.normal(1.0 * (group == other_group)), "impostor", group, other_group, person, other)
            for other, other_group in people[place + 1 :]
        ]
    names = ("score", "label", "group", "other_group", "person", "other_person")
    columns = {key: np.array(column) for key, column in zip(names, zip(*rows, strict=True), strict=True)}
    return columns | {"system": np.full(len(rows), name)}


def in_file(file: Path, rows: Sequence[Sequence[object]]) -> Path:
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows(rows)
    return file


@pytest.mark.parametrize("ending", [".csv", ".npy", ".parquet"])
def test_every_format_holds_the_same_scores(tmp_path: Path, ending: str) -> None:
    if ending == ".parquet":
        pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    columns = compared("a", 3.0)
    file = tmp_path / f"scores{ending}"
    files.write(file, columns)
    (system,) = files.read(file)
    assert system.system == "a"
    assert np.array_equal(system.scores, columns["score"])
    assert np.array_equal(system.positive, columns["label"] == "genuine")
    assert np.array_equal(system.text("other_group"), columns["other_group"])
    assert system.people is not None


def test_an_array_of_two_columns_is_scores_and_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "engine.npy", np.array([[0.9, 1], [0.2, 0], [0.4, 0]]))
    (system,) = files.read(tmp_path / "engine.npy")
    assert (system.system, system.positive.tolist()) == ("engine", [True, False, False])


def test_rates_are_the_counts_at_the_threshold_that_keeps_the_rate(tmp_path: Path) -> None:
    rows = [("score", "label"), *((s, "impostor") for s in range(100)), *((s, "genuine") for s in range(90, 190))]
    run = measure_scores(files.read(in_file(tmp_path / "mine.csv", rows)), rates=[0.05])
    assert run.figures["scores.mine.fmr@fmr5e-2"]["value"] == 0.05
    # The five highest impostors, 95 to 99, are accepted: genuine scores of 90 to 94 are missed.
    missed = run.figures["scores.mine.fnmr@fmr5e-2"]
    assert (missed["value"], missed["low"], missed["high"]) == (
        0.05,
        pytest.approx(rate(5, 100).low),
        pytest.approx(rate(5, 100).high),
    )
    assert any("intervals by person of mine" in note for note in run.extra["notes"])


def test_the_interval_by_person_is_wider_where_a_person_has_all_the_errors(tmp_path: Path) -> None:
    rows: list[Sequence[object]] = [("score", "label", "person", "other_person")]
    rows += [(0.0 if person == 0 else 1.0, "genuine", person, person) for person in range(20) for _ in range(50)]
    rows += [(0.5, "impostor", one, one + 1) for one in range(19)] + [(0.5, "impostor", 0, 19)]
    run = measure_scores(files.read(in_file(tmp_path / "a.csv", rows)), rates=[0.05])
    found, alone = run.figures["scores.a.fnmr@fmr5e-2"], rate(50, 1000)
    assert found["value"] == alone.value
    assert found["high"] > 1.5 * alone.high


def test_a_rate_that_the_impostors_are_too_few_for_is_not_given(tmp_path: Path) -> None:
    rows = [("score", "label"), *((s, 0) for s in range(50)), *((s, 1) for s in range(50))]
    run = measure_scores(files.read(in_file(tmp_path / "few.csv", rows)), rates=[0.1, 0.001])
    assert "scores.few.fnmr@fmr1e-1" in run.figures
    assert "scores.few.fnmr@fmr1e-3" not in run.figures
    assert any("50 impostor comparisons, 1,000 are needed" in note for note in run.extra["notes"])


def test_groups_are_measured_within_and_against_each_other(tmp_path: Path) -> None:
    files.write(tmp_path / "a.npy", compared("a", 3.0))
    run = measure_scores(files.read(tmp_path / "a.npy"), rates=[0.05])
    matrix = run.extra["group_matrices"]["scores.a.fmr@fmr5e-2"]
    cells = [matrix[one][other] for one in GROUPS for other in GROUPS]
    assert sum(cell["n"] for cell in cells) == 40 * 39 // 2
    assert min(matrix["x"]["x"]["value"], matrix["y"]["y"]["value"]) > 2 * matrix["x"]["y"]["value"]
    assert run.extra["groups"]["scores.a.fmr@fmr5e-2"]["x"] == matrix["x"]["x"]
    assert run.extra["groups"]["scores.a.fnmr@fmr5e-2"]["y"]["n"] == 80


def test_a_species_of_attack_is_no_impostor_of_a_comparison(tmp_path: Path) -> None:
    rows = [("score", "label", "species"), *((s, "impostor", "") for s in range(100))]
    rows += [*((s, "genuine", "") for s in range(50, 150)), *((98, "impostor", "mask") for _ in range(8))]
    run = measure_scores(files.read(in_file(tmp_path / "a.csv", rows)), rates=[0.01])
    assert run.figures["scores.a.fmr@fmr1e-2"]["n"] == 100
    assert run.figures["scores.a.iapmr.mask@fmr1e-2"]["value"] == 0.0
    at_two = measure_scores(files.read(tmp_path / "a.csv"), rates=[0.02])
    assert at_two.figures["scores.a.iapmr.mask@fmr2e-2"]["value"] == 1.0


def test_attack_detection_promises_its_rate_for_every_species(tmp_path: Path) -> None:
    rows = [("score", "label", "species", "group"), *((s, "bona_fide", "", "xy"[s % 2]) for s in range(50, 150))]
    rows += [*((s, "attack", "print", "") for s in range(20)), *((s + 70, "attack", "mask", "") for s in range(20))]
    run = measure_scores(files.read(in_file(tmp_path / "pad.csv", rows)))
    figures = run.figures
    assert figures["scores.pad.apcer.mask@apcer1e-1"]["value"] == 0.1
    assert figures["scores.pad.apcer.print@apcer1e-1"]["value"] == 0.0
    # Masks score 70 to 89: two pass at 88, where 38 of 100 bona fide presentations are refused.
    assert figures["scores.pad.bpcer@apcer1e-1"]["value"] == 0.38
    assert not any(name.endswith("apcer@apcer1e-1") for name in figures if "bpcer" not in name)
    assert run.extra["groups"]["scores.pad.bpcer@apcer1e-1"]["x"]["n"] == 50
    assert set(run.extra["curves"]) == {"pad: print", "pad: mask"}
    published(run)


def test_an_attempt_without_a_score_is_counted_and_not_compared(tmp_path: Path) -> None:
    rows = [("score", "label"), ("", "genuine"), (0.9, "genuine"), (0.8, "genuine"), (0.1, "impostor")]
    run = measure_scores(files.read(in_file(tmp_path / "a.csv", rows)), rates=[1.0])
    assert run.figures["scores.a.no_score.genuine"]["value"] == pytest.approx(1 / 3)
    assert run.figures["scores.a.fnmr@fmr1e0"]["n"] == 2


def test_a_threshold_in_force_is_tried_as_it_is(tmp_path: Path) -> None:
    rows = [("score", "label"), *((s, 0) for s in range(10)), *((s, 1) for s in range(10))]
    systems = files.read(in_file(tmp_path / "a.csv", rows))
    run = measure_scores(systems, thresholds={"a": 6.5})
    assert run.figures["scores.a.in_force.fmr"]["value"] == 0.3
    assert run.figures["scores.a.in_force.fnmr"]["value"] == 0.7
    with pytest.raises(ScoresInvalid, match="There is a threshold for b"):
        measure_scores(systems, thresholds={"b": 1.0})


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([("score",), (1,)], "column label is missing"),
        ([("score", "label"), (1, "perhaps")], "label 'perhaps' is unknown"),
        ([("score", "label"), ("high", "genuine")], "score is not a number"),
        ([("score", "label"), ("inf", "genuine")], "score is infinite"),
        ([("score", "label"), (1, "genuine"), (1,)], "another number of columns"),
        ([("score", "label"), (1, "genuine"), (1, "attack")], "stand in one file"),
        ([("score", "label")], "holds no score"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_its_fault(
    tmp_path: Path, rows: Sequence[Sequence[object]], reason: str
) -> None:
    with pytest.raises(ScoresInvalid, match=reason):
        files.read(in_file(tmp_path / "a.csv", rows))


def test_an_array_of_python_objects_is_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"score": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ScoresInvalid, match="Python objects"):
        files.read(tmp_path / "a.npy")


def both_systems(tmp_path: Path) -> list[Path]:
    for name, apart in (("first", 3.0), ("second", 2.0)):
        files.write(tmp_path / f"{name}.csv", compared(name, apart))
    return [tmp_path / "first.csv", tmp_path / "second.csv"]


def test_the_command_measures_several_files_side_by_side(tmp_path: Path) -> None:
    ended = idproof("bench", "scores", *map(str, both_systems(tmp_path)), "--threshold", "first=2", "--json")
    assert ended.returncode == 0
    found: dict[str, Any] = json.loads(ended.stdout)
    assert found["systems"] == ["first", "second"]
    assert found["figures"]["scores.first.eer"]["value"] < found["figures"]["scores.second.eer"]["value"]
    assert "scores.first.in_force.fmr" in found["figures"]


def test_the_page_draws_the_systems_together_and_states_the_subjects_of_a_test_report(tmp_path: Path) -> None:
    systems: list[SystemScores] = [system for file in both_systems(tmp_path) for system in files.read(file)]
    file = tmp_path / "run.json"
    file.write_text(json.dumps(published(measure_scores(systems))), encoding="utf-8")
    page = build([read_run(file)])
    assert "Systems side by side" in page
    assert page.count('alt="Detection error trade-offs of first, second') == 1
    assert "Group by group: scores.first.fmr@fmr1e-2" in page
    report = page[page.index("Test report by the subjects of ISO/IEC 19795-1") :]
    headings = ["System under test", "Size of the test", "Failures to acquire", "Error rates", "Uncertainty"]
    places = [report.index(f"<dt>{heading}</dt>") for heading in headings]
    assert places == sorted(places)
    assert "FNMR of first at an FMR of 0.001: 780 impostor comparisons, 1,000 are needed" in report


def test_a_check_that_could_not_be_assessed_gives_an_attempt_without_a_score() -> None:
    found = checks.columns([("bona_fide", {"first": 0.9, "second": None}), ("print", {"first": None})])
    assert found["system"].tolist() == ["first", "first"]
    assert found["label"].tolist() == ["bona_fide", "attack"]
    assert found["species"].tolist() == ["", "print"]
    assert found["score"][0] == 0.9
    assert np.isnan(found["score"][1])


def test_a_name_that_cannot_be_written_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    with pytest.raises(ScoresInvalid, match=r"in none of \.csv, \.npy, \.parquet"):
        files.check_name(tmp_path / "scores.xls")
