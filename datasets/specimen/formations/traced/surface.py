"""The laminate of a path-traced card: its relief, scratches and the marks that fingers left."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.draws import Draws
from idproof.pipeline.documents import DocumentType

Map = NDArray[np.float32]
PX_PER_MM = 8.0


@dataclass(frozen=True)
class Surface:
    """One copy's laminate; ranges are chosen by hand.

    Attributes:
        seed: of its relief and marks.
        waves_mm: height of its waves.
        scratches: how many.
        prints: how many finger marks.
        haze: light that the laminate scatters, as a share of what falls on it.
        foil: efficiency of the hologram's first order at a foil of strength 1.
        hiding: opacity of a foil as a multiple of the one that its maker states.
        dots_mm: pitch of the dots that the hologram is written with, or 0 for a smooth one.
        lines: share of a zone that carries grooves, in fine lines; 1 for all of it.
    """

    seed: int
    waves_mm: float
    scratches: int
    prints: int
    haze: float
    foil: float
    hiding: float
    dots_mm: float
    lines: float

    @classmethod
    def draw(cls, draws: Draws) -> "Surface":
        """Draws a laminate between new and worn."""
        rng = draws.rng
        return cls(
            seed=int(rng.integers(2**31)),
            waves_mm=draws.uniform(0.0, 0.03),
            scratches=int(rng.integers(0, 40)),
            prints=int(rng.integers(0, 4)),
            # The cube makes clear laminates frequent and milky ones rare.
            haze=draws.uniform(0.0, 0.6) ** 3,
            foil=float(np.exp(draws.uniform(np.log(0.07), np.log(0.5)))),
            hiding=draws.uniform(0.1, 0.9),
            dots_mm=draws.uniform(0.10, 0.30) if rng.uniform() < 0.5 else 0.0,
            lines=draws.uniform(0.35, 0.9) if rng.uniform() < 0.4 else 1.0,
        )

    def heights(self, document: DocumentType) -> Map:
        """Returns the relief (h, w) in millimetres, at `PX_PER_MM` / 2."""
        rng = np.random.default_rng([self.seed, 1])
        y, x = self._places(document, PX_PER_MM / 2)
        total = np.zeros(x.shape)
        for length in (55.0, 34.0, 21.0, 13.0, 8.0):
            angle, phase = rng.uniform(0, np.pi, 2)
            wave = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / length + 2 * phase)
            total += wave * (length / 55.0) ** 1.2 * rng.uniform(0.4, 1.0)
        return np.asarray(total * self.waves_mm, dtype=np.float32)

    def tilts(self, document: DocumentType) -> Map:
        """Returns the slopes (h, w, 2) of the relief, at `PX_PER_MM` / 2."""
        rows, columns = np.gradient(self.heights(document).astype(np.float64), 2 / PX_PER_MM)
        return np.stack([columns, rows], axis=-1).astype(np.float32)

    def worn(self, document: DocumentType) -> Map:
        """Returns scratches (h, w), 0..1, at `PX_PER_MM`: bows, most of them faint."""
        rng = np.random.default_rng([self.seed, 2])
        shape = round(document.height_mm * PX_PER_MM), round(document.width_mm * PX_PER_MM)
        worn = np.zeros(shape, dtype=np.float32)
        for _ in range(self.scratches):
            start = rng.uniform((0, 0), (document.width_mm, document.height_mm))
            heading, bend = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.04)
            steps = np.linspace(0, rng.gamma(1.5, 9.0), 24)
            way = np.column_stack([np.cos(heading + bend * steps), np.sin(heading + bend * steps)])
            points = start + np.cumsum(way * (steps[1] - steps[0]), axis=0)
            curve = np.round(points * PX_PER_MM * 16).astype(np.int32)
            cv2.polylines(worn, [curve], False, float(rng.beta(1, 3)), 1, cv2.LINE_AA, 4)
        return worn

    def greased(self, document: DocumentType) -> Map:
        """Returns grease (h, w), 0..1, at `PX_PER_MM`: ovals of ridges that run in whorls."""
        rng = np.random.default_rng([self.seed, 3])
        y, x = self._places(document, PX_PER_MM)
        total = np.zeros(x.shape)
        for _ in range(self.prints):
            middle = rng.uniform((0, 0), (document.width_mm, document.height_mm))
            angle = rng.uniform(0, np.pi)
            u = (x - middle[0]) * np.cos(angle) + (y - middle[1]) * np.sin(angle)
            v = (y - middle[1]) * np.cos(angle) - (x - middle[0]) * np.sin(angle)
            pad = 1 / (1 + np.exp((np.hypot(u / 9.5, v / 7.0) - 1) * 9))
            ridges = 0.5 + 0.5 * np.sin(2 * np.pi * np.hypot(u + 0.15 * v, 1.3 * v + 2.0) / 0.48)
            total = np.maximum(total, pad * (0.35 + 0.65 * ridges) * rng.uniform(0.2, 1.0))
        return np.asarray(total, dtype=np.float32)

    def written(self, shape: tuple[int, int], px_per_mm: float) -> Map:
        """Returns the share (h, w) of a hologram's area that carries grooves: dots, lines or all of it."""
        y, x = (np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5) / px_per_mm
        share = np.ones(shape)
        if self.lines < 1:
            middle = np.array(shape[::-1]) / px_per_mm / 2
            phase = np.hypot(x - middle[0], 0.8 * (y - middle[1])) / 0.62
            off = np.abs(phase - np.floor(phase) - 0.5) * 2
            share *= ((self.lines - off) * 4 + 0.5).clip(0, 1)
        if self.dots_mm > 0:
            off = np.hypot(x / self.dots_mm % 1 - 0.5, y / self.dots_mm % 1 - 0.5)
            share *= ((0.56 - off) * 6).clip(0, 1)
        return np.asarray(share, dtype=np.float32)

    @staticmethod
    def _places(document: DocumentType, px_per_mm: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        rows, columns = round(document.height_mm * px_per_mm), round(document.width_mm * px_per_mm)
        y, x = (np.mgrid[0:rows, 0:columns] + 0.5) / px_per_mm
        return y, x
