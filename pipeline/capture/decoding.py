"""Decodes a capture's bytes to pixels, within bounds that are checked before anything is decoded.

The header is read first: format, number of frames, pixel type and size. Only a still 8-bit RGB or grey JPEG, PNG or
HEIC within the limits is decoded; nothing is written anywhere. A JPEG that carries further pictures behind the first
(MPO: depth or gain maps of phones) is decoded to its first picture, which is the one that the applicant saw, and a
HEIC to its primary picture.
"""

import io
import re

import numpy as np
from PIL import Image, JpegImagePlugin

from idproof.models.types import RGBImage
from idproof.pipeline.capture.heif import HeifKind, open_heic, recognise
from idproof.pipeline.capture.jpeg_scans import MAX_SCANS, count_scans
from idproof.pipeline.capture.memory_reader import MemoryReader
from idproof.pipeline.capture.orientation import turn_upright
from idproof.pipeline.config import Limits
from idproof.pipeline.errors import (
    BadInput,
    CaptureFormatUnsupported,
    CaptureHeifUnsupported,
    CaptureTooManyPixels,
    CaptureTooSmall,
    CaptureUnreadable,
)

_PNG_BIT_DEPTH_OFFSET = 24
"""PNG specification (third edition), 5.2 and 11.2.1: signature 8 bytes, length 4, type 4, width 4, height 4."""

_JPEG_START = b"\xff\xd8\xff"
"""Start of image, and the first byte of a marker (ITU-T T.81, table B.1)."""
_OTHER_PICTURE = re.compile(
    rb"GIF8[79]a|BM|II\*\0|MM\0\*|RIFF....WEBP|8BPS|\0\0\0\x0cjP  |\xff\x4f\xff\x51|%!PS", re.DOTALL
)
"""First bytes of GIF, BMP, TIFF (and raw pictures made of it), WebP, Photoshop, JPEG 2000 and PostScript."""

_MAX_BITS = 8  # per channel
_OPAQUE = 255


def decode(data: memoryview, role: str, limits: Limits) -> RGBImage:
    """Decode one capture, turned upright by its EXIF orientation.

    Args:
        data: JPEG, PNG, or HEIC where `pi-heif` is installed.
        role: of the capture, or another name, for errors.
        limits: bounds on pixels and on the shorter side.

    Returns:
        RGB, `uint8`, (height, width, 3), in memory of its own.

    Raises:
        CaptureUnreadable: not a picture, or damaged.
        CaptureFormatUnsupported: animated, 16-bit, CMYK, transparent, no JPEG, PNG or HEIC, or a JPEG of more than
            `MAX_SCANS` scans.
        CaptureHeifUnsupported: AVIF, or HEIC without `pi-heif`.
        CaptureTooManyPixels, CaptureTooSmall: outside the limits; nothing was decoded.
    """
    if _OTHER_PICTURE.match(data):
        raise _other_format(role)
    try:
        kind = recognise(data)
        if kind is not None:
            return _decode_heif(data, kind, role, limits)
        with _open(data) as image:
            _check_header(image, data, role, limits)
            image.load()
            _require_opaque(image, role)
            return _as_array(turn_upright(image))
    except BadInput:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels(role, limits) from None
    except Exception:  # noqa: BLE001 - a decoder fails in many ways on hostile bytes; each gives this one error
        # No cause is chained: a decoder's message may quote bytes of the picture.
        raise CaptureUnreadable(f"The capture {role} is not a readable picture.", capture=role) from None


class _Jpeg(JpegImagePlugin.JpegImageFile):
    """Pillow's reader of JPEG, and of the first picture of an MPO, without the resolution."""

    def _read_dpi_from_exif(self) -> None:
        """Leaves the tags of resolution alone: Pillow 13 fails on an empty one, and nothing here needs them."""


def _open(data: memoryview) -> Image.Image:
    """Reads the header. Pillow opens JPEG and PNG alone: it has some 40 readers, and any could have a fault."""
    reader = io.BufferedReader(MemoryReader(data))
    if data[: len(_JPEG_START)] == _JPEG_START:
        return _Jpeg(reader)
    return Image.open(reader, formats=("PNG",))


def _decode_heif(data: memoryview, kind: HeifKind, role: str, limits: Limits) -> RGBImage:
    if kind is HeifKind.SEQUENCE:
        raise _animated(role)
    image = None if kind is HeifKind.AVIF else open_heic(data)
    if image is None:
        raise CaptureHeifUnsupported(f"The capture {role} is {kind}, which is not read here; send JPEG.", capture=role)
    if image.info["bit_depth"] > _MAX_BITS:
        raise _too_deep(role)
    _check_size(image.size, role, limits)
    decoded = image.to_pillow()
    _require_opaque(decoded, role)
    return _as_array(decoded)


def _check_header(image: Image.Image, data: memoryview, role: str, limits: Limits) -> None:
    if image.format == "PNG" and getattr(image, "n_frames", 1) > 1:
        raise _animated(role)
    if image.format == "PNG" and data[_PNG_BIT_DEPTH_OFFSET] > _MAX_BITS:
        raise _too_deep(role)
    if image.mode not in ("RGB", "L", "RGBA", "LA", "P", "1"):
        raise CaptureFormatUnsupported(f"The capture {role} must have RGB or grey pixels.", capture=role)
    _check_size(image.size, role, limits)
    if image.format != "PNG":
        require_few_scans(data, role)


def require_few_scans(data: memoryview, role: str) -> None:
    """Raises `CaptureFormatUnsupported` for a JPEG that would keep the decoder busy for seconds; decodes nothing."""
    scans = count_scans(data)
    if scans is None:
        raise _other_format(role)
    if scans > MAX_SCANS:
        raise CaptureFormatUnsupported(f"The capture {role} has more than {MAX_SCANS} scans.", capture=role)


def _check_size(size: tuple[int, int], role: str, limits: Limits) -> None:
    if size[0] * size[1] > limits.max_pixels:
        raise _too_many_pixels(role, limits)
    if min(size) < limits.min_side_px:
        raise CaptureTooSmall(f"The capture {role} needs {limits.min_side_px} pixels per side.", capture=role)


def _require_opaque(image: Image.Image, role: str) -> None:
    """Refuse transparent pixels, whose look depends on the viewer; an opaque channel, as browsers write it, passes."""
    if image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema() != (_OPAQUE, _OPAQUE):
        raise CaptureFormatUnsupported(f"The capture {role} has transparent pixels.", capture=role)


def _as_array(image: Image.Image) -> RGBImage:
    return np.array(image.convert("RGB"), dtype=np.uint8)


def _other_format(role: str) -> CaptureFormatUnsupported:
    return CaptureFormatUnsupported(f"The capture {role} must be a JPEG or a PNG.", capture=role)


def _animated(role: str) -> CaptureFormatUnsupported:
    return CaptureFormatUnsupported(f"The capture {role} is animated; send one still picture.", capture=role)


def _too_deep(role: str) -> CaptureFormatUnsupported:
    return CaptureFormatUnsupported(f"The capture {role} has more than 8 bits per channel; send 8.", capture=role)


def _too_many_pixels(role: str, limits: Limits) -> CaptureTooManyPixels:
    return CaptureTooManyPixels(f"The capture {role} has more than {limits.max_pixels} pixels.", capture=role)
