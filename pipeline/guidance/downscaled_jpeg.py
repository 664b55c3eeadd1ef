"""Decodes a JPEG to a small picture: its size is read first, and the decoder scales down while it decodes."""

import io

import cv2
import numpy as np
from PIL import Image

from idproof.models.types import RGBImage
from idproof.pipeline.capture.decoding import require_few_scans
from idproof.pipeline.capture.memory_reader import MemoryReader
from idproof.pipeline.config import Limits
from idproof.pipeline.errors import CaptureTooManyPixels, CaptureUnreadable

MAX_PIXELS = Limits().max_pixels
"""Of a frame, as of a capture: a still of guidance becomes a capture."""

_MIN_SIDE_PX = 8
"""Shorter side of the small picture. A thinner one shows neither card nor face, and OpenCV cannot scale it further."""

_REDUCTIONS = {
    1: 0,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
"""Scales at which libjpeg decodes; with the flag of a colour they reduce pictures in colour, too."""


def read_size(data: memoryview) -> tuple[int, int]:
    """Read (width, height) from a JPEG's header, without decoding; raises as `decode`."""
    try:
        with Image.open(io.BufferedReader(MemoryReader(data)), formats=["JPEG"]) as image:
            return image.size
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except Exception:  # noqa: BLE001 - a parser fails in many ways on hostile bytes; each gives this one error
        raise _unreadable() from None


def decode(data: memoryview, longer_px: int) -> RGBImage:
    """Decode a JPEG with its longer side at most `longer_px` pixels, RGB, in memory of its own.

    Raises:
        CaptureUnreadable: not a JPEG, damaged, or a picture that is too thin to show anything.
        CaptureTooManyPixels: nothing was decoded.
        CaptureFormatUnsupported: it has too many scans; nothing was decoded.
    """
    width, height = read_size(data)
    if width * height > MAX_PIXELS:
        raise _too_many_pixels()
    require_few_scans(data, "frame")
    reduction = next((factor for factor in (8, 4, 2) if max(width, height) >= factor * longer_px), 1)
    try:
        image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR_RGB | _REDUCTIONS[reduction])
    except cv2.error:
        raise _unreadable() from None
    if image is None:
        raise _unreadable()
    scale = longer_px / max(image.shape[:2])
    if min(image.shape[:2]) * min(scale, 1.0) < _MIN_SIDE_PX:
        image.fill(0)
        raise _unreadable()
    if scale < 1:
        size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image, dtype=np.uint8)


def _unreadable() -> CaptureUnreadable:
    return CaptureUnreadable("The frame is not a JPEG that can be decoded.", capture="frame")


def _too_many_pixels() -> CaptureTooManyPixels:
    return CaptureTooManyPixels(f"A frame has {MAX_PIXELS} pixels at most.", capture="frame")
