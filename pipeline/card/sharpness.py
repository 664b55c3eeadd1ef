"""Measures how sharp the card's static print is in one capture, in the direction in which it is less sharp.

The print is known, so that its fine lines can be compared with its coarse ones: light, contrast and noise cancel out.
A blurred lens weakens fine lines in all directions, and a hand that moves weakens those across its movement.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import cv2
import numpy as np

from idproof.models.types import RGBImage
from idproof.pipeline.card.imaging import Plane
from idproof.pipeline.card.template import read_template, static_print_mask, too_little_print
from idproof.pipeline.documents import DocumentType

# Chosen by hand on tuning cards; no outside source.
_FINE_MM, _COARSE_MM = (0.06, 0.12), (0.25, 0.5)  # standard deviations of the two blurs of each band
_BESIDE_MM = 0.3  # strip beside the person's data that is left out
_WEAKEST = 1e-3  # strength below which a band counts as missing


class Sharpness(NamedTuple):
    """Natural logarithm of the fine lines' strength over the coarse ones', relative to the template; 0 is as sharp.

    Attributes:
        across: of lines that differ along the card's width.
        down: of lines that differ along its height.
    """

    across: float
    down: float

    @property
    def least(self) -> float:
        """Of the direction that is less sharp."""
        return min(self)


@dataclass(frozen=True)
class PrintSharpness:
    """The fine and the coarse lines of one type's static print.

    Attributes:
        document: the type.
        fine, coarse: (h, w) in the canonical frame, lines across and down; zero beside the static print.
    """

    document: DocumentType
    fine: tuple[Plane, Plane]
    coarse: tuple[Plane, Plane]

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Raises `DocumentTypeInvalid` when the template cannot be read or shows nothing fine."""
        template = read_template(document).astype(np.float32)
        mask = static_print_mask(document, _BESIDE_MM)
        fine, coarse = (_bands(template, sigmas, document) for sigmas in (_FINE_MM, _COARSE_MM))
        for band in (*fine, *coarse):
            band[~mask] = 0
            if not band.any():
                raise too_little_print(document)
        return cls(document, fine, coarse)

    def measure(self, rectified: RGBImage) -> Sharpness:
        """Measures a card in the canonical frame, (height, width, 3)."""
        grey = cv2.cvtColor(rectified, cv2.COLOR_RGB2GRAY).astype(np.float32)
        fine, coarse = (
            [_strength(seen, expected) for seen, expected in zip(_bands(grey, mm, self.document), known, strict=True)]
            for mm, known in ((_FINE_MM, self.fine), (_COARSE_MM, self.coarse))
        )
        return Sharpness(*(float(np.log(f / c)) for f, c in zip(fine, coarse, strict=True)))


def _strength(band: Plane, expected: Plane) -> float:
    return max(float(np.vdot(band, expected)) / float(np.vdot(expected, expected)), _WEAKEST)


def _bands(grey: Plane, sigmas_mm: tuple[float, float], document: DocumentType) -> tuple[Plane, Plane]:
    """Detail between two blurs along the width, and along the height."""
    kernels = [_kernel(sigma * document.px_per_mm) for sigma in sigmas_mm]
    one = np.ones((1, 1), dtype=np.float32)
    across = [cv2.sepFilter2D(grey, -1, kernel, one) for kernel in kernels]
    down = [cv2.sepFilter2D(grey, -1, one, kernel) for kernel in kernels]
    return np.asarray(across[0] - across[1]), np.asarray(down[0] - down[1])


def _kernel(sigma_px: float) -> Plane:
    return np.asarray(cv2.getGaussianKernel(2 * int(np.ceil(3 * sigma_px)) + 1, sigma_px), dtype=np.float32)
