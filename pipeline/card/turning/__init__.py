"""The card between its captures: one card that is turned, or pictures that are exchanged.

`meter` measures each small picture, `track` follows the card from one captured angle to the next, `judging` compares
what was seen with the two explanations. No picture is kept.
"""

from idproof.pipeline.card.turning.judging import NAME, LegMeasures, check
from idproof.pipeline.card.turning.meter import TurnFrame, TurnMeter
from idproof.pipeline.card.turning.track import TurnTrack

__all__ = ["NAME", "LegMeasures", "TurnFrame", "TurnMeter", "TurnTrack", "check"]
