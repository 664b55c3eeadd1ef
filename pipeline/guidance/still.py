"""Measures a still of the card at its full resolution by what the verification measures, before it becomes a capture.

A preview is a fifth as wide as a still: a blurred lens, a finger on small print or glare on one field do not show in
it. Here the card is put straight as for a verdict, and the same sharpness of its static print, the same cells of print
and the same clipped pixels are looked at.
"""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.print_continuity import PrintContinuity
from idproof.pipeline.card.checks.same_card import LEAST_SEEN, clipped
from idproof.pipeline.card.locating.refinement import StaticPrint
from idproof.pipeline.card.sharpness import PrintSharpness
from idproof.pipeline.card.template import read_template
from idproof.pipeline.card.view import CardView, mm_from_pixels
from idproof.pipeline.documents import Box, DocumentType
from idproof.pipeline.guidance.hints import StillFacts

WIDTH_PX = 1920
"""Longer side of the picture that is measured; larger stills are reduced by the decoder."""
_HIDDEN = 0.2
"""Correlation with the static print below which a cell does not show it. Of 8,820 cells of 84 sharp tuning captures
(`analytic`, `processed`) few are below it (by hand: 3.8 % of a capture's at most), most of them in glare."""
_ONE_SIDED = 0.8
"""Difference of the two directions; 0.53 at most in 84 sharp tuning captures."""


@dataclass(frozen=True)
class StillMeter:
    """Measures stills of one document type's cards. Made once, used from any thread."""

    document: DocumentType
    print: StaticPrint
    sharpness: PrintSharpness
    continuity: PrintContinuity

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Prepare for one document type; raises `DocumentTypeInvalid` when its template shows too little print."""
        return cls(
            document,
            StaticPrint.of(document, read_template(document)),
            PrintSharpness.open(document),
            PrintContinuity.open(document),
        )

    def measure(self, image: RGBImage, view: CardView) -> StillFacts | None:
        """Measure a card from its place in a smaller picture of the same scene.

        Args:
            image: the still, of which the larger side is `WIDTH_PX` at most.
            view: the card's place in the preview's scale.

        Returns:
            None when the static print cannot be followed into the still: it is blurred, or something covers it.
        """
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        scale = image.shape[1] / view.size[0]
        larger = np.array([[scale, 0, scale / 2 - 0.5], [0, scale, scale / 2 - 0.5], [0, 0, 1]])
        place = self.print.refine(grey, larger @ view.homography @ mm_from_pixels(self.document.px_per_mm))
        grey.fill(0)
        if place is None:
            return None
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        straight = cv2.warpPerspective(image, place.homography, self.document.size_px, flags=flags)
        try:
            return self._facts(np.asarray(straight, dtype=np.uint8))
        finally:
            straight.fill(0)

    def _facts(self, rectified: RGBImage) -> StillFacts:
        sharp = self.sharpness.measure(rectified)
        white = clipped(rectified, self.document.px_per_mm)
        document = self.document
        fields = [_share(white, spec.box, document.px_per_mm) for spec in document.fields if spec.required]
        return StillFacts(
            sharpness=sharp.least,
            one_sided=abs(sharp.across - sharp.down) > _ONE_SIDED,
            hidden=float((self.continuity.correlations(rectified) < _HIDDEN).mean()),
            clipped=float(white.mean()),
            clipped_portrait=_share(white, document.portrait, document.px_per_mm),
            clipped_fields=float(np.mean([share > 1 - LEAST_SEEN for share in fields])) if fields else 0.0,
        )


def _share(white: NDArray[np.bool_], box: Box, px_per_mm: float) -> float:
    left, top, right, bottom = box.pixels(px_per_mm)
    return float(white[top:bottom, left:right].mean())
