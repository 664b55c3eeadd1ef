"""Is the finest print still there, as far as the capture can show it?

A copy of a picture of the card has lost the energy of its finest print: scanned, dithered and spread by dot gain it
comes out softer than what prints and engraves the card. How much of the template's print a capture shows is worked
out in a fine and in a coarse band; their ratio falls with every generation of copying, and with a blurred lens, so
that the sharpest capture counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.view import CardView
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import DocumentTypeInvalid
from idproof.pipeline.types import CheckResult, Role

NAME = "recapture_fine_print"

_FINE_MM, _COARSE_MM = (0.042, 0.083), (0.167, 0.333)  # from one standard deviation of blur to the other
_LEAST_PX_PER_MM = 9.0  # below which the fine band is not in the capture
_BESIDE_MM = 0.3

_Band = NDArray[np.float32]


@dataclass(frozen=True)
class FinePrint:
    """The template's print in two bands, zero where something of the person stands.

    Attributes:
        fine, coarse: (h, w), canonical pixels.
    """

    fine: _Band
    coarse: _Band
    px_per_mm: float

    @classmethod
    def of(cls, document: DocumentType) -> Self:
        """Raises `DocumentTypeInvalid` when the template cannot be read or shows nothing fine."""
        template = cv2.imread(str(document.template), cv2.IMREAD_GRAYSCALE)
        if template is None:
            raise DocumentTypeInvalid(f"The template picture of {document.name} cannot be used.")
        fine, coarse = (_band(template, sigmas, document.px_per_mm) for sigmas in (_FINE_MM, _COARSE_MM))
        boxes = (document.portrait, *(r.box for r in document.regions), *(f.box for f in document.fields))
        for box in boxes:
            left, top, right, bottom = box.pixels(document.px_per_mm, pad_mm=_BESIDE_MM)
            fine[top:bottom, left:right] = coarse[top:bottom, left:right] = 0
        if not (fine.any() and coarse.any()):
            raise DocumentTypeInvalid(f"The template picture of {document.name} shows too little static print.")
        return cls(fine, coarse, document.px_per_mm)

    def check(self, rectified: Mapping[Role, RGBImage], views: Mapping[Role, CardView], policy: Policy) -> CheckResult:
        """`recapture_fine_print`: natural logarithm of the fine print's strength over the coarse print's.

        Of the sharpest capture. Fails with `fine_print_missing`; could not be assessed, with
        `card_too_small_for_print_check`, where no capture has the pixels for it.
        """
        usable = [rectified[role] for role, view in views.items() if view.px_per_mm >= _LEAST_PX_PER_MM]
        found = [share for image in usable if (share := self.share(image)) is not None]
        if not found:
            return CheckResult.not_assessed(NAME, "card_too_small_for_print_check")
        value = float(np.log(max(found)))
        return policy.calibration.at_least(NAME, value, unit="log strength", reason="fine_print_missing")

    def share(self, rectified: RGBImage) -> float | None:
        """Strength of the fine print over that of the coarse, each in units of the template's; None without print."""
        grey = cv2.cvtColor(rectified, cv2.COLOR_RGB2GRAY)
        strengths = []
        for sigmas, wanted in ((_FINE_MM, self.fine), (_COARSE_MM, self.coarse)):
            band = _band(grey, sigmas, self.px_per_mm)
            strengths.append(float(np.vdot(band, wanted)) / float(np.vdot(wanted, wanted)))
        fine, coarse = strengths
        return max(fine, 1e-3 * coarse) / coarse if coarse > 0 else None


def _band(grey: NDArray[Any], sigmas_mm: tuple[float, float], px_per_mm: float) -> _Band:
    values = grey.astype(np.float32)
    inner, outer = (cv2.GaussianBlur(values, (0, 0), sigma * px_per_mm) for sigma in sigmas_mm)
    return np.asarray(inner - outer, dtype=np.float32)
