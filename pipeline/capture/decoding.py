"""Decodes a capture's bytes to pixels, within bounds that are checked before anything is decoded.

The header is read first: format, number of frames, pixel type and size. Only a still 8-bit RGB or grey JPEG or
PNG within the limits is decoded; nothing is written anywhere. A JPEG that carries further pictures behind the first
(MPO: depth or gain maps of phones) is decoded to its first picture, which is the one that the applicant saw.
"""

import io

import numpy as np
from PIL import Image, ImageOps

from idproof.models.types import RGBImage
from idproof.pipeline.capture.memory_reader import MemoryReader
from idproof.pipeline.config import Limits
from idproof.pipeline.errors import (
    BadInput,
    CaptureFormatUnsupported,
    CaptureTooManyPixels,
    CaptureTooSmall,
    CaptureUnreadable,
)

_PNG_BIT_DEPTH_OFFSET = 24
"""PNG specification (third edition), 5.2 and 11.2.1: signature 8 bytes, length 4, type 4, width 4, height 4."""

_OPAQUE = 255


def decode(data: memoryview, role: str, limits: Limits) -> RGBImage:
    """Decode one capture, turned upright by its EXIF orientation.

    Args:
        data: JPEG or PNG.
        role: of the capture, or another name, for errors.
        limits: bounds on pixels and on the shorter side.

    Returns:
        RGB, `uint8`, (height, width, 3), in memory of its own.

    Raises:
        CaptureUnreadable: not a picture, or damaged.
        CaptureFormatUnsupported: animated, 16-bit, CMYK, transparent, or neither JPEG nor PNG.
        CaptureTooManyPixels, CaptureTooSmall: outside the limits; nothing was decoded.
    """
    try:
        with Image.open(io.BufferedReader(MemoryReader(data))) as image:
            _check_header(image, data, role, limits)
            return _pixels(image, role)
    except BadInput:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels(role, limits) from None
    except Exception:  # noqa: BLE001 - a decoder fails in many ways on hostile bytes; each gives this one error
        # No cause is chained: a decoder's message may quote bytes of the picture.
        raise CaptureUnreadable(f"The capture {role} is not a readable picture.", capture=role) from None


def _check_header(image: Image.Image, data: memoryview, role: str, limits: Limits) -> None:
    if image.format not in ("JPEG", "MPO", "PNG"):
        raise CaptureFormatUnsupported(f"The capture {role} must be a JPEG or a PNG.", capture=role)
    if image.format == "PNG" and getattr(image, "n_frames", 1) > 1:
        raise CaptureFormatUnsupported(f"The capture {role} is animated; send one still picture.", capture=role)
    if image.format == "PNG" and data[_PNG_BIT_DEPTH_OFFSET] > 8:
        raise CaptureFormatUnsupported(f"The capture {role} has 16 bits per channel; send 8.", capture=role)
    if image.mode not in ("RGB", "L", "RGBA", "LA", "P", "1"):
        raise CaptureFormatUnsupported(f"The capture {role} must have RGB or grey pixels.", capture=role)
    if image.width * image.height > limits.max_pixels:
        raise _too_many_pixels(role, limits)
    if min(image.size) < limits.min_side_px:
        raise CaptureTooSmall(f"The capture {role} needs {limits.min_side_px} pixels per side.", capture=role)


def _too_many_pixels(role: str, limits: Limits) -> CaptureTooManyPixels:
    return CaptureTooManyPixels(f"The capture {role} has more than {limits.max_pixels} pixels.", capture=role)


def _pixels(image: Image.Image, role: str) -> RGBImage:
    image.load()
    if image.has_transparency_data:
        alpha = image.convert("RGBA").getchannel("A")
        # A transparent pixel's look depends on the viewer; an opaque channel, as browsers write it, does no harm.
        if alpha.getextrema() != (_OPAQUE, _OPAQUE):
            raise CaptureFormatUnsupported(f"The capture {role} has transparent pixels.", capture=role)
    upright = ImageOps.exif_transpose(image).convert("RGB")
    return np.array(upright, dtype=np.uint8)
