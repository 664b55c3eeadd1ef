"""A table of still pictures, beside them or in a zip with them."""

import csv
import io
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np
import pytest

from idproof.datasets.liveness.stills import read_stills
from idproof.pipeline.errors import DatasetInvalid

PICTURE = cv2.imencode(".png", np.full((4, 5, 3), (30, 20, 10), np.uint8))[1].tobytes()
COLUMNS = ("label", "kind", "source", "sha256", "file")


def table(*rows: tuple[str, ...]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([COLUMNS, *rows])
    return text.getvalue()


ROWS = (
    ("bonafide", "webcam", "one", sha256(PICTURE).hexdigest(), "a.png"),
    ("attack", "display clip frame, wears mask", "two", "", "b.png"),
    ("attack", "Resin_mask (worn)", "two", "", "b.png"),
    ("unsure", "print_held", "two", "", "b.png"),
)


def test_labels_and_kinds_are_read_from_a_folder_and_a_zip(tmp_path: Path) -> None:
    (tmp_path / "pad.csv").write_text(table(*ROWS))
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(PICTURE)
    with ZipFile(tmp_path / "pad.zip", "w") as archive:
        archive.writestr("in/pad.csv", table(*ROWS))
        archive.writestr("in/a.png", PICTURE)
        archive.writestr("in/b.png", PICTURE)
    stills = list(read_stills(tmp_path / "pad.csv"))
    assert stills == list(read_stills(tmp_path / "pad.zip"))
    assert [(still.bona_fide, still.kind, still.flat) for still in stills] == [
        (True, "webcam", False),
        (False, "display_clip_frame", True),
        (False, "resin_mask", False),
        (None, "print_held", False),
    ]
    assert stills[0].pixels()[0, 0].tolist() == [10, 20, 30]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("attack", "display", "one", "0" * 64, "a.png"), "not the picture"),
        (("attack", "display", "one", "", "missing.png"), "missing"),
        (("attack", "display", "one", "", "../a.png"), "outside"),
        (("attack", "display", "one", "", "/etc/hostname"), "outside"),
    ],
)
def test_a_picture_that_is_not_the_listed_one_is_refused(tmp_path: Path, row: tuple[str, ...], said: str) -> None:
    (tmp_path / "a.png").write_bytes(PICTURE)
    (tmp_path / "pad.csv").write_text(table(row))
    with pytest.raises(DatasetInvalid, match=said):
        list(read_stills(tmp_path / "pad.csv"))


def test_a_table_without_its_columns_or_a_zip_without_a_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pad.csv").write_text("label,file\nattack,a.png\n")
    ZipFile(tmp_path / "empty.zip", "w").close()
    for name in ("pad.csv", "empty.zip", "absent.csv"):
        with pytest.raises(DatasetInvalid):
            list(read_stills(tmp_path / name))


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    (tmp_path / "pad.csv").write_text(table(("attack", "display", "one", "", "a.png")))
    with pytest.raises(DatasetInvalid, match="not a picture"):
        next(read_stills(tmp_path / "pad.csv")).pixels()
