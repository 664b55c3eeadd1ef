"""An operator's own templates, held to a count of every pair by itself."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from commands import idproof
from runs import published

from idproof.benchmarks.errors import ScoresInvalid
from idproof.benchmarks.far_engine.own_templates import measure_own_templates, read_templates

EACH = 3
SUBJECTS = 60


def own_files(folder: Path) -> tuple[Path, Path]:
    """Templates of 60 subjects in two groups, of different lengths; those of group `near` lie close together."""
    rng = np.random.default_rng(5)
    middles = rng.normal(size=(SUBJECTS, 16)) + np.where(np.arange(SUBJECTS)[:, None] % 2, 1.5, 0.0)
    vectors = np.repeat(middles, EACH, axis=0) + 0.4 * rng.normal(size=(SUBJECTS * EACH, 16))
    np.save(folder / "t.npy", vectors * rng.uniform(0.5, 9.0, (len(vectors), 1)))
    rows = [f"s{place // EACH},{'near' if place // EACH % 2 else 'far'}" for place in range(len(vectors))]
    (folder / "l.csv").write_text("subject,group\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return folder / "t.npy", folder / "l.csv"


def test_rates_are_those_of_every_pair_compared_by_itself(tmp_path: Path) -> None:
    own = read_templates(*own_files(tmp_path))
    run = measure_own_templates(own, workers=1)
    point = next(point for point in run.extra["operating_points"] if point["fmr"] == 1e-2)
    impostors, genuines = [], []
    for one, other in combinations(range(len(own.vectors)), 2):
        score = float(own.vectors[one] @ own.vectors[other])
        (genuines if own.subjects[one] == own.subjects[other] else impostors).append(score)
    assert run.figures["far.fmr@fmr1e-2"]["n"] == len(impostors)
    assert run.figures["far.fnmr@fmr1e-2"]["n"] == len(genuines)
    # Within the rounding of the engine no score decides otherwise, but for those that lie at the threshold.
    share = float((np.array(impostors) >= point["threshold"]).mean())
    assert run.figures["far.fmr@fmr1e-2"]["value"] == pytest.approx(share, abs=2 / len(impostors))
    missed = float((np.array(genuines) < point["threshold"]).mean())
    assert run.figures["far.fnmr@fmr1e-2"]["value"] == pytest.approx(missed, abs=2 / len(genuines))


def test_groups_are_compared_with_each_other(tmp_path: Path) -> None:
    run = measure_own_templates(read_templates(*own_files(tmp_path)), workers=1)
    matrix = run.extra["group_matrices"]["far.fmr@fmr1e-2"]
    assert matrix["near"]["far"] == matrix["far"]["near"]
    assert matrix["near"]["near"]["value"] > 3 * matrix["near"]["far"]["value"]
    assert run.extra["groups"]["far.fmr@fmr1e-2"] == {name: matrix[name][name] for name in ("far", "near")}
    assert sum(found["n"] for found in run.extra["groups"]["far.fnmr@fmr1e-2"].values()) == SUBJECTS * EACH
    assert any("FMR of 1e-08" in note for note in run.extra["notes"])
    published(run)


def test_the_command_compares_own_templates(tmp_path: Path) -> None:
    templates, labels = own_files(tmp_path)
    ended = idproof("bench", "far-engine", "--templates", templates, "--labels", labels, "--json")
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["counts"]["subjects"] == SUBJECTS
    assert idproof("bench", "far-engine", "--templates", templates).returncode != 0


@pytest.mark.parametrize(
    ("vectors", "labels", "reason"),
    [
        (np.eye(3), "subject\na\na\n", "2 rows, t.npy 3 templates"),
        (np.eye(3), "name\na\na\nb\n", "no column `subject`"),
        (np.zeros((3, 4)), "subject\na\na\nb\n", "no direction"),
        (np.eye(3)[0], "subject\na\n", "no table of numbers"),
        (np.eye(3), "subject,group\na,x\na,y\nb,x\n", "stands in two groups"),
    ],
)
def test_templates_that_cannot_be_compared_are_refused_with_their_fault(
    tmp_path: Path, vectors: np.ndarray, labels: str, reason: str
) -> None:
    np.save(tmp_path / "t.npy", vectors)
    (tmp_path / "l.csv").write_text(labels, encoding="utf-8")
    with pytest.raises(ScoresInvalid, match=reason):
        read_templates(tmp_path / "t.npy", tmp_path / "l.csv")
