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

UNICODE = Path("/usr/share/unicode")


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


def test_the_title_is_a_field_and_no_static_print(document: DocumentType) -> None:
    left, top, right, bottom = document.field("title").box.pixels(artwork.SCALE)
    ink = artwork.static_print(document)[top:bottom, left:right]
    # At most the watermark, translucent and red, crosses it.
    assert ink[..., 3].max() < 80
    assert document.field("title").required


def test_fields_stand_clear_of_each_other_and_of_what_changes(document: DocumentType) -> None:
    boxes = [spec.box for spec in document.fields] + [document.portrait, *(region.box for region in document.regions)]
    clashes = [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :] if overlap(a, b)]
    assert not clashes


def test_static_print_stands_clear_of_the_fields_and_of_what_changes(document: DocumentType) -> None:
    """Otherwise an edit or a turn would move the anchors; the watermark, light and red, may pass."""
    strong = artwork.static_print(document)[..., 3] > 90
    regions = [region.box for region in document.regions]
    for box in [*(spec.box for spec in document.fields), document.portrait, *regions]:
        left, top, right, bottom = box.pixels(artwork.SCALE)
        assert strong[top + 4 : bottom - 4, left + 4 : right - 4].mean() < 0.002, box


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
@pytest.mark.parametrize(("box", "word"), [((12, 6.5, 51, 2.5), "SPECIMEN"), ((5, 45, 28, 7), "SPECIMEN")])
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
    (tmp_path / "commercial_codes.tsv").write_text("甲\t0002 0001\t0001 0003\n乙\t\t0004\n", encoding="utf-8")
    monkeypatch.setattr(commercial_codes, "_FOLDER", tmp_path)
    commercial_codes._columns.cache_clear()
    try:
        assert (codes("甲"), codes("乙")) == (("0002", "0001", "0003"), ("0004",))
    finally:
        monkeypatch.undo()
        commercial_codes._columns.cache_clear()


def test_the_table_is_built_from_the_two_telegraph_columns() -> None:
    lines = [
        "# a comment\n",
        "U+9673\tkMainlandTelegraph\t7115\n",
        "U+9673\tkBigFive\tB3AF\n",
        "U+4E00\tkTaiwanTelegraph\t0001\n",
        "U+9673\tkTaiwanTelegraph\t7115\n",
    ]
    assert list(unihan.code_rows(unihan.properties(lines, unihan.TELEGRAPH))) == ["一\t0001\t", "陳\t7115\t7115"]


@pytest.mark.skipif(
    not (UNICODE / "Unihan_OtherMappings.txt.bz2").exists(), reason="the package unicode-data is not installed"
)
@pytest.mark.parametrize(
    "table", ["commercial_codes.tsv", "variants.tsv", "jyutping.tsv", "pinyin.tsv", "hkscs_2016.tsv"]
)
def test_the_committed_tables_can_be_rebuilt(unihan_tables: Path, table: str) -> None:
    rebuilt = set((unihan_tables / table).read_text(encoding="utf-8").splitlines())
    committed = set((commercial_codes._FOLDER / table).read_text(encoding="utf-8").splitlines())
    assert rebuilt
    assert len(rebuilt ^ committed) / len(committed) < 0.05  # another Unicode version corrects a few


@pytest.fixture(scope="module")
def unihan_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unihan")
    unihan.main(UNICODE, folder)
    return folder
