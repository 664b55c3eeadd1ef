"""The forms in which a server may hold a registration's pictures, faces and templates, and the needles of each."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.deletion.table import NEEDLE_BYTES, Bytes, searchable
from idproof.models.arcface import SIDE
from idproof.models.types import RGBImage
from idproof.pipeline.vault.kinds import CROP, DECODED, TEMPLATE
from idproof.pipeline.vault.sealer import Sealer

LINE, TENSOR, FEATURES = "line", "tensor", "features"
"""Kinds of arrays at the engines, beside those of the vault: pictures that readers and detector receive, inputs of the
networks, and the recogniser's own output before it is brought to unit length."""
FORMS = (
    "compressed",
    "upload_tail",
    "rows_rgb",
    "rows_bgr",
    "rows_rgbx",
    "rows_planar",
    "rows_grey",
    "crop_uint8",
    "crop_float",
    "face_uint8",
    "face_mirrored",
    "face_float",
    "line",
    "tensor",
    "template_raw",
    "template",
    "template_serialised",
)
BIOMETRIC_FORMS = tuple(form for form in FORMS if form.startswith(("face_", "template")))
"""The forms of aligned faces and templates, which `planting` plants."""
UPLOAD_TAIL = "upload_tail"
FINE, COARSE = 2048, 16_384  # bytes between two needles; a shorter residue may be missed. Chosen by hand.
_OPAQUE = 255
_MIN_STEP = 64  # bytes between two needles of a small array. Chosen by hand.
# Eighths of the step: uploads are cut into many small pieces on their way; floats are four times as many bytes for the
# same picture, in several layouts.
_STEPS = {"compressed": 1, "crop_float": 64, "face_float": 16}
_NONCE_BYTES = 12  # in front of what is sealed
_HEADER_BYTES = 8  # of a serialised template's header in its needle; the other 24 are of the template. Chosen by hand.


def forms_of(kind: str, array: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yields an array of the vault or of an engine in every form that is searched for.

    Args:
        kind: of the vault (`pipeline/vault/kinds.py`), `LINE`, `TENSOR` or `FEATURES`.
        array: pixels, numbers of a tensor, or one row per template.
    """
    if kind == DECODED:
        yield from row_forms(array)
    elif kind == CROP and is_face(array):
        yield from face_forms(array)
    elif kind == TEMPLATE:
        yield from template_forms(array)
    elif kind == FEATURES:
        yield from (("template_raw", row) for row in array)
    elif kind == LINE:
        yield from ((kind, layout) for layout in _layouts(array))
    elif kind == TENSOR:
        yield kind, array
    else:
        yield from crop_forms(array)


def upload_forms(data: bytes) -> Iterator[tuple[str, Bytes]]:
    """Yields an encoded picture, and its end: an unfinished hash keeps that until its block is full."""
    whole = np.frombuffer(data, dtype=np.uint8)
    yield "compressed", whole
    yield UPLOAD_TAIL, whole[-NEEDLE_BYTES:]


def row_forms(image: RGBImage) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yields a decoded picture in the layouts of common libraries; Pillow itself keeps four bytes per pixel."""
    yield "rows_rgb", image
    yield "rows_bgr", image[..., ::-1]
    yield "rows_rgbx", np.dstack([image, np.full(image.shape[:2], _OPAQUE, dtype=np.uint8)])
    yield "rows_planar", image.transpose(2, 0, 1)
    yield "rows_grey", cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def crop_forms(image: RGBImage) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yields a crop as networks take it: each channel order, as bytes and in the three usual float ranges."""
    for layout in _layouts(image):
        yield "crop_uint8", layout
        yield from (("crop_float", floats) for floats in _float_ranges(layout))


def face_forms(face: RGBImage) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yields an aligned face in every channel order: as bytes, mirrored, and both in the three usual float ranges."""
    for form, image in (("face_uint8", face), ("face_mirrored", np.ascontiguousarray(face[:, ::-1]))):
        for layout in _layouts(image):
            yield form, layout
            yield from (("face_float", floats) for floats in _float_ranges(layout))


def template_forms(templates: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yields each template (a row, unit length) as numbers, and where its header ends and the numbers begin.

    The second is how `Sealer` serialises one; the numbers themselves look the same in both forms.
    """
    for row in templates:
        yield "template", row
        serialised = serialise(row[None])
        start = len(serialised) - row.nbytes - _HEADER_BYTES
        yield "template_serialised", np.frombuffer(serialised[start : start + NEEDLE_BYTES], dtype=np.uint8)


def needles_of(form: str, array: NDArray[Any], step: int) -> Bytes:
    """Returns needles of one form, for `step` bytes between two needles of an ordinary picture."""
    return pick_needles(array, step * _STEPS.get(form, 8) // 8)


def pick_needles(array: NDArray[Any], step: int) -> Bytes:
    """Returns needles from all over an array, one every `step` bytes; small arrays are covered densely."""
    data = np.ascontiguousarray(array).view(np.uint8).reshape(-1)
    step = max(_MIN_STEP, min(step, len(data) // 8))
    # Four times as many starts as needles: plain areas give none, and the neighbour of a plain place may be usable.
    starts = np.arange(0, max(0, len(data) - NEEDLE_BYTES + 1), max(NEEDLE_BYTES, step // 4))
    if not len(starts):
        return np.empty((0, NEEDLE_BYTES), dtype=np.uint8)
    picked = data[starts[:, None] + np.arange(NEEDLE_BYTES)]
    good = searchable(picked, numbers=array.dtype.itemsize > 1)
    _, first = np.unique(starts[good] // step, return_index=True)
    return np.asarray(picked[good][first])


def _layouts(image: NDArray[Any]) -> list[NDArray[Any]]:
    if image.ndim == 2:
        return [image]
    return [image, image[..., ::-1], image.transpose(2, 0, 1), cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)]


def _float_ranges(layout: NDArray[Any]) -> Iterator[NDArray[np.float32]]:
    values = layout.astype(np.float32)
    yield from (values, values / np.float32(255), values / np.float32(127.5) - np.float32(1))


class _NoCipher:
    """Gives back a copy of what it should encrypt."""

    def encrypt(self, nonce: bytes, data: bytearray, about: bytes) -> bytes:
        del nonce, about
        return bytes(data)


def is_face(array: NDArray[Any]) -> bool:
    """True for an aligned face."""
    return array.shape == (SIDE, SIDE, 3)


def serialise(template: NDArray[Any]) -> bytes:
    """Returns what `Sealer` hands to its cipher, made by its own code."""
    with patch.object(Sealer, "_cipher", lambda _: _NoCipher()), Sealer() as sealer:
        return sealer.seal(template, TEMPLATE)[_NONCE_BYTES:]
