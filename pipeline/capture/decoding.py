"""From a capture's bytes to pixels, bounded before anything is decoded.

The header is read first: format, number of frames, pixel type and size. Only a still 8-bit RGB or grey JPEG or
PNG within the limits is decoded; nothing is written anywhere. JPEGs that carry further pictures behind the first
(MPO: depth or gain maps of phones) are taken by their first picture, which is what the person saw.
"""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from idproof.models.types import RGBImage
from idproof.pipeline.config import Limits
from idproof.pipeline.errors import (
    BadInput,
    CaptureFormatUnsupported,
    CaptureTooManyPixels,
    CaptureTooSmall,
    CaptureUnreadable,
)

_PNG_BIT_DEPTH_OFFSET = (
    24  # PNG specification (third edition), 11.2.1: signature 8, length 4, type 4, width 4, height 4
)
_OPAQUE = 255


class _MemoryReader(io.RawIOBase):
    """A file over borrowed memory, so that a decoder reads it where it is instead of being given a copy."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._view)}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, target: Any) -> int:
        chunk = self._view[self._at : self._at + len(target)]
        target[: len(chunk)] = chunk
        self._at += len(chunk)
        return len(chunk)


def decode(data: memoryview, role: str, limits: Limits) -> RGBImage:
    """Pixels of one capture, turned upright by its EXIF orientation.

    Returns:
        RGB, `uint8`, (height, width, 3), in memory of its own.

    Raises:
        CaptureUnreadable: not a picture, or damaged.
        CaptureFormatUnsupported: animated, 16-bit, CMYK, transparent, or neither JPEG nor PNG.
        CaptureTooManyPixels, CaptureTooSmall: outside the limits; nothing was decoded.
    """
    try:
        with Image.open(io.BufferedReader(_MemoryReader(data))) as image:
            _check_header(image, data, role, limits)
            return _pixels(image, role)
    except BadInput:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many(role, limits) from None
    except Exception:  # noqa: BLE001 - a decoder fails in many ways on hostile bytes; each is this one answer
        # No cause is chained: a decoder's message may quote the bytes it stumbled over.
        raise CaptureUnreadable(f"The capture {role} is not a readable picture.", capture=role) from None


def _check_header(image: Image.Image, data: memoryview, role: str, limits: Limits) -> None:
    if image.format not in ("JPEG", "MPO", "PNG"):
        raise CaptureFormatUnsupported(f"The capture {role} must be a JPEG or a PNG.", capture=role)
    if image.format == "PNG" and getattr(image, "n_frames", 1) > 1:
        raise CaptureFormatUnsupported(f"The capture {role} is animated; send one still picture.", capture=role)
    if image.format == "PNG" and data[_PNG_BIT_DEPTH_OFFSET] > 8:
        raise CaptureFormatUnsupported(f"The capture {role} has 16 bits a channel; send 8.", capture=role)
    if image.mode not in ("RGB", "L", "RGBA", "LA", "P", "1"):
        raise CaptureFormatUnsupported(f"The capture {role} must have RGB or grey pixels.", capture=role)
    if image.width * image.height > limits.max_pixels:
        raise _too_many(role, limits)
    if min(image.size) < limits.min_side_px:
        raise CaptureTooSmall(f"The capture {role} needs {limits.min_side_px} pixels a side.", capture=role)


def _too_many(role: str, limits: Limits) -> CaptureTooManyPixels:
    return CaptureTooManyPixels(f"The capture {role} has more than {limits.max_pixels} pixels.", capture=role)


def _pixels(image: Image.Image, role: str) -> RGBImage:
    image.load()
    if image.has_transparency_data:
        alpha = image.convert("RGBA").getchannel("A")
        # What a transparent pixel shows depends on who draws it; an opaque channel (as browsers write) is harmless.
        if alpha.getextrema() != (_OPAQUE, _OPAQUE):
            raise CaptureFormatUnsupported(f"The capture {role} has transparent pixels.", capture=role)
    upright = ImageOps.exif_transpose(image).convert("RGB")
    return np.array(upright, dtype=np.uint8)
