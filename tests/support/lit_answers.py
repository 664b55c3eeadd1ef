"""Numbers of frames of things that answer a light, without pictures."""

from collections.abc import Callable

import numpy as np

from idproof.pipeline.card.screen_light import CardLight, LitFrame
from idproof.pipeline.card.screen_light.meter import Sides
from idproof.pipeline.shown_colours import Colour

Answer = Callable[[Colour, Colour], tuple[Sides, Sides]]
"""Contrast and level under colours of the left and the right half."""


def _light(colour: Colour) -> np.ndarray:
    return np.square(np.array(colour) / 255)


def card(left: Colour, right: Colour, near: float = 0.3, far: float = 0.2) -> tuple[Sides, Sides]:
    """Paper in a room: the half at its side lights it more. The person's left is the picture's right."""
    sides = np.array([1 + near * _light(right) + far * _light(left), 1 + near * _light(left) + far * _light(right)])
    return sides, sides


def display(left: Colour, right: Colour) -> tuple[Sides, Sides]:
    """Glass before a picture that shines: its contrast stays."""
    return np.ones((2, 3)), card(left, right)[1]


def tinted(left: Colour, right: Colour) -> tuple[Sides, Sides]:
    """A picture that is tinted as a whole."""
    tint = np.array([_light(left) + _light(right)] * 2)
    return tint, tint


def frames(
    light: CardLight,
    answer: Answer,
    *,
    lag_ms: float = 80.0,
    interval_ms: float = 150.0,
    noise: float = 0.002,
    hidden: tuple[int, ...] = (),
    before_ms: float = 0.0,
    after_ms: float = 300.0,
) -> list[LitFrame]:
    """A film of a thing under a light; some moments may have no frame."""
    rng, found = np.random.default_rng(1), []
    for at_ms in np.arange(-before_ms, light.duration_ms + after_ms, interval_ms):
        index = light.index_at(at_ms - lag_ms)
        if index in hidden:
            continue
        shown = light.lights[min(max(int(at_ms - lag_ms) // 600, 0), len(light.lights) - 1)]
        contrast, level = (side * (1 + rng.normal(0, noise, (2, 3))) for side in answer(shown.left, shown.right))
        found.append(LitFrame(float(at_ms), contrast, level))
    return found
