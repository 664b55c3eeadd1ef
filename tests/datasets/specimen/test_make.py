"""Registrations on disk: the contract, and the same bytes for the same seed."""

import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from idproof.datasets.sets import read_sets
from idproof.datasets.specimen import contact_sheet, make_sets, write_art
from idproof.datasets.specimen.art import write_art as write
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.make import Registration, make
from idproof.datasets.specimen.names import covering
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.datasets.specimen.posing import render
from idproof.pipeline.card.plan import draw
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import DatasetInvalid, InvalidSpecimen

NAMES = ("front", "tilt_left", "tilt_right")
IN_ANOTHER_PROCESS = """
import hashlib, sys
from pathlib import Path
from idproof.datasets.specimen import make_sets
for folder in make_sets(Path(sys.argv[1]), 2, 31):
    for path in sorted(folder.iterdir()):
        print(folder.name, path.name, hashlib.sha256(path.read_bytes()).hexdigest())
"""


def pixels(path: Path, size: tuple[int, int] | None = None) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture.resize(size, Image.Resampling.LANCZOS) if size else picture).astype(int)


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_same_seed_gives_the_same_bytes_in_another_process_and_for_another_count(tmp_path: Path) -> None:
    (first,) = make_sets(tmp_path / "one", 1, 31)
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS, str(tmp_path / "two")]
    environment = os.environ | {"PYTHONHASHSEED": "77", "OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"}
    printed = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    found = [line.split() for line in printed.splitlines()]
    assert {name: digest for folder, name, digest in found if folder == "00000"} == hashes(first)
    others = {name: digest for folder, name, digest in found if folder == "00001"}
    assert set(others) == set(hashes(first))
    assert not set(others.values()) & set(hashes(first).values())


def test_another_seed_gives_other_people_and_pictures(
    rendered: Callable[..., Registration], document: DocumentType
) -> None:
    one, other = rendered(), make(32, 0, PortraitSource.open(None), document)
    assert one.description["truth"]["fields"]["number"] != other.description["truth"]["fields"]["number"]
    assert not set(one.pictures.values()) & set(other.pictures.values())


def test_the_format_is_the_contract_to_the_key(tmp_path: Path, document: DocumentType) -> None:
    done: list[tuple[int, int]] = []
    (folder,) = make_sets(tmp_path, 1, 5, progress=lambda *counts: done.append(counts))
    assert done == [(1, 1)]
    data = json.loads((folder / "set.json").read_text(encoding="utf-8"))
    assert list(data) == ["document", "captures", "selfie", "frames", "truth"]
    assert data["captures"] == {name: f"{name}.jpg" for name in NAMES}
    assert (data["document"], data["selfie"], data["frames"]) == ("hkid-2018", "selfie.jpg", [])
    truth = data["truth"]
    assert list(truth)[:5] == ["bona_fide", "attack", "same_person", "fields", "corners"]
    assert (truth["bona_fide"], truth["attack"], truth["same_person"]) == (True, None, True)
    assert set(truth["fields"]) == {spec.name for spec in document.fields}
    assert list(truth["corners"]) == list(NAMES)
    assert len(truth["person"]) == 12
    assert "office" not in truth["person"]
    assert read_sets(tmp_path)[0].truth.fields == truth["fields"]


def test_the_card_of_a_set_is_rendered_once_more_in_the_poses_of_a_plan(tmp_path: Path) -> None:
    make_sets(tmp_path, 1, 31, names="covering", split=Split.TUNING)
    (entry,) = read_sets(tmp_path)
    made = json.loads((entry.folder / "set.json").read_text(encoding="utf-8"))
    source, plan = PortraitSource.open(None), draw(bytes(32))
    again = render(entry, source, plan, Draws(np.random.default_rng(3)))
    truth = again.description["truth"]
    assert truth["fields"] == entry.truth.fields
    assert (truth["person"], truth["artwork_seed"]) == (entry.truth.person, made["truth"]["artwork_seed"])
    assert truth["corners"] != entry.truth.corners
    other = render(entry, source, plan, Draws(np.random.default_rng(4)))
    assert other.pictures["front.jpg"] != again.pictures["front.jpg"]  # another hand
    with pytest.raises(InvalidSpecimen, match="how it was rendered"):
        render(replace(entry, recipe=None), source, plan, Draws(np.random.default_rng(3)))


def test_covering_names_are_dealt_over_the_people(tmp_path: Path) -> None:
    folders = make_sets(tmp_path, 2, 31, names="covering")
    chinese = [entry.truth.fields["chinese_name"][1:] for entry in read_sets(tmp_path)]
    assert chinese == covering(2, 31)
    assert len(folders) == 2


def test_pictures_have_the_promised_sizes_and_the_whole_card_in_them(rendered: Callable[..., Registration]) -> None:
    registration = rendered()
    for name in NAMES:
        picture = Image.open(io.BytesIO(registration.pictures[f"{name}.jpg"]))
        assert (picture.format, picture.size, picture.mode) == ("JPEG", (1920, 1080), "RGB")
        corners = np.array(registration.description["truth"]["corners"][name])
        assert corners.min() > 0
        assert (corners < [1920, 1080]).all()
        # Top left, top right, bottom right, bottom left: clockwise as seen.
        assert corners[0, 0] < corners[1, 0]
        assert corners[0, 1] < corners[3, 1]
        sides = np.roll(corners, -1, axis=0) - corners
        following = np.roll(sides, -1, axis=0)
        assert (sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0] > 0).all()
    assert Image.open(io.BytesIO(registration.pictures["selfie.jpg"])).size == (720, 960)


def test_the_nearer_edge_looks_longer(rendered: Callable[..., Registration]) -> None:
    corners = rendered().description["truth"]["corners"]
    ratio = {}
    for name in NAMES:
        quad = np.array(corners[name])
        ratio[name] = np.linalg.norm(quad[0] - quad[3]) / np.linalg.norm(quad[1] - quad[2])
    assert ratio["tilt_left"] > ratio["front"] > ratio["tilt_right"]
    assert ratio["tilt_left"] > 1 > ratio["tilt_right"]


@pytest.mark.parametrize(("pictures", "said"), [(1, "same photograph"), (2, "another photograph")])
def test_the_truth_says_whether_the_selfie_is_the_portraits_photograph(
    faces: Callable[..., Path], document: DocumentType, pictures: int, said: str
) -> None:
    source = PortraitSource.open(faces(Ann=pictures, Ben=pictures))
    assert make(1, 0, source, document).description["truth"]["selfie_source"] == said


def test_a_seed_walks_through_all_people_before_one_comes_again(
    faces: Callable[..., Path], document: DocumentType
) -> None:
    source = PortraitSource.open(faces(Ann=2, Ben=2, Cat=2, Single=1))
    truths = [make(4, index, source, document).description["truth"] for index in range(3)]
    assert len({truth["person"] for truth in truths}) == 3
    assert len({truth["fields"]["number"] for truth in truths}) == 3
    assert len({str(truth["corners"]) for truth in truths}) == 3


def test_every_bundled_person_gets_a_card_that_agrees_with_the_portrait(document: DocumentType) -> None:
    source = PortraitSource.open(None)
    people = {hashlib.sha256(label.encode()).hexdigest()[:12]: source.person(label) for label in source.labels()}
    found = set()
    for index in range(len(people)):
        truth = make(31, index, source, document).description["truth"]
        person, fields = people[truth["person"]], truth["fields"]
        assert person.age is not None
        assert fields["sex"].endswith(f" {person.sex}")
        born, issued = int(fields["date_of_birth"][-4:]), 2000 + int(fields["issue_date"][-2:])
        assert abs(issued - born - person.age) <= 5
        found.add(truth["person"])
    assert found == set(people)


def test_one_person_is_enough_unless_the_attack_needs_two(faces: Callable[..., Path], document: DocumentType) -> None:
    source = PortraitSource.open(faces(Ann=2))
    assert make(1, 0, source, document).description["truth"]["same_person"]
    with pytest.raises(InvalidSpecimen, match="selfie_other needs photographs of two people"):
        make(1, 0, source, document, "selfie_other")


def test_an_unknown_attack_and_a_folder_that_is_a_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpecimen, match="no attack teleport; known are photocopy_grey"):
        make_sets(tmp_path, 1, 0, attack="teleport")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InvalidSpecimen, match="cannot be written"):
        make_sets(tmp_path / "file", 1, 0)
    with pytest.raises(InvalidSpecimen, match="cannot be written"):
        write(tmp_path / "file", 0)


def test_a_source_without_usable_pictures(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="no pictures named like"):
        make_sets(tmp_path / "out", 1, 0, tmp_path)
    assert not (tmp_path / "out").exists()


def test_the_representation_shows_no_picture(rendered: Callable[..., Registration]) -> None:
    assert len(repr(rendered())) < 100


def test_the_flat_layers_are_written_with_their_boxes(tmp_path: Path, document: DocumentType) -> None:
    written = write_art(tmp_path / "art", 3)
    assert sorted(path.name for path in written) == sorted(path.name for path in (tmp_path / "art").iterdir())
    layout = json.loads((tmp_path / "art" / "layout.json").read_text(encoding="utf-8"))
    scale = layout["px_per_mm"]
    width, height = (round(length * scale) for length in layout["size_mm"])
    for name in ("artwork", "background"):
        assert pixels(tmp_path / "art" / f"{name}.png").shape[:2] == (height, width)
    for region in document.regions:
        mask = pixels(tmp_path / "art" / f"mask_{region.name}.png")
        rows, columns = np.nonzero(mask)
        left, top, right, bottom = layout["regions"][region.name]["px"]
        assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (left, top, right, bottom)
        assert left == round(region.box.x * scale)
    assert set(layout["fields"]) == {spec.name for spec in document.fields}
    assert layout["portrait"]["mm"] == [4.0, 13.0, 21.0, 27.0]
    committed, template = pixels(document.template), pixels(tmp_path / "art" / "template.png")
    assert np.abs(committed - template).mean() < 0.5
    artwork = pixels(tmp_path / "art" / "artwork.png")
    background = pixels(tmp_path / "art" / "background.png")
    assert 0.02 < (np.abs(artwork - background).max(axis=2) > 20).mean() < 0.5
    write_art(tmp_path / "again", 3)
    assert hashes(tmp_path / "again") == hashes(tmp_path / "art")


def test_the_contact_sheet_shows_every_picture(tmp_path: Path, rendered: Callable[..., Registration]) -> None:
    for name in (None, "photocopy_grey"):
        rendered(name).write(tmp_path / "sets" / str(name))
    contact_sheet(read_sets(tmp_path / "sets"), tmp_path / "sheet.png")
    sheet = pixels(tmp_path / "sheet.png")
    assert sheet.shape[:2] == (2 * (225 + 26 + 8) + 8, 1409)
    front = pixels(tmp_path / "sets" / "None" / "front.jpg", (400, 225))
    assert np.abs(sheet[34:259, 8:408] - front).mean() < 1
    selfie = pixels(tmp_path / "sets" / "photocopy_grey" / "selfie.jpg", (169, 225))
    assert np.abs(sheet[293:518, 1232:1401] - selfie).mean() < 1
    assert (sheet[8:34, 8:408] < 128).any()  # a label
