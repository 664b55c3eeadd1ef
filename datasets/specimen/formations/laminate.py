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
        written: share of a zone that carries grooves, in fine parallel lines; 1 for all of it.
        pitch_mm: distance of these lines.
        slant: their direction, radians.
    """

    seed: int
    waves: float
    texture: float
    scratches: int
    grease: float
    haze: float
    foil: float
    hiding: float
    written: float = 1.0
    pitch_mm: float = 0.5
    slant: float = 0.0

    @classmethod
    def draw(cls, draws: Draws) -> "Laminate":
        """Draws a laminate between new and worn."""
        return cls(
            seed=int(draws.rng.integers(2**31)),
            waves=draws.uniform(0.002, 0.022),
            texture=draws.uniform(0.0, 0.012),
            scratches=int(draws.rng.integers(0, 60)),
            grease=draws.uniform(0.0, 0.5),
            # The cube makes clear laminates frequent and milky ones rare.
            haze=draws.uniform(0.0, 0.67) ** 3,
            foil=np.exp(draws.uniform(np.log(0.06), np.log(0.45))),
            hiding=draws.uniform(0.15, 1.0),
            written=draws.uniform(0.3, 1.0) if draws.rng.uniform() < 0.5 else 1.0,
            pitch_mm=draws.uniform(0.25, 0.8),
            slant=draws.uniform(0.0, np.pi),
        )

    def lines(self, shape: tuple[int, int], px_per_mm: float) -> Field:
        """Returns the share (h, w) of a hologram's area that carries grooves."""
        if self.written >= 1:
            return np.ones(shape, dtype=np.float32)
        y, x = (np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5) / px_per_mm
        bent = 0.3 * np.sin(2 * np.pi * (x * np.cos(self.slant) + y * np.sin(self.slant)) / 9)
        phase = ((y * np.cos(self.slant) - x * np.sin(self.slant)) + bent) / self.pitch_mm
        off = np.abs(phase - np.floor(phase) - 0.5) * 2
        return np.asarray(((self.written - off) * self.pitch_mm * px_per_mm / 2 + 0.5).clip(0, 1), dtype=np.float32)

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
