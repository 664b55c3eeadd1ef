"""Eyes open (ISO/IEC 29794-5:2025, eyes open): opening of the less open eye, over its width.

Closed eyes have 0.06 to 0.07, open ones 0.14 to 0.30, and narrow ones 0.09. Where frames of a challenge show the
person's own eyes, `assess.by_own_eyes` judges by them.
"""

from idproof.pipeline.face.quality.types import Better, Face, Measure


def measure(face: Face) -> Measure:
    """Measures the eyes by the profile's networks of landmarks; None without them."""
    return Measure(
        "eyes_open", None if face.landmarks is None else face.landmarks.eyes, "of the eye's width", Better.HIGHER
    )
