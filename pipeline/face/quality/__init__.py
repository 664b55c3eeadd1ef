"""Quality of a face for comparison: components after ISO/IEC 29794-5:2025, one file per component.

Most components need only pixels and five landmarks; open eyes and a covered mouth are measured by the profile's
networks of landmarks. Covered eyes, a closed mouth and the expression are not assessed (`NOT_ASSESSED`).
"""

from idproof.pipeline.face.quality.advice import certain_score, settle
from idproof.pipeline.face.quality.assess import NAMES, NOT_ASSESSED, Limits, by_own_eyes, check, measure
from idproof.pipeline.face.quality.types import Face, Measure

__all__ = [
    "NAMES",
    "NOT_ASSESSED",
    "Face",
    "Limits",
    "Measure",
    "by_own_eyes",
    "certain_score",
    "check",
    "measure",
    "settle",
]
