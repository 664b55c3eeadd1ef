"""The picture of a document type's static print, read once."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.pipeline.documents import Box, DocumentType
from idproof.pipeline.errors import DocumentTypeInvalid

_CACHED = 16  # pictures of about 0.5 MB; more types than one process is expected to open


def read_template(document: DocumentType) -> NDArray[np.uint8]:
    """The grey template picture, read-only, (height, width) of the canonical frame.

    Raises:
        DocumentTypeInvalid: the picture cannot be read or has another size.
    """
    path, (width, height) = document.template, document.size_px
    try:
        stat = path.stat()
        template = _read(path, stat.st_mtime_ns, stat.st_size)
    except OSError:
        template = None
    if template is None or template.shape != (height, width):
        raise DocumentTypeInvalid(
            f"The template picture of {document.name} must exist and have {width} × {height} pixels."
        )
    return template


def too_little_print(document: DocumentType) -> DocumentTypeInvalid:
    """The error of a template that gives a stage too few points or too little detail."""
    return DocumentTypeInvalid(f"The template picture of {document.name} shows too little static print.")


def boxes_over_print(document: DocumentType) -> tuple[Box, ...]:
    """Boxes where a card shows more than its static print: portrait, optically variable regions and fields."""
    return (document.portrait, *(r.box for r in document.regions), *(spec.box for spec in document.fields))


def static_print_mask(document: DocumentType, beside_mm: float) -> NDArray[np.bool_]:
    """(height, width) in canonical pixels: true where a card shows its static print alone.

    Args:
        document: the type.
        beside_mm: width of the strip around each box of `boxes_over_print` that is left out too.
    """
    width, height = document.size_px
    mask = np.ones((height, width), dtype=np.bool_)
    for box in boxes_over_print(document):
        left, top, right, bottom = box.pixels(document.px_per_mm, pad_mm=beside_mm)
        mask[top:bottom, left:right] = False
    return mask


@lru_cache(maxsize=_CACHED)
def _read(path: Path, modified_ns: int, size: int) -> NDArray[np.uint8] | None:  # noqa: ARG001  (a changed file is read again)
    picture: NDArray[Any] | None = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        return None
    picture.setflags(write=False)
    return np.asarray(picture, dtype=np.uint8)
