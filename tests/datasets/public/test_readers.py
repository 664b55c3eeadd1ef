"""Public sets are read as they were published, and anything else is told in one sentence."""

from collections import Counter
from pathlib import Path

import numpy as np
import public_layouts
import pytest

from idproof.datasets.public import READERS, dlc2021, folds, midv_holo
from idproof.pipeline.errors import DatasetInvalid

MAKERS = {
    "midv-500": public_layouts.midv500,
    "midv-2020": public_layouts.midv2020,
    "midv-holo": public_layouts.midv_holo,
    "midv-dynattack": public_layouts.midv_dynattack,
    "dlc-2021": public_layouts.dlc2021,
}


def test_midv_500(tmp_path: Path) -> None:
    public_layouts.midv500(tmp_path)
    clips = READERS["midv-500"](tmp_path)
    assert [clip.id for clip in clips] == ["01_alb_id/HA", "01_alb_id/PS", "05_aze_passport/HA", "05_aze_passport/PS"]
    clip = clips[1]
    assert (clip.document_class, clip.document, clip.attack) == ("alb_id", "01_alb_id", None)
    assert (clip.condition, clip.device) == ("partial", "Samsung Galaxy S3")
    frames = list(clip.frames())
    assert [frame.path.name for frame in frames] == ["PS01_01.tif", "PS01_02.tif", "PS01_03.tif"]
    assert frames[0].quadrangle is not None
    assert frames[0].quadrangle.tolist() == [[x + 120, y] for x, y in public_layouts.QUAD]
    assert frames[0].read().shape == (240, 320, 3)


def test_midv_2020(tmp_path: Path) -> None:
    public_layouts.midv2020(tmp_path)
    clips = {clip.id: clip for clip in READERS["midv-2020"](tmp_path)}
    assert len(clips) == 6
    photo = clips["photo/alb_id/71"]
    assert (photo.condition, photo.device) == ("low lighting", "Apple iPhone XR")
    assert [frame.path.name for frame in photo.frames()] == ["71.jpg"]
    film = list(clips["clips/alb_id/00"].frames())
    assert [frame.path.name for frame in film] == ["000001.jpg", "000007.jpg"]
    assert np.array_equal(film[1].quadrangle, public_layouts.QUAD)
    assert next(clips["templates/alb_id/00"].frames()).quadrangle is None
    assert clips["clips/alb_id/00"].document == clips["photo/alb_id/00"].document


def test_one_part_of_midv_2020_is_enough(tmp_path: Path) -> None:
    public_layouts.midv2020(tmp_path)
    assert [clip.id for clip in READERS["midv-2020"](tmp_path / "clips")] == ["clips/alb_id/00", "clips/alb_id/71"]


def test_dlc_2021(tmp_path: Path) -> None:
    public_layouts.dlc2021(tmp_path)
    clips = READERS["dlc-2021"](tmp_path)
    assert Counter(clip.published_class for clip in clips) == {"or": 2, "cc": 2, "cg": 2, "re": 2}
    assert {clip.published_class: clip.attack for clip in clips} == dlc2021.ATTACKS
    assert {clip.document for clip in clips} == {"alb_id/00", "alb_id/01"}
    assert (clips[0].device, clips[0].condition) == ("iPhone XR", "table")
    assert [clip.id for clip in READERS["dlc-2021"](tmp_path / "clips")] == [clip.id for clip in clips]
    assert all(frame.quadrangle is not None for clip in clips for frame in clip.frames())


def test_midv_holo(tmp_path: Path) -> None:
    public_layouts.midv_holo(tmp_path)
    clips = {clip.id: clip for clip in READERS["midv-holo"](tmp_path)}
    assert len(clips) == 20
    genuine = clips["origins/ID/id01_01_01"]
    assert (genuine.attack, genuine.document, genuine.document_class) == (None, "id01_01", "id01")
    assert (genuine.condition, genuine.device) == ("flashlight", "iphone12")
    assert genuine.split is None
    forged = clips["photo_replacement/passport/psp02_01_01"]
    assert (forged.attack, midv_holo.kind_of(forged)) == ("portrait_swap_print", "passport")
    assert {c.attack for c in clips.values()} == {None, "print_colour", "hologram_flat", "portrait_swap_print"}
    assert [frame.path.name for frame in forged.frames()] == ["img_0001.jpg", "img_0002.jpg", "img_0003.jpg"]
    assert midv_holo.hologram_masks(tmp_path)["ID"].mean() == pytest.approx(80 * 110 / (135 * 214))


def test_midv_holo_as_its_readme_names_it(tmp_path: Path) -> None:
    public_layouts.midv_holo(tmp_path)
    before = [clip.id for clip in READERS["midv-holo"](tmp_path)]
    for room in ("images", "markup"):
        for name in public_layouts.FORGERIES:
            (tmp_path / room / "fraud" / name).rename(tmp_path / room / name)
    assert [clip.id for clip in READERS["midv-holo"](tmp_path)] == before


def test_published_folds_of_midv_holo(tmp_path: Path) -> None:
    public_layouts.midv_holo(tmp_path)
    for path, line in (("k0/origins", "ID/id01_01_01"), ("k1/fraud/photo_holo_copy", "passport/psp02_01_01")):
        folder = tmp_path / midv_holo.SPLITS / path
        folder.mkdir(parents=True)
        (folder / "test.txt").write_text(f"{line}/list.lst\n", encoding="utf-8")
    splits = {clip.id: clip.split for clip in READERS["midv-holo"](tmp_path) if clip.split}
    assert splits == {"origins/ID/id01_01_01": "k0", "photo_holo_copy/passport/psp02_01_01": "k1"}


def test_folds_do_not_share_a_document(tmp_path: Path) -> None:
    public_layouts.midv_holo(tmp_path)
    clips = READERS["midv-holo"](tmp_path)
    places = folds(clips, 2, seed=3)
    assert set(places) == {0, 1}
    by_document = {
        clip.document: {p for c, p in zip(clips, places, strict=True) if c.document == clip.document} for clip in clips
    }
    assert all(len(found) == 1 for found in by_document.values())
    assert folds(clips, 2, seed=3) == places
    with pytest.raises(ValueError, match="folds"):
        folds(clips, 5, seed=3)


@pytest.mark.parametrize("name", READERS)
def test_a_wrong_layout_is_told_in_one_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / "somewhere").mkdir()
    with pytest.raises(DatasetInvalid, match="as published: it lacks") as error:
        READERS[name](tmp_path / "somewhere")
    assert str(error.value).startswith("somewhere is not")
    assert str(error.value).count("\n") == 0
    assert str(tmp_path) not in str(error.value)


@pytest.mark.parametrize(
    ("name", "broken", "says"),
    [
        ("midv-500", "01_alb_id/ground_truth/HA/HA01_01.json", "four corners"),
        ("midv-2020", "clips/annotations/alb_id/00.json", "VGG Image Annotator"),
        ("midv-holo", "markup/origins/ID/id01_01_01/img_0001.jpg.json", "four corners"),
        ("dlc-2021", "clips/annotations/alb_id/00.or0001.json", "VGG Image Annotator"),
    ],
)
def test_a_broken_annotation_is_named(name: str, broken: str, says: str, tmp_path: Path) -> None:
    MAKERS[name](tmp_path)
    (tmp_path / broken).write_text('{"quad": [[1, 2], [3, 4]]}', encoding="utf-8")
    clips = READERS[name](tmp_path)
    with pytest.raises(DatasetInvalid, match=says) as error:
        [frame for clip in clips for frame in clip.frames()]
    assert Path(broken).name in str(error.value)


def test_missing_markup_and_damaged_pictures_are_named(tmp_path: Path) -> None:
    public_layouts.midv_holo(tmp_path)
    clip = READERS["midv-holo"](tmp_path)[0]
    picture = next(clip.frames()).path
    picture.write_bytes(picture.read_bytes()[:200])
    with pytest.raises(DatasetInvalid, match=r"id01_01_01/img_0001\.jpg is not a picture"):
        next(clip.frames()).read()
    picture.unlink()
    with pytest.raises(DatasetInvalid, match=r"img_0001\.jpg is missing"):
        next(clip.frames()).read()
    (tmp_path / "markup/origins/ID/id01_01_01").rename(tmp_path / "markup/elsewhere")
    with pytest.raises(DatasetInvalid, match="lacks the markup of origins/ID/id01_01_01"):
        READERS["midv-holo"](tmp_path)


def test_a_table_of_another_form_is_told(tmp_path: Path) -> None:
    public_layouts.dlc2021(tmp_path, ("00",))
    (tmp_path / "dlc-2021.csv").write_text("alb_id/00.or0001,iPhone\n", encoding="utf-8")
    with pytest.raises(DatasetInvalid, match="clip;device;condition"):
        READERS["dlc-2021"](tmp_path)
