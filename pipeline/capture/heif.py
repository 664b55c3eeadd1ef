"""Recognises and decodes HEIC, the format in which iPhones store photographs (ISO/IEC 23008-12).

`pi-heif` (extra `heif`) decodes it with libheif and libde265, without any encoder. libheif refuses a picture that is
larger than its header announces. AVIF is recognised and not decoded: telephones do not store photographs in it by
default, and Pillow's decoder offers no bound on the memory that a small file may ask for.
"""

import importlib
from enum import StrEnum
from typing import Any

_TYPE = slice(4, 8)  # of the first box; its size comes before (ISO/IEC 14496-12, 4.2)
_MAJOR_BRAND = slice(8, 12)
_COMPATIBLE_BRANDS_AT = 16  # behind a version number (ISO/IEC 14496-12, 4.3)
_BRAND_BYTES = 4
_MAX_FILE_TYPE_BYTES = 256  # chosen by hand; a file type box names about ten brands


class HeifKind(StrEnum):
    """Kind of a file of the HEIF family."""

    HEIC = "HEIC"
    AVIF = "AVIF"
    SEQUENCE = "an image sequence"


_STILLS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis"), HeifKind.HEIC),
    b"avif": HeifKind.AVIF,
}
_SEQUENCES = (b"hevc", b"hevx", b"hevm", b"hevs", b"msf1", b"avis")
_ANY_STILL = b"mif1"
"""Brands: ISO/IEC 23008-12, clause 10 and annexes B and E; AV1 Image File Format, section 6."""


def recognise(data: memoryview) -> HeifKind | None:
    """Read the kind from the first bytes; None for a file of another family."""
    if bytes(data[_TYPE]) != b"ftyp":
        return None
    major = bytes(data[_MAJOR_BRAND])
    if major in _SEQUENCES:
        return HeifKind.SEQUENCE
    if major != _ANY_STILL:
        return _STILLS.get(major)
    size = min(int.from_bytes(data[:4], "big"), len(data), _MAX_FILE_TYPE_BYTES)
    others = (bytes(data[at : at + _BRAND_BYTES]) for at in range(_COMPATIBLE_BRANDS_AT, size, _BRAND_BYTES))
    return next((_STILLS[brand] for brand in others if brand in _STILLS), HeifKind.HEIC)


def open_heic(data: memoryview) -> Any | None:
    """Read the header of a HEIC file, without decoding.

    Returns:
        The picture that the file calls its primary one, with `size` and `mode` and `info["bit_depth"]`; `to_pillow`
        decodes it and turns it upright by the file's own transformations, as the standard demands: its EXIF
        orientation only repeats them. None if `pi-heif` is not installed.
    """
    try:
        library = importlib.import_module("pi_heif")
    except ImportError:
        return None
    file = library.open_heif(data, convert_hdr_to_8bit=False)
    return file[file.primary_index]
