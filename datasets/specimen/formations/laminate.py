"""The laminate of one copy of a card, as composited cards have it: waves, scratches and grease."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.draws import Draws
from idproof.pipeline.documents import DocumentType

COARSE = 5.0
"""Pixels a millimetre of the laminate's relief."""

Field = NDArray[np.float32]


@dataclass(frozen=True)
class Laminate:
    """A laminate; ranges are chosen by hand.

    Attributes:
        seed: of its relief.
        waves: standard deviation of the slopes of long waves, radians.
        texture: standard deviation of the slopes of the fine texture, radians.
        scratches: how many.
        grease: share of the card that fingers have touched.
        haze: light that the laminate scatters, as a share of what falls on it.
        foil: efficiency of the first diffraction order at a foil of strength 1.
        hiding: opacity of a foil as a multiple of the one that its maker states.
    """

    seed: int
    waves: float
    texture: float
    scratches: int
    grease: float
    haze: float
    foil: float
    hiding: float

    @classmethod
    def draw(cls, draws: Draws) -> "Laminate":
        """Draws a laminate between new and worn."""
        return cls(
            seed=int(draws.rng.integers(2**31)),
            waves=draws.uniform(0.002, 0.022),
            texture=draws.uniform(0.0, 0.012),
            scratches=int(draws.rng.integers(0, 60)),
            grease=draws.uniform(0.0, 0.5),
            haze=draws.uniform(0.0, 0.05),
            foil=np.exp(draws.uniform(np.log(0.02), np.log(0.35))),
            hiding=draws.uniform(0.15, 1.0),
        )

    def relief(self, document: DocumentType) -> tuple[Field, Field, Field]:
        """Returns slopes (h, w, 2), scratches (h, w) and grease (h, w) at `COARSE` pixels a millimetre."""
        return _relief(self, (round(document.height_mm * COARSE), round(document.width_mm * COARSE)))


def _relief(laminate: Laminate, shape: tuple[int, int]) -> tuple[Field, Field, Field]:
    rng = np.random.default_rng(laminate.seed)
    slopes = np.zeros((*shape, 2), dtype=np.float32)
    for size_mm, share in ((28.0, 0.8), (9.0, 0.5), (3.5, 0.25)):
        slopes += share * laminate.waves * _gradient(_noise(rng, shape, size_mm * COARSE))
    if laminate.texture:
        slopes += laminate.texture * rng.standard_normal((*shape, 2)).astype(np.float32)
    scratches = np.zeros(shape, dtype=np.float32)
    for _ in range(laminate.scratches):
        start = rng.uniform((0, 0), shape[::-1])
        angle, length = rng.uniform(0, np.pi), rng.exponential(10) * COARSE
        stop = start + length * np.array([np.cos(angle), np.sin(angle)])
        line = np.zeros(shape, dtype=np.float32)
        first, last = (np.round(point * 16).astype(int).tolist() for point in (start, stop))
        cv2.line(line, first, last, float(rng.uniform(0.1, 0.8)), 1, cv2.LINE_AA, 4)
        scratches = np.maximum(scratches, line)
    smear = _noise(rng, shape, 9 * COARSE) + 0.5 * _noise(rng, shape, 3 * COARSE)
    limit = np.quantile(smear, 1 - laminate.grease) if laminate.grease > 0 else np.inf
    grease = ((smear - limit) * 2.5).clip(0, 1)
    return slopes, scratches, np.asarray(grease, dtype=np.float32)


def _noise(rng: np.random.Generator, shape: tuple[int, int], size: float) -> Field:
    coarse = rng.standard_normal((int(shape[0] / size) + 4, int(shape[1] / size) + 4)).astype(np.float32)
    large = cv2.resize(coarse, None, fx=size, fy=size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(large[: shape[0], : shape[1]], dtype=np.float32)


def _gradient(height: Field) -> Field:
    """Returns the slopes (h, w, 2), of standard deviation 1."""
    slopes = np.stack([cv2.Sobel(height, -1, 1, 0), cv2.Sobel(height, -1, 0, 1)], axis=-1)
    return np.asarray(slopes / max(float(slopes.std()), 1e-6), dtype=np.float32)
