"""Sources of faces: the bundled ones, and a folder or zip in the published layout."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from idproof.datasets.lfw import LabelledFaces
from idproof.datasets.specimen.portraits import BUNDLED, PortraitSource
from idproof.pipeline.errors import DatasetInvalid


def test_every_bundled_picture_is_small_and_has_a_source_and_a_licence() -> None:
    listed = tomllib.loads((BUNDLED / "people.toml").read_text(encoding="utf-8"))
    people = listed.pop("people")
    pictures = sorted(path.name for path in BUNDLED.glob("*.jpg"))
    assert sorted(listed) == pictures
    assert {f"bundled/{name}" for name in people} == set(PortraitSource.open(None).labels())
    for name in pictures:
        assert (BUNDLED / name).stat().st_size <= 80_000
        assert listed[name]["source"]
        assert listed[name]["licence"] == "public domain"


def test_bundled_people_with_two_photographs_come_first() -> None:
    source = PortraitSource.open(None)
    counts = [len(source.person(label).photographs) for label in source.labels()]
    assert counts == [3, 1, 1, 1, 1]
    first, second, *_ = source.person(source.labels()[0]).photographs
    assert first.shape == second.shape == (500, 500, 3)
    assert np.abs(first.astype(int) - second).mean() > 20


def test_bundled_people_are_of_both_sexes_and_of_different_ages() -> None:
    source = PortraitSource.open(None)
    people = [source.person(label) for label in source.labels()]
    assert len(people) >= 5
    assert {person.sex for person in people} == {"F", "M"}
    assert len({person.photographs[0].tobytes() for person in people}) == len(people)
    ages = [person.age for person in people if person.age is not None]
    assert len(ages) == len(people)
    assert max(ages) - min(ages) >= 30


def test_sex_and_age_of_somebody_elses_photographs_are_not_guessed(faces: Callable[..., Path]) -> None:
    person = PortraitSource.open(faces(Ann=1)).person("Ann")
    assert (person.sex, person.age) == (None, None)


def test_a_folder_and_a_zip_of_it_are_the_same_source(faces: Callable[..., Path], tmp_path: Path) -> None:
    root = faces(Ann=3, Single=1, Ben=2)
    with ZipFile(tmp_path / "faces.zip", "w") as archive:
        for path in root.rglob("*.jpg"):
            archive.write(path, Path("lfw") / path.relative_to(root))
    folder, zipped = (PortraitSource.open(path) for path in (root, tmp_path / "faces.zip"))
    for source in (folder, zipped):
        assert source.labels() == ["Ann", "Ben", "Single"]
        assert source.holders() == [["Ann", "Ben"]]
        assert len(source.person("Ann").photographs) == 3
    for one, other in zip(folder.person("Ben").photographs, zipped.person("Ben").photographs, strict=True):
        assert np.array_equal(one, other)


def test_files_with_other_names_are_not_portraits(faces: Callable[..., Path]) -> None:
    root = faces(Ann=1)
    Image.new("RGB", (8, 8)).save(root / "Ann" / "holiday.jpg")
    Image.new("RGB", (8, 8)).save(root / "Ann" / "Ben_0001.jpg")
    assert LabelledFaces.open(root).paths == ("Ann/Ann_0001.jpg",)


@pytest.mark.parametrize("size", [(400, 100), (100, 400)])
def test_a_photograph_that_is_not_square_is_cut_to_its_middle(
    faces: Callable[..., Path], size: tuple[int, int]
) -> None:
    root = faces(size, Ann=1)
    with Image.open(root / "Ann" / "Ann_0001.jpg") as opened:
        picture = np.array(opened)
    middle = picture[:, 150:250] if size[0] > size[1] else picture[150:250]
    assert np.array_equal(PortraitSource.open(root).person("Ann").photographs[0], middle)


def test_a_damaged_zip_and_a_damaged_picture_are_named(faces: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK, or not")
    with pytest.raises(DatasetInvalid, match=r"broken\.zip is neither a folder nor a zip"):
        PortraitSource.open(tmp_path / "broken.zip")
    root = faces(Ann=1)
    (root / "Ann" / "Ann_0001.jpg").write_bytes((root / "Ann" / "Ann_0001.jpg").read_bytes()[:2000])
    with pytest.raises(DatasetInvalid, match=r"Ann/Ann_0001\.jpg is not a picture, or a damaged one"):
        PortraitSource.open(root).person("Ann")


def test_the_representation_shows_no_photograph() -> None:
    assert "array" not in repr(PortraitSource.open(None).person("bundled/astronaut"))


def test_listed_pairs_are_found_by_their_file_names(faces: Callable[..., Path], tmp_path: Path) -> None:
    found = LabelledFaces.open(faces(Ann=2, Ben=1))
    (tmp_path / "pairs.csv").write_text(
        "file_a,file_b,same\nAnn/Ann_0001.jpg,Ann/Ann_0002.jpg,1\nAnn/Ann_0002.jpg,Ben/Ben_0001.jpg,0\n"
    )
    assert list(found.read_pairs(tmp_path / "pairs.csv")) == [(0, 1, True), (1, 2, False)]
    assert found.subjects() == [0, 0, 1]
    (tmp_path / "pairs.csv").write_text("file_a,file_b,same\nAnn/Ann_0001.jpg,Zoe/Zoe_0001.jpg,0\n")
    with pytest.raises(DatasetInvalid, match="lacks"):
        list(found.read_pairs(tmp_path / "pairs.csv"))
