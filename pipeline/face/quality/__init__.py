"""How well a face can be compared: components after ISO/IEC 29794-5:2025, one file each.

Only what pixels and five landmarks can tell is here. Whether the eyes are open or covered, whether the mouth is closed
and the expression need landmarks of lids and lips, or a segmentation, that no network of the profile gives:
`NOT_ASSESSED` names them, and nothing here pretends to see them.
"""

from idproof.pipeline.face.quality.assess import NAMES, NOT_ASSESSED, Limits, check, measure
from idproof.pipeline.face.quality.types import Face, Measure

__all__ = ["NAMES", "NOT_ASSESSED", "Face", "Limits", "Measure", "check", "measure"]
