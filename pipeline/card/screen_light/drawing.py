"""Colours of the two halves of a screen, drawn at random by the server for one card at one moment.

The nonce is made when the light is asked for and not before, unlike the one of a capture plan: whoever knew it when the
session began could compute frames at leisure.
"""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from idproof.pipeline.nonce_stream import NonceStream
from idproof.pipeline.shown_colours import LIGHT_MS, PALETTE, Colour

MOMENTS = 8
"""Pairs of colours. Of 8 a sequence drawn independently correlates by 0.8 or more once in 2,700 times, of 6 once in 410
(computed by `tests/pipeline/card/screen_light/test_judging.py`)."""
_DOMAIN = b"idproof card light 1\0"
_PAIRS = tuple((left, right) for left in PALETTE for right in PALETTE if left != right)


@dataclass(frozen=True, slots=True)
class HalvesLight:
    """One colour on each half of the screen, in milliseconds from the first moment.

    Attributes:
        left, right: sRGB of the half on that side of the person before the screen.
        start_ms, end_ms: time.
    """

    left: Colour
    right: Colour
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class CardLight:
    """The colours that light one card.

    Attributes:
        nonce: random bytes from the server, used once.
        lights: in order, without pauses. The halves never have one colour, and no pair comes twice in a row.
    """

    nonce: bytes = field(repr=False)
    lights: tuple[HalvesLight, ...]

    @property
    def duration_ms(self) -> int:
        """Milliseconds from the first colour to the end of the last."""
        return self.lights[-1].end_ms

    @property
    def drawn_bits(self) -> float:
        """Binary logarithm of how many sequences this one was drawn from.

        The chance that another one is taken for it is greater, since a part of the changes suffices: see `judging`.
        """
        return math.log2(len(_PAIRS) * (len(_PAIRS) - 1) ** (len(self.lights) - 1))

    def index_at(self, at_ms: float) -> int | None:
        """Returns which pair is shown at a time; None before the first and after the last."""
        return next((i for i, each in enumerate(self.lights) if each.start_ms <= at_ms < each.end_ms), None)

    def to_json(self) -> dict[str, Any]:
        """Returns everything that a device needs to show the colours."""
        lights = [asdict(light) | {"left": list(light.left), "right": list(light.right)} for light in self.lights]
        return {"duration_ms": self.duration_ms, "lights": lights}


def draw(nonce: bytes) -> CardLight:
    """Draws the colours of a nonce: the same for the same nonce, one of 12 · 11⁷ sequences (27.8 bits).

    Args:
        nonce: 16 random bytes or more, from `secrets.token_bytes`.

    Raises:
        ValueError: the nonce is too short.

    Example:
        >>> light = draw(bytes(16))
        >>> len(light.lights), light.duration_ms, light.lights[0].left != light.lights[0].right
        (8, 4800, True)
    """
    pairs = NonceStream(_DOMAIN, nonce).sequence(_PAIRS, MOMENTS)
    return CardLight(
        nonce,
        tuple(HalvesLight(left, right, i * LIGHT_MS, (i + 1) * LIGHT_MS) for i, (left, right) in enumerate(pairs)),
    )
