"""Groups: whose comparison counts where, labels from a file, and labels that pictures give of themselves."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from runs import published

from idproof.benchmarks.face import groups
from idproof.benchmarks.face.measure import measure_face
from idproof.benchmarks.face.templates import Templates
from idproof.datasets.lfw import LabelledFaces
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.profiles import load_engines
from idproof.pipeline.errors import DatasetInvalid


def templates(rows: list[list[float]], people: list[int]) -> Templates:
    unit = np.array(rows, dtype=np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    return Templates(np.arange(len(rows)), np.array(people), {"one": unit})


def test_a_genuine_comparison_counts_where_one_picture_is_and_an_impostor_one_where_both_are() -> None:
    made = templates([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 0.1], [0, 0, 1]], [0, 0, 1, 1, 2])
    labels = {"light": np.array(["dark", "bright", "bright", "bright", ""])}
    found = groups.rates(made, labels, {1e-3: 0.8})
    fnmr, fmr = found.groups["face.in_force.fnmr@fmr1e-3"], found.groups["face.in_force.fmr@fmr1e-3"]
    assert (fnmr["light: dark"]["value"], fnmr["light: dark"]["n"]) == (1.0, 1)
    assert (fnmr["light: bright"]["value"], fnmr["light: bright"]["n"]) == (0.5, 2)
    assert list(fmr) == ["light: bright"]
    assert (fmr["light: bright"]["value"], fmr["light: bright"]["n"]) == (0.0, 2)
    assert found.figures["face.in_force.fnmr@fmr1e-3"]["n"] == 2
    assert found.figures["face.in_force.fmr@fmr1e-3"]["n"] == 8
    assert found.gates["face.in_force.fnmr@fmr1e-3"] == {"beyond": [], "undecided": ["light: bright", "light: dark"]}


@pytest.fixture
def faces(tmp_path: Path) -> LabelledFaces:
    source = PortraitSource.open(None)
    for name in ("astronaut", "office-holder", "second-office-holder"):
        (tmp_path / name).mkdir()
        picture = Image.fromarray(source.person(f"bundled/{name}").photographs[0])
        picture.save(tmp_path / name / f"{name}_0001.jpg", quality=95)
        picture.convert("L").point(lambda v: v // 2).convert("RGB").save(tmp_path / name / f"{name}_0002.jpg")
    return LabelledFaces.open(tmp_path)


def test_labels_of_people_or_files_come_from_a_table(faces: LabelledFaces, tmp_path: Path) -> None:
    table, places = tmp_path / "labels.csv", np.arange(6)
    table.write_text("person,age,site\nastronaut,young,A\n")
    labels = groups.labels_from(table, faces, places)
    assert {kind: row.tolist() for kind, row in labels.items()} == {
        "age": ["young", "young", *[""] * 4],
        "site": ["A", "A", *[""] * 4],
    }
    table.write_text("file,lamp\noffice-holder/office-holder_0002.jpg,on\n")
    assert groups.labels_from(table, faces, places)["lamp"].tolist() == ["", "", "", "on", "", ""]
    for text in ("", "person\nastronaut\n", "name,age\nastronaut,young\n", "person,age\nnobody,young\n"):
        table.write_text(text)
        with pytest.raises(DatasetInvalid):
            groups.labels_from(table, faces, places)


def test_pictures_label_how_they_were_taken_and_the_run_is_in_published_form(faces: LabelledFaces) -> None:
    labels = groups.labels_of_capture(faces, np.arange(6), load_engines())
    assert labels["colour"].tolist() == ["colour", "monochrome"] * 3
    thirds = ["lowest third", "middle third", "highest third"]
    light = [thirds.index(third) for third in labels["light"].tolist()]
    assert all(dark <= bright for bright, dark in zip(light[::2], light[1::2], strict=True))
    assert sorted(light) == [0, 0, 1, 1, 2, 2]
    run = published(measure_face(faces, load_engines(), dataset="lfw", groups="capture"))
    by_colour = run["groups"]["face.in_force.fnmr@fmr1e-3"]
    assert by_colour["colour: monochrome"]["n"] == 3
    assert set(run["gates"]) <= set(run["figures"])
