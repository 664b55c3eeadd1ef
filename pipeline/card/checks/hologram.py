"""Checks that the hologram changes between the three angles as this type's own hologram does.

Its pattern is made of zones. Zones of one number are made alike (the same grating) and lie in many places, next to
others. Three things follow, in any light:

- *response*: from angle to angle the zones' colours change, and not all in one proportion. A flat print does not
  change; gloss over it and coloured lamps only fade or deepen the print, each colour in one proportion for all zones;
- *shape*: the zones' numbers explain the change. Foil of another pattern, film, projected light and misplaced stickers
  change too, but not zone by zone;
- light that falls on a place and its neighbours, coloured or not, changes their zones alike and is removed first, so
  that glare and a lamp nearby count little.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.card.imaging import LINEAR_LIGHT
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType, Region
from idproof.pipeline.errors import DocumentTypeInvalid
from idproof.pipeline.types import CheckResult, Outcome, Role

HOLOGRAM_RESPONSE = Quantity(
    "hologram_response",
    "log light",
    "hologram_static",
    Limit.AT_LEAST,
    ratio=True,
    optically_variable=True,
    forged=0.007,
    speaks_to=(Hypothesis.HOLOGRAM, Hypothesis.COPY, Hypothesis.DISPLAY, Hypothesis.ONE_PICTURE),
)
HOLOGRAM_SHAPE = Quantity(
    "hologram_shape",
    "share",
    "hologram_foreign",
    Limit.AT_LEAST,
    optically_variable=True,
    lost_in_darkness=True,
    forged=0.15,
    speaks_to=(Hypothesis.HOLOGRAM,),
)

# Chosen by hand on tuning cards, unless stated otherwise; no outside source.
_DARKEST = 0.01  # of linear light; darker differences are noise
_LOCAL_MM = 2.5  # standard deviation of the neighbourhood that a zone is compared with: a few zones wide
_FINE_MM = 0.5  # standard deviation of the blur inside a zone: finer lines are a zone's own structure, or noise
_INSET_PX = 1  # zones are cut in from their edges, where blur mixes them
_LEAST_ZONE_PX = 30
_LEAST_SHARE = 1e-6
_LEAST_ZONES = 3

_LOG_LIGHT = np.log(LINEAR_LIGHT + _DARKEST).astype(np.float32)
Light = NDArray[np.float32]


@dataclass(frozen=True)
class Response:
    """The measured change of the zones.

    Attributes:
        strength: root mean square of the zones' change that is not one proportion of a fixed picture, colour by
            colour, in natural logarithms of linear light; of the two captures that differ least, since one capture
            in which something lies over a flat print differs from the others.
        shape: share of that change in the whole region that the zones' numbers explain, 0..1.
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
        """Measures the zones, and judges them."""
        return self.judge(self.response(card.rectified), policy)

    def judge(self, response: Response, policy: Policy) -> list[CheckResult]:
        """Judges the response, and the shape only when the zones change."""
        strength = HOLOGRAM_RESPONSE.judge(response.strength, policy.calibration)
        if strength.outcome is not Outcome.PASS:
            return [strength, HOLOGRAM_SHAPE.not_assessed("hologram_static")]
        return [strength, HOLOGRAM_SHAPE.judge(response.shape, policy.calibration)]

    def response(self, rectified: Mapping[Role, RGBImage]) -> Response:
        """Measures the change of the zones between rectified captures of one card."""
        left, top, right, bottom = self.region.box.pixels(self.document.px_per_mm)
        inside = self.zones > 0
        number = self.zones[inside]
        away, fine = (length * self.document.px_per_mm for length in (_LOCAL_MM, _FINE_MM))
        # (captures, pixels, 3): light of each zone pixel, less that of its neighbourhood, without fine structure.
        light = np.stack(
            [
                _within_zones(
                    _without_shading(_log_light(image[top:bottom, left:right]), inside, away), self.zones, fine
                )
                for image in rectified.values()
            ]
        )[:, inside]
        numbers, counts = np.unique(number, return_counts=True)
        means = np.stack([light[:, number == n].mean(axis=1) for n in numbers], axis=1)
        means -= np.average(means, axis=1, weights=counts)[:, None]
        explained, total = 0.0, 0.0
        for zones, pixels in zip(np.moveaxis(means, 2, 0), np.moveaxis(light, 2, 0), strict=True):
            # The first singular vector is the fixed picture of this colour, whose proportion may change.
            captures, _, _ = np.linalg.svd(zones * np.sqrt(counts), full_matrices=False)
            beyond = np.eye(len(captures)) - np.outer(captures[:, 0], captures[:, 0])
            explained += float((counts * (beyond @ zones) ** 2).sum())
            total += float(((beyond @ (pixels - pixels.mean(axis=1, keepdims=True))) ** 2).sum())
        weakest = min(_change(means[list(pair)], counts) for pair in combinations(range(len(means)), 2))
        return Response(weakest, explained / max(total, 1e-12))


def _change(means: Light, counts: NDArray[np.int64]) -> float:
    """Root mean square change of the zones' means (captures, zones, 3) that no fading of one picture explains."""
    weighted = np.moveaxis(means, 2, 0) * np.sqrt(counts)
    singular = np.linalg.svd(weighted, compute_uv=False)
    return float(np.sqrt((singular[:, 1:] ** 2).sum() / (counts.sum() * weighted.shape[0] * len(means))))


def _diffractive_region(document: DocumentType) -> Region | None:
    """The type's first diffractive region with zones."""
    return next((r for r in document.regions if r.kind == "diffractive" and r.zones is not None), None)


def _log_light(image: RGBImage) -> Light:
    """(h, w, 3): natural logarithm of linear light."""
    return np.asarray(_LOG_LIGHT[image])


def _without_shading(log_light: Light, inside: NDArray[np.bool_], away_px: float) -> Light:
    """(h, w, 3), less the mean of the zones around each pixel: shading and tint of a lamp, and glare."""
    return np.asarray(log_light - _blurred(log_light, inside, away_px))


def _within_zones(values: Light, zones: NDArray[np.uint8], fine_px: float) -> Light:
    """(h, w, 3), each pixel the mean of its own zone's pixels around it; 0 outside the zones."""
    smooth = np.zeros_like(values)
    for number in np.unique(zones[zones > 0]):
        zone = zones == number
        smooth[zone] = _blurred(values, zone, fine_px)[zone]
    return smooth


def _blurred(values: Light, where: NDArray[np.bool_], sigma_px: float) -> Light:
    """(h, w, 3), blurred as if the picture had no pixels but those."""
    share = where.astype(np.float32)
    weighted = cv2.GaussianBlur(values * share[..., None], (0, 0), sigma_px)
    weighted /= np.maximum(cv2.GaussianBlur(share, (0, 0), sigma_px), _LEAST_SHARE)[..., None]
    return np.asarray(weighted, dtype=np.float32)


def _inner(zones: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels whose whole neighbourhood has their own number."""
    size = 2 * _INSET_PX + 1
    kernel = np.ones((size, size), dtype=np.uint8)
    return np.asarray((cv2.erode(zones, kernel) == cv2.dilate(zones, kernel)) & (zones > 0))
