"""The card's answer to light: the two halves of the device's own screen show colours that nobody knew before.

`drawing` draws the colours, `meter` measures each small picture, `track` collects the frames of one showing, `judging`
compares what was seen with what was shown. Only numbers stay of the frames, and one small picture to compare with,
which belongs in the vault.
"""

from idproof.pipeline.card.screen_light.drawing import CardLight, HalvesLight, draw
from idproof.pipeline.card.screen_light.judging import NAME, LightAnswer, check, lit_role, measure
from idproof.pipeline.card.screen_light.meter import LightMeter, LitFrame
from idproof.pipeline.card.screen_light.track import LightState, LightTrack

__all__ = [
    "NAME",
    "CardLight",
    "HalvesLight",
    "LightAnswer",
    "LightMeter",
    "LightState",
    "LightTrack",
    "LitFrame",
    "check",
    "draw",
    "lit_role",
    "measure",
]
