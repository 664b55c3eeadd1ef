"""Reads the orientation from a picture's EXIF data, and nothing else of it.

Cameras and editors write odd tags: of a wrong type, with an offset outside the data, or cut off. None of them says
anything about how the picture stands, so none of them is interpreted.
"""

import struct

from PIL import Image

_TAG = 0x0112
"""Orientation (Exif 3.0, 4.6.5; TIFF 6.0, page 36)."""

_SHORT, _LONG = 3, 4  # types of a value (TIFF 6.0, section 2)
_ENTRY_BYTES = 12  # of one entry of an image file directory (TIFF 6.0, section 2)
_BYTE_ORDERS = {b"II": "<", b"MM": ">"}
_PREFIX = b"Exif\0\0"

_UPRIGHT = 1
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def turn_upright(image: Image.Image) -> Image.Image:
    """Turn a loaded picture as its orientation says; a picture whose orientation is missing or unknown stays."""
    transposition = _TRANSPOSITIONS.get(_orientation(image))
    return image if transposition is None else image.transpose(transposition)


def read_orientation(exif: bytes) -> int | None:
    """Read the orientation from EXIF data.

    Args:
        exif: a TIFF structure, with or without the prefix `Exif`; may be damaged.

    Returns:
        1 to 8, or None where the data holds no such value.
    """
    tiff = exif.removeprefix(_PREFIX)
    order = _BYTE_ORDERS.get(tiff[:2])
    if order is None or len(tiff) < struct.calcsize("HHI"):
        return None
    (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    if start + 2 > len(tiff):
        return None
    (count,) = struct.unpack_from(f"{order}H", tiff, start)
    end = min(start + 2 + count * _ENTRY_BYTES, len(tiff) - _ENTRY_BYTES + 1)
    for at in range(start + 2, end, _ENTRY_BYTES):
        tag, kind, values = struct.unpack_from(f"{order}HHI", tiff, at)
        if tag == _TAG and kind in (_SHORT, _LONG) and values == 1:
            (value,) = struct.unpack_from(f"{order}{'H' if kind == _SHORT else 'I'}", tiff, at + 8)
            return value if _UPRIGHT <= value <= max(_TRANSPOSITIONS) else None
    return None


def _orientation(image: Image.Image) -> int:
    exif = image.info.get("exif")
    found = read_orientation(exif) if isinstance(exif, bytes) else None
    if found is not None:
        return found
    try:
        # The decoder also finds EXIF data in a PNG's text, and the orientation in XMP data.
        value = image.getexif().get(_TAG)
    except Exception:  # noqa: BLE001 - the decoder fails in many ways on odd tags, which say nothing of the picture
        return _UPRIGHT
    return value if isinstance(value, int) else _UPRIGHT
