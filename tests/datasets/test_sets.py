"""The reader of the `set.json` format: what it takes, and how it says what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from idproof.datasets.sets import read_set, read_sets
from idproof.pipeline.errors import InvalidSpecimen

NUMBER = "A123456(3)"


def example() -> dict[str, Any]:
    return {
        "document": "hkid-2018",
        "captures": {"front": "1.jpg", "tilt_left": "2.jpg", "tilt_right": "3.jpg"},
        "selfie": "4.jpg",
        "frames": [],
        "truth": {
            "bona_fide": True,
            "attack": None,
            "same_person": True,
            "fields": {"number": NUMBER},
            "corners": {"front": [[0, 0], [10, 0], [10.5, 7], [0, 7]]},
        },
    }


def write(folder: Path, data: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "set.json").write_text(json.dumps(data), encoding="utf-8")
    for i in range(1, 5):
        (folder / f"{i}.jpg").write_bytes(bytes([i]))
    return folder


def test_a_registration_is_read_and_its_pictures_only_when_asked_for(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", example())
    entry = read_set(folder)
    assert (entry.document, entry.truth.fields, entry.truth.attack) == ("hkid-2018", {"number": NUMBER}, None)
    assert entry.truth.corners["front"][2] == [10.5, 7]
    assert entry.parts() == {
        "card_front": b"\1",
        "card_tilt_left": b"\2",
        "card_tilt_right": b"\3",
        "selfie": b"\4",
    }
    (folder / "3.jpg").unlink()
    assert read_set(folder) == entry
    with pytest.raises(InvalidSpecimen, match=r"a lacks its picture 3\.jpg"):
        entry.parts()


def test_a_folder_of_links_to_registrations_is_read(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path / "originals" / name, example())
    links = tmp_path / "links"
    links.mkdir()
    for name in ("b", "a"):
        (links / name).symlink_to(tmp_path / "originals" / name)
    found = read_sets(links)
    assert [entry.folder for entry in found] == [links / "a", links / "b"]
    assert found[0].parts()["selfie"] == b"\4"


def test_a_registration_that_is_linked_beside_itself_is_read_once(tmp_path: Path) -> None:
    """Counted twice it would make every interval of a benchmark too narrow."""
    for name in ("a", "b"):
        write(tmp_path / "originals" / name, example())
        (tmp_path / name).symlink_to(tmp_path / "originals" / name)
    (tmp_path / "all").symlink_to(tmp_path / "originals")
    assert sorted(entry.folder.resolve().name for entry in read_sets(tmp_path)) == ["a", "b"]


def test_folders_that_link_to_each_other_are_each_entered_once(tmp_path: Path) -> None:
    names = [f"{number}" for number in range(9)]
    for name in names:
        write(tmp_path / name, example())
        for other in names:
            (tmp_path / name / f"to_{other}").symlink_to(tmp_path / other)
    assert len(read_sets(tmp_path)) == len(names)


def test_links_that_lead_back_to_an_ancestor_are_not_followed(tmp_path: Path) -> None:
    folder = write(tmp_path / "sets" / "a", example())
    (folder / "up").symlink_to(tmp_path / "sets")
    (folder / "further_up").symlink_to(tmp_path)
    write(tmp_path / "not_asked_for", example())
    assert [entry.folder for entry in read_sets(tmp_path / "sets")] == [folder]


def test_the_selfie_of_another_registration_can_stand_in(tmp_path: Path) -> None:
    one, other = (read_set(write(tmp_path / name, example())) for name in "ab")
    (tmp_path / "b" / "4.jpg").write_bytes(b"other")
    assert one.parts(selfie_of=other) == one.parts() | {"selfie": b"other"}


def test_all_registrations_below_a_folder_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b", "a", "nested/c"):
        write(tmp_path / name, example())
    assert [entry.folder.name for entry in read_sets(tmp_path)] == ["a", "b", "c"]


def test_unknown_keys_are_ignored(tmp_path: Path) -> None:
    data = example()
    plain = read_set(write(tmp_path / "a", data))
    data["truth"]["lens"] = data["made_by"] = data["captures"]["back"] = "somebody"
    assert read_set(write(tmp_path / "a", data)) == plain


def test_what_may_be_absent(tmp_path: Path) -> None:
    data = example()
    del data["frames"], data["truth"]["fields"], data["truth"]["corners"]
    entry = read_set(write(tmp_path / "a", data))
    assert (entry.frames, entry.truth.fields, entry.truth.corners) == ((), {}, {})


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("captures",), None, "captures is a JSON object"),
        (("captures", "front"), 7, "captures.front is a string"),
        (("selfie",), ["x"], "selfie is a string"),
        (("document",), None, "document is a string"),
        (("frames",), "f.jpg", "frames is a list"),
        (("frames",), [1], "frames is a string"),
        (("truth",), [], "truth is a JSON object"),
        (("truth", "bona_fide"), "yes", "true or false"),
        (("truth", "same_person"), 1, "true or false"),
        (("truth", "attack"), "screen_monitor", "bona_fide is true and truth.attack names"),
        (("truth", "fields"), ["number"], "truth.fields is a JSON object"),
        (("truth", "fields", "number"), 3, "truth.fields.number is a string"),
        (("truth", "corners", "front"), [[0, 0], [1, 0], [1, 1]], "four points"),
        (("truth", "corners", "front"), [[0, 0], [1, 0], [1, 1], [0, "1"]], "four points"),
        (("truth", "person"), 9, "truth.person is a string"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, path: tuple[str, ...], value: Any, sentence: str) -> None:
    data = example()
    *parents, last = path
    place = data
    for key in parents:
        place = place[key]
    place[last] = value
    with pytest.raises(InvalidSpecimen, match=rf"^a/set\.json .*{sentence}"):
        read_set(write(tmp_path / "a", data))


@pytest.mark.parametrize("path", [("document",), ("selfie",), ("captures", "tilt_left"), ("truth", "attack")])
def test_a_missing_key_is_named(tmp_path: Path, path: tuple[str, ...]) -> None:
    data = example()
    place = data
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    with pytest.raises(InvalidSpecimen, match=f"^a/set.json lacks the key {path[-1]}"):
        read_set(write(tmp_path / "a", data))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not in the set format"),
        (b"[1, 2]", "is a JSON object"),
        (b'{"document": ', "not in the set format"),
        (b'{"number": "A123456(3)\xff"}', "not UTF-8"),
    ],
)
def test_a_damaged_file_is_told_without_its_contents(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "set.json").write_bytes(content)
    with pytest.raises(InvalidSpecimen, match=sentence) as caught:
        read_set(tmp_path / "a")
    assert "A123456" not in str(caught.value)


def test_no_registration_at_all(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpecimen, match=r"no set\.json"):
        read_sets(tmp_path)
    with pytest.raises(InvalidSpecimen, match=r"a/set\.json cannot be read"):
        read_set(tmp_path / "a")


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/hostname"])
def test_a_picture_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"x")
    entry = read_set(write(tmp_path / "a", example() | {"selfie": name}))
    with pytest.raises(InvalidSpecimen, match="outside its folder"):
        entry.parts()


def test_the_representation_shows_nobody(tmp_path: Path) -> None:
    data = example()
    data["truth"]["person"] = "Somebody"
    shown = repr(read_set(write(tmp_path / "a", data)))
    assert NUMBER not in shown
    assert "Somebody" not in shown
