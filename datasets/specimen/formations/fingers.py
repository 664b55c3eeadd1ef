"""Fingers that hold a composited card: a thumb over an edge and fingers behind it, lit by the light of the place.

Each is a bent tube with a round tip, drawn with its own relief: the brightness follows the direction of the skin, with
folds over the joint, pores, blood near the tip and a nail.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.view import View

Light = NDArray[np.float32]
Irradiance = Callable[[NDArray[np.float32]], Light]
"""Irradiance (n, 3) of skin with normals (n, 3) in the card's frame."""

_SHRINK = 2  # fingers are drawn at half the capture's size: skin has no print
_REACH_MM = (1.0, 2.6)  # how far over the edge: the border is covered, the fields begin further in


@dataclass(frozen=True)
class Finger:
    """One finger.

    Attributes:
        root: (2,) where it comes from, millimetres on the card's plane.
        tip: (2,) where it ends.
        bend: sideways offset of the joint, millimetres.
        breadth: millimetres at the tip's pad.
        nail: whether the nail is seen.
    """

    root: tuple[float, float]
    tip: tuple[float, float]
    bend: float
    breadth: float
    nail: bool


@dataclass(frozen=True)
class Grip:
    """Fingers of one hand at one edge of the card.

    Attributes:
        before: fingers over the card.
        behind: fingers under it, seen beyond its edge.
        skin: (3,), linear albedo.
        seed: of the skin's folds and pores.
    """

    before: tuple[Finger, ...]
    behind: tuple[Finger, ...]
    skin: tuple[float, float, float]
    seed: int

    @classmethod
    def draw(cls, draws: Draws, skin: tuple[float, float, float], width: float, height: float) -> "Grip":
        """Draws a hand at the left, right or lower edge of a card of this size, millimetres."""
        edge = str(draws.rng.choice(["left", "right", "bottom"]))
        along, reach = draws.uniform(0.3, 0.7), draws.uniform(*_REACH_MM)
        breadth, slant = draws.uniform(15, 20), draws.uniform(-0.45, 0.45)
        length = (height if edge != "bottom" else width) * along
        thumb = _placed(edge, length, reach, slant, breadth, draws.uniform(-3, 3), width, height, nail=True)
        behind = []
        at = length + draws.uniform(-16, -6)
        for _ in range(int(draws.rng.integers(1, 4))):
            under = draws.uniform(8, 30)
            size = breadth * draws.uniform(0.72, 0.9)
            behind.append(_placed(edge, at, under, slant + draws.uniform(-0.2, 0.2), size, 2.0, width, height))
            at += size * draws.uniform(0.95, 1.15)
        return cls((thumb,), tuple(behind), skin, int(draws.rng.integers(2**31)))

    def over(self, radiance: Light, view: View, irradiance: Irradiance, fingers: tuple[Finger, ...]) -> Light:
        """Returns the scene (height, width, 3) with these fingers drawn over it."""
        result = radiance
        for number, finger in enumerate(fingers):
            cover, skin = self._drawn(finger, view, irradiance, self.seed + number)
            shade = cv2.GaussianBlur(np.roll(cover, (5, 3), axis=(0, 1)), (0, 0), 9)
            result = result * (1 - 0.45 * _full(shade, view)[..., None])
            weight = _full(cover, view)[..., None]
            result = result + (_full(skin, view) - result) * weight
        return np.asarray(result, dtype=np.float32)

    def _drawn(self, finger: Finger, view: View, irradiance: Irradiance, seed: int) -> tuple[Light, Light]:
        """Returns coverage (h, w) and radiance (h, w, 3) at the shrunken size."""
        small = view.resized(view.size[0] // _SHRINK)
        places = small.on_card().astype(np.float32)
        along, off, width = _around(finger, places)
        inside = np.abs(off) / width
        edge = np.minimum((1 - inside) * width, along * 2)
        cover = (edge * small.px_per_mm + 0.5).clip(0, 1) * (along > 0)
        height = np.sqrt((1 - np.square(inside)).clip(0.0025))
        axis = np.array(finger.tip) - finger.root
        axis = axis / np.linalg.norm(axis)
        side = np.array([-axis[1], axis[0]])
        rng = np.random.default_rng(seed)
        folds, pores = _folds(along, off, rng), _pores(places, rng)
        lean = (off / width).clip(-1, 1)
        end = (1 - along / 9.0).clip(0, 1) ** 2 * 0.6  # the pad turns away at the tip
        normal = np.stack(
            [
                side[0] * lean + axis[0] * end + 0.10 * folds + 0.05 * pores,
                side[1] * lean + axis[1] * end + 0.05 * pores,
                -height * (1 - 0.5 * end),
            ],
            axis=-1,
        )
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        falling = _by_normal(irradiance, normal.astype(np.float32))
        # Light that enters the skin comes out around the corner, reddened.
        soft = cv2.GaussianBlur(falling, (0, 0), 4.0)
        falling = 0.55 * falling + soft * np.array([0.50, 0.42, 0.38], dtype=np.float32)
        albedo = np.array(self.skin, dtype=np.float32) * (1 + 0.06 * pores - 0.10 * np.abs(folds))[..., None]
        blood = (1 - along / 14).clip(0, 1)[..., None] * np.array([0.05, -0.06, -0.05], dtype=np.float32)
        radiance = falling * albedo * (1 + blood)
        if finger.nail:
            radiance = _nail(radiance, falling, along, off, width)
        return cover.astype(np.float32), radiance.astype(np.float32)


def _placed(
    edge: str,
    along: float,
    reach: float,
    slant: float,
    breadth: float,
    bend: float,
    width: float,
    height: float,
    *,
    nail: bool = False,
) -> Finger:
    """Returns a finger that reaches over an edge; `along` in millimetres from the edge's beginning."""
    length = 110.0
    out = {"left": (-1.0, 0.0), "right": (1.0, 0.0), "bottom": (0.0, 1.0)}[edge]
    start = {"left": (0.0, along), "right": (width, along), "bottom": (along, height)}[edge]
    across = (-out[1], out[0])
    tip = (start[0] - out[0] * reach, start[1] - out[1] * reach)
    root = (
        start[0] + length * (out[0] * np.cos(slant) + across[0] * np.sin(slant)),
        start[1] + length * (out[1] * np.cos(slant) + across[1] * np.sin(slant)),
    )
    return Finger(root, tip, bend, breadth, nail)


def _around(finger: Finger, places: NDArray[np.float32]) -> tuple[Light, Light, Light]:
    """Returns of each place: distance from the tip, off the middle line, and half the finger's breadth there."""
    tip, root = np.array(finger.tip), np.array(finger.root)
    length = float(np.linalg.norm(root - tip))
    axis = (root - tip) / length
    relative = places - tip.astype(np.float32)
    along = relative @ axis.astype(np.float32)
    off = relative @ np.array([-axis[1], axis[0]], dtype=np.float32)
    off = off - np.float32(finger.bend) * np.sin(np.pi * (along / 60).clip(0, 1))
    half = finger.breadth / 2
    round_tip = np.sqrt((1 - np.square((1 - along / half).clip(0, 1))).clip(1e-4))
    # A little waist behind the pad, thicker at the joint and towards the hand.
    body = (
        1 - 0.07 * np.exp(-np.square((along - 20) / 6)) + 0.08 * np.exp(-np.square((along - 31) / 6)) + along * 0.0022
    )
    width = half * round_tip * body
    return along, off, width.astype(np.float32)


def _folds(along: Light, off: Light, rng: np.random.Generator) -> Light:
    """Creases across the joint."""
    total = np.zeros_like(along)
    for _ in range(5):
        place, depth = rng.normal(29, 3.5), rng.uniform(0.3, 1.0)
        bow = place + rng.normal(0, 0.02) * np.square(off) + 0.25 * np.sin(off * rng.uniform(0.5, 1.2))
        total += depth * np.exp(-np.square((along - bow) / 0.35)) * np.sign(along - bow)
    return np.asarray(total, dtype=np.float32)


def _pores(places: NDArray[np.float32], rng: np.random.Generator) -> Light:
    """Irregular skin, about -1..1."""
    total = np.zeros(places.shape[:2], dtype=np.float32)
    for size_px, share in ((3, 0.5), (9, 0.35), (40, 0.5)):
        shape = places.shape[0] // size_px + 2, places.shape[1] // size_px + 2
        coarse = rng.standard_normal(shape).astype(np.float32)
        total += share * cv2.resize(coarse, places.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return total


def _nail(radiance: Light, falling: Light, along: Light, off: Light, width: Light) -> Light:
    """Returns the finger with a nail: paler than the skin, white at its free end, in a fold of skin."""
    middle, half_length = 7.0, 5.2
    across = off / (width * 0.56)
    distance = np.power(np.abs(across), 2.6) + np.power(np.abs((along - middle) / half_length), 2.6)
    cover = ((1 - distance) * 5).clip(0, 1)[..., None]
    skin = np.median(radiance[distance < 1.5], axis=0) if (distance < 1.5).any() else radiance.mean(axis=(0, 1))
    light = np.median(falling[distance < 1.5], axis=0) if (distance < 1.5).any() else falling.mean(axis=(0, 1))
    albedo = skin / np.maximum(light, 1e-4)
    bed = albedo * np.array([1.12, 1.08, 1.10], dtype=np.float32) + 0.02
    free = ((2.9 - along + 0.25 * np.square(across)) / 0.5).clip(0, 1)[..., None]
    colour = bed * (1 - free) + (0.4 * bed + np.array([0.34, 0.30, 0.26], dtype=np.float32)) * free
    fold = np.exp(-np.square((distance - 1.05) / 0.16))[..., None]
    shine = 0.035 * np.exp(-np.square((across - 0.3) / 0.22))[..., None] * cover
    nail = falling * colour + shine * falling.max(axis=-1, keepdims=True)
    return np.asarray(radiance * (1 - 0.22 * fold) * (1 - cover) + nail * cover, dtype=np.float32)


def _by_normal(irradiance: Irradiance, normals: NDArray[np.float32]) -> Light:
    """Irradiance over normals is smooth: fitted by a quadratic in the normal (Ramamoorthi and Hanrahan 2001)."""
    rng = np.random.default_rng(1)
    sample = rng.standard_normal((64, 3)).astype(np.float32)
    sample[:, 2] = -np.abs(sample[:, 2])
    sample /= np.linalg.norm(sample, axis=1, keepdims=True)
    weights, *_ = np.linalg.lstsq(_quadratic(sample), irradiance(sample), rcond=None)
    return np.asarray((_quadratic(normals) @ weights).clip(0.01), dtype=np.float32)


def _quadratic(n: NDArray[np.float32]) -> NDArray[np.float32]:
    x, y, z = n[..., 0], n[..., 1], n[..., 2]
    return np.stack([np.ones_like(x), x, y, z, x * y, y * z, x * z, x * x - y * y, 3 * z * z - 1], axis=-1)


def _full(small: Light, view: View) -> Light:
    return np.asarray(cv2.resize(small, view.size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)
