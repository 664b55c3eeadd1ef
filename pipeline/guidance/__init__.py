"""Guidance for the user of a camera who captures a card or a face, within a tenth of a second per picture.

`guide` measures one small picture with the card's and the face's own tools; `hints` chooses the hint that follows,
without a picture. Nothing here decides anything about an applicant, and no picture is kept.
"""

from idproof.pipeline.guidance.guide import Guide
from idproof.pipeline.guidance.hints import Guidance, Hint
from idproof.pipeline.guidance.memory import GuidanceMemory

__all__ = ["Guidance", "GuidanceMemory", "Guide", "Hint"]
