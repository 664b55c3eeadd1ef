"""Document type files: the one that comes with the project, and how a contradiction in one is told."""

from pathlib import Path

import pytest

from idproof.pipeline.documents import Box, DocumentType, load
from idproof.pipeline.errors import DocumentTypeInvalid


def test_the_builtin_type_is_an_id_1_card(document: DocumentType) -> None:
    assert (document.width_mm, document.height_mm, document.corner_radius_mm) == (85.60, 53.98, 3.18)
    assert document.size_px == (1027, 648)
    assert document.template.is_file()


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        ("width_mm = 85.60", "width_mm = 40.0", "edge"),
        ('script = "chinese"', 'script = "runes"', "script"),
        ("issued_from = 2018-11-26", "", "issued_from"),
        ("portrait = [4.0, 13.0, 21.0, 27.0]", "portrait = [4.0, 13.0, 0.0, 27.0]", "positive"),
        ("px_per_mm = 12.0", "px_per_mm = twelve", "not usable"),
    ],
)
def test_a_contradiction_is_named(document: DocumentType, tmp_path: Path, line: str, instead: str, said: str) -> None:
    text = document.template.with_suffix(".toml").read_text(encoding="utf-8")
    assert line in text
    (tmp_path / "mine.toml").write_text(text.replace(line, instead), encoding="utf-8")
    with pytest.raises(DocumentTypeInvalid, match=said):
        load(tmp_path / "mine.toml")


def test_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DocumentTypeInvalid, match=r"none\.toml cannot be read"):
        load(tmp_path / "none.toml")


def test_boxes_in_pixels_never_leave_the_card_to_the_left_or_top() -> None:
    assert Box(0.2, 0.5, 4.0, 2.0).pixels(10, pad_mm=1.0) == (0, 0, 52, 35)
    assert Box(3.0, 4.0, 4.0, 2.0).pixels(10) == (30, 40, 70, 60)
