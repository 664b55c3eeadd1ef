"""Pictures as encoded bytes and back."""

import io

import numpy as np
from PIL import Image


def jpeg(pixels: np.ndarray) -> bytes:
    """Encode RGB pixels as a JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def pixels(data: bytes) -> np.ndarray:
    """Decode to RGB pixels."""
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))
