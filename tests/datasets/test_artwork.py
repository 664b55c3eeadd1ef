"""The template, the artwork it is drawn from, and the table of commercial codes."""

import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from idproof.datasets import unihan
from idproof.datasets.specimen import artwork
from idproof.pipeline.documents import Box, DocumentType, commercial_codes
from idproof.pipeline.documents.commercial_codes import codes

UNIHAN = Path("/usr/share/unicode/Unihan_OtherMappings.txt.bz2")


@pytest.fixture(scope="module")
def template(document: DocumentType) -> np.ndarray:
    with Image.open(document.template) as picture:
        return np.array(picture)


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def test_the_type_is_the_one_promised(document: DocumentType) -> None:
    assert (document.name, document.issued_from.isoformat()) == ("hkid-2018", "2018-11-26")
    assert (document.width_mm, document.height_mm, document.corner_radius_mm) == (85.60, 53.98, 3.18)
    assert {spec.name for spec in document.fields if not spec.required} == {"chinese_name", "chinese_codes"}
    assert {region.kind for region in document.regions} == {"diffractive", "second_portrait", "window"}
    assert document.portrait.x + document.portrait.width < document.width_mm / 2
    assert document.ghost is not None
    assert document.ghost.x > document.width_mm / 2


def test_fields_stand_clear_of_each_other_and_of_what_changes(document: DocumentType) -> None:
    boxes = [spec.box for spec in document.fields] + [document.portrait, *(region.box for region in document.regions)]
    clashes = [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :] if overlap(a, b)]
    assert not clashes


def test_the_template_is_what_the_artwork_draws(document: DocumentType, template: np.ndarray) -> None:
    assert template.shape == (648, 1027) == document.size_px[::-1]
    assert template.dtype == np.uint8
    # Another FreeType may move an edge by a fraction of a pixel; another drawing would not stay within this.
    drawn = artwork.template(document)
    assert np.abs(template.astype(int) - drawn).mean() < 0.5


def test_the_template_has_features_everywhere_even_in_the_corners(document: DocumentType, template: np.ndarray) -> None:
    points = np.array([point.pt for point in cv2.SIFT_create().detect(template)]) / document.px_per_mm
    width, height = document.width_mm, document.height_mm
    cells, _, _ = np.histogram2d(points[:, 1], points[:, 0], bins=(3, 4), range=((0, height), (0, width)))
    assert cells.min() >= 20
    for corner in ((0, 0), (width, 0), (width, height), (0, height)):
        assert (np.hypot(*(points - corner).T) < 10).sum() >= 15


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="Tesseract is not installed")
@pytest.mark.parametrize(("box", "word"), [((30, 2.5, 45, 5), "SPECIMEN"), ((5, 45, 28, 7), "SPECIMEN")])
def test_anyone_can_read_that_it_is_a_specimen(
    template: np.ndarray, tmp_path: Path, box: tuple[float, ...], word: str
) -> None:
    left, top, right, bottom = Box(*box).pixels(12)
    Image.fromarray(template[top:bottom, left:right]).save(tmp_path / "line.png")
    command = ["tesseract", str(tmp_path / "line.png"), "-", "--psm", "7"]
    assert word in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_specimen_also_stands_right_across_the_card(document: DocumentType) -> None:
    red = artwork.static_print(document)
    # The watermark: red, translucent, alone.
    marked = (red[..., 0] > 150) & (red[..., 1] < 90) & (red[..., 3] > 20) & (red[..., 3] < 80)
    rows, columns = np.nonzero(marked)
    assert np.ptp(columns) > 0.7 * marked.shape[1]
    assert np.ptp(rows) > 0.5 * marked.shape[0]
    assert marked.mean() > 0.04


def test_every_artwork_has_the_same_print_on_another_ground(document: DocumentType) -> None:
    one, other = artwork.draw(document, 0), artwork.draw(document, 1)
    assert np.array_equal(one.ink, other.ink)
    assert np.abs(one.background.astype(int) - other.background).mean() > 10


def test_codes_of_a_known_name_and_of_no_character() -> None:
    assert [codes(character)[0] for character in "陳大文"] == ["7115", "1129", "2429"]
    assert codes("x") == codes("") == ()


def test_taiwans_codes_come_first_each_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = tmp_path / "codes.tsv"
    table.write_text("甲\t0002 0001\t0001 0003\n乙\t\t0004\n", encoding="utf-8")
    monkeypatch.setattr(commercial_codes, "_TABLE", table)
    commercial_codes._table.cache_clear()
    try:
        assert (codes("甲"), codes("乙")) == (("0002", "0001", "0003"), ("0004",))
    finally:
        monkeypatch.undo()
        commercial_codes._table.cache_clear()


def test_the_table_is_built_from_the_two_telegraph_columns() -> None:
    lines = [
        "# a comment\n",
        "U+9673\tkMainlandTelegraph\t7115\n",
        "U+9673\tkBigFive\tB3AF\n",
        "U+4E00\tkTaiwanTelegraph\t0001\n",
        "U+9673\tkTaiwanTelegraph\t7115\n",
    ]
    assert list(unihan.rows(lines)) == ["一\t0001\t", "陳\t7115\t7115"]


@pytest.mark.skipif(not UNIHAN.exists(), reason="the package unicode-data is not installed")
def test_the_committed_table_can_be_rebuilt(tmp_path: Path) -> None:
    unihan.main(UNIHAN, tmp_path / "codes.tsv")
    if "7115" not in (tmp_path / "codes.tsv").read_text(encoding="utf-8"):
        pytest.fail("the published table gave no codes")
    rebuilt = set((tmp_path / "codes.tsv").read_text(encoding="utf-8").splitlines())
    committed = set(commercial_codes._TABLE.read_text(encoding="utf-8").splitlines())
    assert len(rebuilt ^ committed) / len(committed) < 0.05  # another Unicode version corrects a few
