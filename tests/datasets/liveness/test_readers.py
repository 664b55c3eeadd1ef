"""Public liveness sets are read as they were published, and anything else is told in one sentence."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from idproof.datasets.liveness import READERS
from idproof.pipeline.errors import DatasetInvalid

PICTURE = np.full((48, 64, 3), (200, 90, 40), dtype=np.uint8)


def film(path: Path, frames: int = 20) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
    for place in range(frames):
        writer.write(np.full_like(PICTURE, place * 10))
    writer.release()
    return path


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def test_oulu_npu(tmp_path: Path) -> None:
    film(tmp_path / "Train_files/1_1_01_1.avi")
    touch(tmp_path, "Dev_files/6_3_35_5.avi", "Test_files/2_1_36_3.avi", "Test_files/2_1_36_3.txt")
    samples = READERS["oulu-npu"](tmp_path)
    assert [(s.subject, s.attack, s.split) for s in samples] == [
        ("01", None, "train"),
        ("35", "screen_video", "devel"),
        ("36", "print_flat", "test"),
    ]
    assert (samples[1].device, samples[1].published_class) == ("OPPO N3", "video2")
    frames = list(samples[0].frames(5))
    assert [round(float(frame.mean())) for frame in frames] == pytest.approx([0, 50, 100, 140, 190], abs=12)
    with pytest.raises(DatasetInvalid, match="not a film"):
        list(samples[1].frames())


def test_siw(tmp_path: Path) -> None:
    touch(
        tmp_path, "Train/live/003/003-1-1-1-1.mov", "Train/live/003/003-1-1-1-1.face", "Test/spoof/001/001-2-3-2-1.mp4"
    )
    samples = READERS["siw"](tmp_path)
    assert [(s.subject, s.attack, s.split, s.device) for s in samples] == [
        ("003", None, "train", "Canon EOS T6"),
        ("001", "screen_video", "test", "Logitech C920"),
    ]


def test_replay_attack(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "train/real/client001_session01_webcam_authenticate_adverse_1.mov",
        "devel/attack/fixed/attack_highdef_client003_session01_highdef_photo_adverse.mov",
        "devel/attack/hand/attack_mobile_client003_session01_mobile_video_controlled.mov",
        "test/attack/hand/attack_print_client009_session01_highdef_photo_controlled.mov",
        "enroll/test/client009_session01_webcam_enroll_1.mov",
    )
    samples = READERS["replay-attack"](tmp_path)
    assert {(s.subject, s.attack) for s in samples} == {
        ("001", None),
        ("003", "screen_photo"),
        ("003", "screen_video"),
        ("009", "print_flat"),
    }
    assert {s.condition for s in samples if s.split == "devel"} == {"fixed, adverse", "hand, controlled"}


def test_celeba_spoof(tmp_path: Path) -> None:
    live, spoof = "Data/train/1/live/000184.jpg", "Data/test/4980/spoof/010012.png"
    for name in (live, spoof):
        (tmp_path / name).parent.mkdir(parents=True)
        cv2.imwrite(str(tmp_path / name), PICTURE)
    metas = tmp_path / "metas/intra_test"
    metas.mkdir(parents=True)
    (metas / "train_label.json").write_text(json.dumps({live: [0] * 43}))
    (metas / "test_label.json").write_text(json.dumps({spoof: [0] * 40 + [9, 4, 1, 1]}))
    samples = READERS["celeba-spoof"](tmp_path)
    assert [(s.subject, s.attack, s.condition) for s in samples] == [
        ("1", None, "live, live"),
        ("4980", "screen_photo", "dark, indoor"),
    ]
    (frame,) = samples[1].frames()
    assert tuple(frame[0, 0]) == (40, 90, 200)
    (metas / "test_label.json").write_text(json.dumps({spoof: [0] * 43}))
    with pytest.raises(DatasetInvalid, match="contradicts"):
        READERS["celeba-spoof"](tmp_path)


@pytest.mark.parametrize("name", READERS)
def test_another_folder_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="as published"):
        READERS[name](tmp_path)


@pytest.mark.parametrize(("name", "folder"), [("siw", "Train"), ("oulu-npu", "Dev_files"), ("replay-attack", "test")])
def test_a_folder_of_other_files_is_refused(name: str, folder: str, tmp_path: Path) -> None:
    touch(tmp_path, f"{folder}/readme.txt")
    with pytest.raises(DatasetInvalid, match="as published"):
        READERS[name](tmp_path)
