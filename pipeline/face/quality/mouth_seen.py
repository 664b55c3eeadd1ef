"""Mouth seen (ISO/IEC 29794-5:2025, mouth occlusion prevention): the lower face has the colour of skin or lips.

Finds masks of any pale colour, which `occlusion` misses; a cover in the wearer's own hue is not found.
"""

from idproof.pipeline.face.quality.types import Better, Face, Measure


def measure(face: Face) -> Measure:
    """Measures `Landmarks.mouth`; None without networks of landmarks, and for a picture without colour."""
    return Measure(
        "mouth_seen", None if face.landmarks is None else face.landmarks.mouth, "of the skin's colour", Better.HIGHER
    )
