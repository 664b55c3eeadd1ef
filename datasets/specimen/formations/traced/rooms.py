"""Furnished rooms with lamps and windows, as plain geometry.

Millimetres from the middle of the card, in the room's frame: x to the right, y down as gravity pulls, z forward.
Sizes and colours are those of ordinary rooms, chosen by hand; no outside source.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.draws import Draws

Vector = NDArray[np.float64]
# Linear albedos of paint, wood, textile and plastic.
_WALLS = ((0.72, 0.70, 0.66), (0.62, 0.63, 0.62), (0.70, 0.64, 0.52), (0.45, 0.52, 0.56), (0.78, 0.78, 0.77))
_THINGS = (
    (0.30, 0.19, 0.11),
    (0.10, 0.10, 0.11),
    (0.55, 0.53, 0.50),
    (0.16, 0.22, 0.33),
    (0.38, 0.12, 0.10),
    (0.22, 0.30, 0.18),
    (0.62, 0.50, 0.34),
)


@dataclass(frozen=True)
class Panel:
    """A rectangle that shines.

    Attributes:
        middle: (3,).
        across: (3,), half its breadth as a vector.
        down: (3,), half its height as a vector.
        radiance: (3,), relative.
    """

    middle: Vector
    across: Vector
    down: Vector
    radiance: Vector


@dataclass(frozen=True)
class Block:
    """A box.

    Attributes:
        middle: (3,).
        half: (3,), half its sides.
        colour: (3,), albedo.
    """

    middle: Vector
    half: Vector
    colour: Vector


@dataclass(frozen=True)
class Room:
    """A room around the card.

    Attributes:
        low: (3,), its corner with the smallest coordinates.
        high: (3,), the opposite corner; y grows downwards, so this is at the floor.
        walls: (3,), albedo.
        lights: lamps and windows.
        blocks: furniture, and the person who takes the picture.
    """

    low: Vector
    high: Vector
    walls: Vector
    lights: tuple[Panel, ...]
    blocks: tuple[Block, ...]

    @classmethod
    def draw(cls, draws: Draws) -> "Room":
        """Draws a room with one to three lamps or windows."""
        rng = draws.rng
        low = -np.array([draws.uniform(900, 2600), draws.uniform(1100, 1700), draws.uniform(900, 2600)])
        high = np.array([draws.uniform(900, 2600), draws.uniform(750, 1150), draws.uniform(900, 2600)])
        lights = [_light(draws, low, high) for _ in range(int(rng.choice([1, 1, 2, 3])))]
        if rng.uniform() < 0.45:
            lights.append(_desk_lamp(draws))
        walls = np.array(_WALLS[int(rng.integers(len(_WALLS)))]) * draws.uniform(0.85, 1.1)
        blocks = tuple(_thing(rng, low, high) for _ in range(int(rng.integers(5, 11))))
        return cls(low, high, walls.clip(0.02, 0.9), tuple(lights), blocks)


def _light(draws: Draws, low: Vector, high: Vector) -> Panel:
    """Returns a lamp at the ceiling, or a window in a wall."""
    rng = draws.rng
    warmth = draws.uniform(-0.12, 0.25)
    colour = np.array([1 + warmth, 1.0, 1 - 1.1 * warmth])
    if rng.uniform() < 0.5:
        middle = np.array(
            [rng.uniform(0.7 * low[0], 0.7 * high[0]), low[1] + 5, rng.uniform(0.7 * low[2], 0.6 * high[2])]
        )
        across = np.array([draws.uniform(60, 600), 0.0, 0.0])
        down = np.array([0.0, 0.0, draws.uniform(40, 200)])
        return Panel(middle, across, down, colour * np.exp(draws.uniform(np.log(8), np.log(60))))
    side = int(rng.integers(3))
    height, breadth = draws.uniform(350, 650), draws.uniform(300, 900)
    y = draws.uniform(low[1] + height + 60, -height * 0.2)
    daylight = np.array([0.9, 1.0, 1.15]) * np.exp(draws.uniform(np.log(3), np.log(25)))
    if side == 2:  # behind the one who takes the picture
        x = rng.uniform(0.6 * low[0], 0.6 * high[0])
        return Panel(np.array([x, y, low[2] + 5]), np.array([breadth, 0, 0]), np.array([0, height, 0]), daylight)
    x = low[0] + 5 if side == 0 else high[0] - 5
    z = rng.uniform(0.8 * low[2], 0.4 * high[2])
    return Panel(np.array([x, y, z]), np.array([0, 0, breadth]), np.array([0, height, 0]), daylight)


def _desk_lamp(draws: Draws) -> Panel:
    around, high = draws.rng.uniform(0, 2 * np.pi), draws.uniform(300, 700)
    away = draws.uniform(120, 450)
    middle = np.array([away * np.cos(around), -high, away * np.sin(around)])
    half = draws.uniform(18, 60)
    colour = np.array([1.15, 1.0, 0.8]) * np.exp(draws.uniform(np.log(40), np.log(300)))
    return Panel(middle, np.array([half, 0.0, 0.0]), np.array([0.0, 0.0, half]), colour)


def _thing(rng: np.random.Generator, low: Vector, high: Vector) -> Block:
    """Returns a cupboard, a shelf, a picture or a chair along a wall."""
    half = np.array([rng.uniform(80, 500), rng.uniform(60, 700), rng.uniform(20, 250)])
    wall = int(rng.integers(4))
    place = np.array([rng.uniform(low[0], high[0]), rng.uniform(low[1] * 0.5, high[1]), rng.uniform(low[2], high[2])])
    if wall < 2:
        half = half[[2, 1, 0]]
        place[0] = (low, high)[wall][0]
    else:
        place[2] = (low, high)[wall - 2][2]
    return Block(place, half, np.array(_THINGS[int(rng.integers(len(_THINGS)))]) * rng.uniform(0.6, 1.3))
