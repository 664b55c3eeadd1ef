"""Checks that the finest print is still there, as far as the capture can show it.

A copy has lost energy of its finest print: scanned, dithered and spread by dot gain it is softer than the print and the
engraving of the card. The strength of the template's print in a capture is measured in a fine and in a coarse band.
Their ratio falls with every generation of copying. It falls with a blurred lens too, so the sharpest capture counts.
"""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.card.imaging import Plane, band_pass
from idproof.pipeline.card.template import read_template, static_print_mask, too_little_print
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CheckResult

RECAPTURE_FINE_PRINT = Quantity(
    "recapture_fine_print",
    "log strength",
    "fine_print_missing",
    Limit.AT_LEAST,
    forged=-1.9,
    speaks_to=(Hypothesis.COPY, Hypothesis.REPLAY),
)

# Chosen by hand on tuning cards; no outside source.
_FINE_MM, _COARSE_MM = (0.042, 0.083), (0.167, 0.333)  # standard deviations of the two blurs of each band
_LEAST_PX_PER_MM = (
    7.0  # half of it, the finest frequency of a capture, is beyond the fine band's middle of 2.6 per millimetre
)
_BESIDE_MM = 0.3


@dataclass(frozen=True)
class FinePrint(Check):
    """`recapture_fine_print`: natural logarithm of the fine print's strength over the coarse print's.

    Of the sharpest capture. Fails with `fine_print_missing`; could not be assessed, with
    `card_too_small_for_print_check`, when no capture has enough pixels.

    Attributes:
        fine, coarse: (h, w), the template in the two bands, zero where the card shows more than its static print.
    """

    fine: Plane
    coarse: Plane

    reports = (RECAPTURE_FINE_PRINT,)
    single_capture = True

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Raises `DocumentTypeInvalid` when the template cannot be read or shows nothing fine."""
        template, hidden = read_template(document), ~static_print_mask(document, _BESIDE_MM)
        fine, coarse = (_band(template, sigmas, document) for sigmas in (_FINE_MM, _COARSE_MM))
        fine[hidden] = coarse[hidden] = 0
        if not (fine.any() and coarse.any()):
            raise too_little_print(document)
        return cls(document, fine, coarse)

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Takes the sharpest of the captures that have enough pixels."""
        usable = [card.rectified[role] for role, view in card.views.items() if view.px_per_mm >= _LEAST_PX_PER_MM]
        found = [ratio for image in usable if (ratio := self._fine_over_coarse(image)) is not None]
        if not found:
            return [RECAPTURE_FINE_PRINT.not_assessed("card_too_small_for_print_check")]
        return [RECAPTURE_FINE_PRINT.judge(float(np.log(max(found))), policy.calibration)]

    def _fine_over_coarse(self, rectified: RGBImage) -> float | None:
        """Strength of the fine print over the coarse print's, each relative to the template's; None without print."""
        grey = cv2.cvtColor(rectified, cv2.COLOR_RGB2GRAY)
        strengths = []
        for sigmas, expected in ((_FINE_MM, self.fine), (_COARSE_MM, self.coarse)):
            band = _band(grey, sigmas, self.document)
            strengths.append(float(np.vdot(band, expected)) / float(np.vdot(expected, expected)))
        fine, coarse = strengths
        return max(fine, 1e-3 * coarse) / coarse if coarse > 0 else None


def _band(grey: Plane | RGBImage, sigmas_mm: tuple[float, float], document: DocumentType) -> Plane:
    fine, coarse = (sigma * document.px_per_mm for sigma in sigmas_mm)
    return band_pass(grey, fine, coarse)
