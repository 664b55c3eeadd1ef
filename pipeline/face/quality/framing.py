"""Framing: presence of the whole face in the picture (ISO/IEC 29794-5:2025, margins)."""

from idproof.pipeline.face.quality.types import Better, Face, Measure


def measure(face: Face) -> Measure:
    """Measures the share of the face's box that lies within the picture, 0..1."""
    x, y, width, height = face.found.box
    inside_x = max(0.0, min(x + width, face.size[0]) - max(x, 0.0))
    inside_y = max(0.0, min(y + height, face.size[1]) - max(y, 0.0))
    if width <= 0 or height <= 0:
        return Measure("framing", None, "share of area", Better.HIGHER)
    return Measure("framing", inside_x * inside_y / (width * height), "share of area", Better.HIGHER)
