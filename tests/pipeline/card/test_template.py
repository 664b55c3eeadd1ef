"""The template picture and the frames that go with it."""

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from idproof.pipeline.card.template import boxes_over_print, read_template, static_print_mask
from idproof.pipeline.card.view import mm_from_pixels, pixels_from_mm
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import DocumentTypeInvalid


def test_the_template_is_read_once_and_cannot_be_written_to(document: DocumentType) -> None:
    template = read_template(document)
    assert template.shape == document.size_px[::-1]
    assert read_template(document) is template
    with pytest.raises(ValueError, match="read-only"):
        template[0, 0] = 1


def test_a_template_that_was_replaced_is_read_again(document: DocumentType, tmp_path: Path) -> None:
    picture = tmp_path / "template.png"
    shutil.copy(document.template, picture)
    moved = replace(document, template=picture)
    before = read_template(moved)
    cv2.imwrite(str(picture), 255 - before)
    assert np.array_equal(read_template(moved), 255 - before)


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_a_template_that_is_no_picture_is_refused(
    document: DocumentType, tmp_path: Path, content: bytes | None
) -> None:
    picture = tmp_path / "template.png"
    if content is not None:
        picture.write_bytes(content)
    with pytest.raises(DocumentTypeInvalid, match="must exist and have"):
        read_template(replace(document, template=picture))


def test_a_template_of_another_size_is_refused(document: DocumentType) -> None:
    with pytest.raises(DocumentTypeInvalid, match="must exist and have"):
        read_template(replace(document, px_per_mm=document.px_per_mm * 2))


def test_the_static_print_lies_beside_every_box(document: DocumentType) -> None:
    mask = static_print_mask(document, 0.3)
    assert 0.2 < mask.mean() < 0.8
    for box in boxes_over_print(document):
        left, top, right, bottom = box.pixels(document.px_per_mm, pad_mm=0.3)
        assert not mask[top:bottom, left:right].any()


def test_millimetres_and_pixels_are_inverse() -> None:
    np.testing.assert_allclose(pixels_from_mm(8.0) @ mm_from_pixels(8.0), np.eye(3), atol=1e-12)
    corner = mm_from_pixels(8.0, margin_mm=4.0) @ np.array([-0.5, -0.5, 1])
    np.testing.assert_allclose(corner[:2], [-4.0, -4.0])
