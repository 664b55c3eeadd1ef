"""Draws surfaces under a card, from a plain desk to a heap of papers."""

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage


def draw(rng: np.random.Generator, width: int, height: int) -> RGBImage:
    """Draws one surface, (height, width, 3), at half size, since it is out of focus."""
    kinds = (_wood, _fabric, _papers, _gradient, _two_tone)
    small = kinds[rng.integers(len(kinds))](rng, width // 2, height // 2)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _colour(rng: np.random.Generator, low: int = 40, high: int = 220) -> NDArray[np.float32]:
    return rng.uniform(low, high, 3).astype(np.float32)


def _smooth_noise(rng: np.random.Generator, width: int, height: int, cell: tuple[int, int]) -> NDArray[np.float32]:
    coarse = rng.standard_normal((height // cell[1] + 2, width // cell[0] + 2)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))


def _as_picture(values: NDArray[np.floating]) -> RGBImage:
    return np.asarray(values.clip(0, 255), dtype=np.uint8)


def _wood(rng: np.random.Generator, width: int, height: int) -> RGBImage:
    grain = _smooth_noise(rng, width, height, (160, 4)) + 0.5 * _smooth_noise(rng, width, height, (60, 2))
    base = np.array([rng.uniform(90, 190), rng.uniform(60, 140), rng.uniform(35, 100)])
    return _as_picture(base + 14 * grain[..., None])


def _fabric(rng: np.random.Generator, width: int, height: int) -> RGBImage:
    y, x = np.mgrid[0:height, 0:width]
    step = int(rng.integers(3, 7))
    weave = ((x // step + y // step) % 2) * 2.0 - 1
    return _as_picture(_colour(rng) + (9 * weave + 6 * rng.standard_normal((height, width)))[..., None])


def _gradient(rng: np.random.Generator, width: int, height: int) -> RGBImage:
    blend = np.linspace(0, 1, width)[None, :, None] * np.ones((height, 1, 1))
    return _as_picture(_colour(rng) * (1 - blend) + _colour(rng) * blend)


def _two_tone(rng: np.random.Generator, width: int, height: int) -> RGBImage:
    y, x = np.mgrid[0:height, 0:width]
    side = (np.cos(a := rng.uniform(0, np.pi)) * (x - width / 2) + np.sin(a) * (y - height / 2)) > 0
    return _as_picture(np.where(side[..., None], _colour(rng), _colour(rng)))


def _papers(rng: np.random.Generator, width: int, height: int) -> RGBImage:
    """Sheets with lines that look like text, and coloured shapes."""
    picture = _gradient(rng, width, height).copy()
    for _ in range(int(rng.integers(4, 9))):
        centre = rng.uniform(0, 1, 2) * (width, height)
        box = cv2.boxPoints((tuple(centre), tuple(rng.uniform(120, 420, 2)), float(rng.uniform(0, 90))))
        cv2.fillPoly(picture, [box.astype(np.int32)], [float(v) for v in _colour(rng, 120, 250)])
        along, down = (box[1] - box[0]), (box[3] - box[0])
        for line in np.arange(0.1, 0.9, 0.09):
            start, stop = box[0] + 0.1 * along + line * down, box[0] + rng.uniform(0.5, 0.9) * along + line * down
            ink = [float(v) for v in _colour(rng, 20, 110)]
            cv2.line(picture, start.astype(int).tolist(), stop.astype(int).tolist(), ink, int(rng.integers(1, 4)))
    return picture
