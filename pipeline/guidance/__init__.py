"""What to tell a person who holds a card or a face before a camera, within a tenth of a second.

`guide` looks at one small picture with the card's and the face's own tools and says what it sees; `hints` says, without
looking at any picture, which hint follows. Nothing here decides anything about an applicant, and no picture is kept.
"""

from idproof.pipeline.guidance.guide import Guide, Notes
from idproof.pipeline.guidance.hints import Guidance, Hint

__all__ = ["Guidance", "Guide", "Hint", "Notes"]
