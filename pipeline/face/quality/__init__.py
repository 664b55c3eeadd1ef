"""Quality of a face for comparison: components after ISO/IEC 29794-5:2025, one file per component.

The components need only pixels and five landmarks. Open or covered eyes, a closed mouth and the expression need
landmarks
of lids and lips, or a segmentation, which no network of the profile gives: `NOT_ASSESSED` names them.
"""

from idproof.pipeline.face.quality.advice import certain_score, settle
from idproof.pipeline.face.quality.assess import NAMES, NOT_ASSESSED, Limits, check, measure
from idproof.pipeline.face.quality.types import Face, Measure

__all__ = ["NAMES", "NOT_ASSESSED", "Face", "Limits", "Measure", "certain_score", "check", "measure", "settle"]
