"""MIDV-DynAttack is read in its published layout; what is missing is named by one sentence with a stable code."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import public_layouts
import pytest

from idproof.datasets.public import READERS, midv_dynattack, midv_holo
from idproof.pipeline.errors import DatasetInvalid


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("midvdynattack")
    public_layouts.midv_dynattack(root, documents=2)
    return root


@pytest.fixture
def root(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "midvdynattack"))


def test_every_class_is_read_with_its_kind_and_fold(published: Path) -> None:
    clips = {clip.id: clip for clip in READERS["midv-dynattack"](published)}
    classes = Counter(clip.published_class for clip in clips.values())
    assert classes == dict.fromkeys((*midv_holo.ATTACKS, *midv_dynattack.ATTACKS), 2)
    assert len(midv_dynattack.ATTACKS) == 12
    swap = clips["swap/passport/psp02_01_01"]
    assert (swap.attack, swap.document, swap.document_class, swap.split) == (
        "replay_two_prints",
        "psp02_01",
        "psp02",
        "k1",
    )
    genuine = clips["origins/ID/id01_01_01"]
    assert (genuine.attack, genuine.split) == (None, "k0")
    assert clips["photo_replacement/ID/id01_01_01"].attack == "portrait_swap_print"


def test_every_third_picture_is_read_whole(published: Path) -> None:
    frames = list(READERS["midv-dynattack"](published)[0].frames())
    assert [frame.path.name for frame in frames] == [f"img_{n:04}.jpg" for n in (1, 4, 7, 10)]
    assert frames[0].quadrangle is not None
    assert frames[0].quadrangle.tolist() == [[0, 0], [193, 0], [193, 134], [0, 134]]
    assert frames[0].read().shape == (135, 194, 3)


def test_short_clips_are_left_out_and_counted(root: Path) -> None:
    for path in sorted((root / "cropped/fraud/swap/ID/id01_01_01").glob("*.jpg"))[10:]:
        path.unlink()
    clips = READERS["midv-dynattack"](root)
    assert [clip.id for clip in clips if clip.published_class == "swap"] == ["swap/passport/psp02_01_01"]
    assert midv_dynattack.count_short(root) == 1


def test_whole_documents_are_read_when_there_are_no_crops(tmp_path: Path) -> None:
    public_layouts.midv_dynattack(tmp_path, documents=1, part="rectified")
    assert midv_dynattack.part_of(tmp_path) == "rectified"
    assert "/rectified/" in str(next(READERS["midv-dynattack"](tmp_path)[0].frames()).path)


def test_clips_have_no_fold_without_the_published_ones(root: Path) -> None:
    shutil.rmtree(root / "splits_kfold_s0")
    assert {clip.split for clip in READERS["midv-dynattack"](root)} == {None}


def test_forgeries_of_midv_holo_may_be_missing(root: Path) -> None:
    shutil.rmtree(root / "cropped/fraud/photo_replacement")
    assert "photo_replacement" not in {clip.published_class for clip in READERS["midv-dynattack"](root)}


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("cropped", "lacks the folder cropped/"),
        ("cropped/origins", "lacks the folder origins/"),
        ("cropped/fraud/swap_three", "lacks the folder fraud/swap_three/"),
        ("cropped/fraud/laser/ID", None),
        ("splits_kfold_s0/k0/simple/test.txt", "lacks k0/simple/test.txt"),
    ],
)
def test_what_is_missing_is_named(missing: str, says: str | None, root: Path) -> None:
    path = root / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    if says is None:  # one kind of document of a class is enough
        assert READERS["midv-dynattack"](root)
        return
    with pytest.raises(DatasetInvalid, match=says) as error:
        READERS["midv-dynattack"](root)
    assert error.value.code == "dataset_invalid"
    assert str(root) not in str(error.value)


def test_a_class_without_clips_a_clip_without_pictures_and_a_foreign_name_are_named(root: Path) -> None:
    clip = root / "cropped/fraud/laser/ID/id01_01_01"
    for path in clip.glob("*.jpg"):
        path.unlink()
    with pytest.raises(DatasetInvalid, match="laser/ID/id01_01_01 holds no picture"):
        READERS["midv-dynattack"](root)
    clip.rename(clip.parent / "clip7")
    with pytest.raises(DatasetInvalid, match="clip7 is not a clip of MIDV-DynAttack"):
        READERS["midv-dynattack"](root)
    for kind in ("ID", "passport"):
        shutil.rmtree(root / "cropped/fraud/laser" / kind)
    with pytest.raises(DatasetInvalid, match="lacks clips such as cropped/fraud/laser/ID/id01_01_01/"):
        READERS["midv-dynattack"](root)


def test_a_damaged_picture_is_named(root: Path) -> None:
    clip = READERS["midv-dynattack"](root)[0]
    picture = next(clip.frames()).path
    picture.write_bytes(np.zeros(200, dtype=np.uint8).tobytes())
    with pytest.raises(DatasetInvalid, match=r"id01_01_01/img_0001\.jpg is not a picture"):
        next(clip.frames())
