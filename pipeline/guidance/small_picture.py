"""A JPEG as a small picture: its size is read first, and the decoder scales down while it decodes."""

import cv2
import numpy as np

from idproof.models.types import RGBImage
from idproof.pipeline.errors import CaptureTooManyPixels, CaptureUnreadable

_SOF = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended, progressive
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
# With the flag of a colour these reduce pictures in colour too.
_REDUCED = {
    1: 0,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
MAX_PIXELS = 26_000_000


def size_of(data: memoryview) -> tuple[int, int]:
    """(width, height) that a JPEG's header announces; raises `CaptureUnreadable`."""
    if bytes(data[:2]) != b"\xff\xd8":
        raise _unreadable()
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            raise _unreadable()
        marker = data[at + 1]
        if marker in _SOF:
            return data[at + 7] << 8 | data[at + 8], data[at + 5] << 8 | data[at + 6]
        at += 2 if marker in _ALONE or marker == 0xFF else 2 + (data[at + 2] << 8 | data[at + 3])
    raise _unreadable()


def decode(data: memoryview, longest: int) -> RGBImage:
    """The picture with its longer side brought to `longest` pixels at most, RGB, in memory of its own.

    Raises:
        CaptureUnreadable: not a JPEG in colour.
        CaptureTooManyPixels: nothing was decoded.
    """
    width, height = size_of(data)
    if width * height > MAX_PIXELS:
        raise CaptureTooManyPixels(f"A frame has {MAX_PIXELS} pixels at most.", capture="frame")
    step = next((step for step in (8, 4, 2) if max(width, height) >= step * longest), 1)
    try:
        image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR_RGB | _REDUCED[step])
    except cv2.error:
        raise _unreadable() from None
    if image is None:
        raise _unreadable()
    scale = longest / max(image.shape[:2])
    if scale < 1:
        size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image, dtype=np.uint8)


def _unreadable() -> CaptureUnreadable:
    return CaptureUnreadable("The frame is not a JPEG that can be decoded.", capture="frame")
