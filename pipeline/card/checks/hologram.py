"""Checks that the hologram changes between the three angles as this type's own hologram does.

Its pattern is made of zones. Zones of one number are made alike (the same grating) and lie in many places, next to
others. Three things follow, in any light:

- *response*: from angle to angle the zones' colours change, and not all in one proportion. A flat print does not
  change; gloss over it only fades the print, which is one proportion for all;
- *shape*: the zones' numbers explain the change. Foil of another pattern, film, projected light and misplaced stickers
  change too, but not zone by zone;
- light that falls on the whole region, coloured or not, changes all zones alike and is removed first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.imaging import LINEAR_LIGHT
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType, Region
from idproof.pipeline.errors import DocumentTypeInvalid
from idproof.pipeline.types import CheckResult, Outcome, Role

HOLOGRAM_RESPONSE = Quantity(
    "hologram_response", "log light", "hologram_static", Limit.AT_LEAST, ratio=True, optically_variable=True
)
HOLOGRAM_SHAPE = Quantity(
    "hologram_shape", "share", "hologram_foreign", Limit.AT_LEAST, optically_variable=True, lost_in_darkness=True
)

# Chosen by hand on tuning cards, unless stated otherwise; no outside source.
_DARKEST = 0.01  # of linear light; darker differences are noise
_INSET_PX = 1  # zones are cut in from their edges, where blur mixes them
_LEAST_ZONE_PX = 30
_LEAST_ZONES = 3


@dataclass(frozen=True)
class Response:
    """The measured change of the zones.

    Attributes:
        strength: root mean square of the zones' change from angle to angle that is not one proportion of a fixed
            picture, in natural logarithms of linear light.
        shape: share of all change in the region that the zones' numbers explain, 0..1.
    """

    strength: float
    shape: float


@dataclass(frozen=True)
class Hologram(Check):
    """`hologram_response` (fails with `hologram_static`) and `hologram_shape` (`hologram_foreign`).

    The shape is not assessed when nothing changes; the response then fails by itself.

    Attributes:
        region: the diffractive region as the type describes it.
        zones: (h, w), canonical pixels of the region's box: 0, or the zone's number.
    """

    region: Region
    zones: NDArray[np.uint8]

    reports = (HOLOGRAM_RESPONSE, HOLOGRAM_SHAPE)
    single_capture = False

    @classmethod
    def applies(cls, document: DocumentType) -> bool:
        """Returns true for a type with a diffractive region whose zones are known."""
        return _diffractive_region(document) is not None

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Reads the picture of the zones; raises `DocumentTypeInvalid` when it cannot be used."""
        region = _diffractive_region(document)
        if region is None:
            raise DocumentTypeInvalid(f"{document.name} has no diffractive region with zones.")
        left, top, right, bottom = region.box.pixels(document.px_per_mm)
        zones = cv2.imread(str(region.zones), cv2.IMREAD_GRAYSCALE)
        if zones is None or zones.shape != (bottom - top, right - left):
            raise DocumentTypeInvalid(
                f"The zones of {region.name} must be a picture of {right - left} × {bottom - top} pixels."
            )
        inner = np.where(_inner(zones), zones, 0).astype(np.uint8)
        numbers, counts = np.unique(inner[inner > 0], return_counts=True)
        if len(numbers) < _LEAST_ZONES or counts.min() < _LEAST_ZONE_PX:
            raise DocumentTypeInvalid(f"The zones of {region.name} are too few or too small to be told apart.")
        return cls(document, region, inner)

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Measures the zones, and judges the shape only when they change."""
        response = self.response(card.rectified)
        strength = HOLOGRAM_RESPONSE.judge(response.strength, policy.calibration)
        if strength.outcome is not Outcome.PASS:
            return [strength, HOLOGRAM_SHAPE.not_assessed("hologram_static")]
        return [strength, HOLOGRAM_SHAPE.judge(response.shape, policy.calibration)]

    def response(self, rectified: Mapping[Role, RGBImage]) -> Response:
        """Measures the change of the zones between rectified captures of one card."""
        left, top, right, bottom = self.region.box.pixels(self.document.px_per_mm)
        inside = self.zones > 0
        number = self.zones[inside]
        # (captures, pixels, 3): light of each zone pixel, freed of slow variation over the region.
        light = np.stack(
            [_without_shading(_log_light(image[top:bottom, left:right]), inside) for image in rectified.values()]
        )
        means = np.stack([light[:, number == n].mean(axis=1) for n in np.unique(number)], axis=1)
        counts = np.array([(number == n).sum() for n in np.unique(number)])
        means -= np.average(means, axis=1, weights=counts)[:, None]
        # The first singular vector is the fixed picture whose proportion may change.
        singular = np.linalg.svd(means.reshape(len(means), -1), compute_uv=False)
        strength = float(np.sqrt((singular[1:] ** 2).sum() / means.size))
        change, change_of_zones = light - light.mean(axis=0), means - means.mean(axis=0)
        explained = (counts[None, :, None] * change_of_zones**2).sum() / max(float((change**2).sum()), 1e-12)
        return Response(strength, float(explained))


def _diffractive_region(document: DocumentType) -> Region | None:
    """The type's first diffractive region with zones."""
    return next((r for r in document.regions if r.kind == "diffractive" and r.zones is not None), None)


def _log_light(image: RGBImage) -> NDArray[np.float64]:
    """(h, w, 3): natural logarithm of linear light."""
    return np.log(LINEAR_LIGHT[image] + _DARKEST)


def _without_shading(log_light: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(pixels, 3) inside, less the best surface of second degree: shading and tint of a lamp, near or far."""
    rows, columns = np.nonzero(inside)
    y, x = rows / inside.shape[0] - 0.5, columns / inside.shape[1] - 0.5
    basis = np.column_stack([np.ones_like(x), x, y, x * y, x * x, y * y])
    values = log_light[inside]
    coefficients, *_ = np.linalg.lstsq(basis, values, rcond=None)
    return np.asarray(values - basis @ coefficients)


def _inner(zones: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels whose whole neighbourhood has their own number."""
    size = 2 * _INSET_PX + 1
    kernel = np.ones((size, size), dtype=np.uint8)
    return np.asarray((cv2.erode(zones, kernel) == cv2.dilate(zones, kernel)) & (zones > 0))
