"""Checks that the hologram changes between the three angles as this type's own hologram does.

Its pattern is made of zones, each one grating in several patches. In any light three things follow:

- *response*: from angle to angle patches begin and cease to shine, while the print below stays. A picture of a hologram
  is printed with that print: gloss and lamps fade both alike. So the change that one proportion explains is taken away,
  as long as the print itself did not fade more. A place counts only where both captures show the same print, since a
  finger over a printed hologram changes it too. The two captures that differ least count;
- *shape*: the change ends where patches end, and not where the same pattern does a few millimetres aside. Foil of
  another pattern, film, projected light and misplaced stickers change too, but not patch by patch;
- light that falls on a place and its neighbours, coloured or not, changes their patches alike and is removed first, so
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
    forged=0.018,
    speaks_to=(Hypothesis.HOLOGRAM, Hypothesis.COPY, Hypothesis.DISPLAY, Hypothesis.ONE_PICTURE),
)
HOLOGRAM_SHAPE = Quantity(
    "hologram_shape",
    "share",
    "hologram_foreign",
    Limit.AT_LEAST,
    optically_variable=True,
    lost_in_darkness=True,
    forged=0.5,
    speaks_to=(Hypothesis.HOLOGRAM,),
)

# Chosen by hand on tuning cards, unless stated otherwise; no outside source.
_DARKEST = 0.01  # of linear light; darker differences are noise
_LOCAL_MM = 2.5  # standard deviation of the neighbourhood that a patch is compared with: a few patches wide
_NOISE_MM = 0.08  # standard deviation of a blur that the lines of the print survive and much of the noise does not
_PRINT_MM = 0.4  # standard deviation of the blur in which those lines are lost
_SEEN_MM = 0.6  # standard deviation of the neighbourhood in which the print of two captures is compared
_SEEN = 0.4  # correlation of the print from which a place shows it in both captures
_SEEN_INSET_PX = 2  # places beside hidden ones are left out, since a blur reached them
_LEAST_SEEN = 0.1  # of the region: with less, two captures are not compared
_INSET_PX = 1  # zones are cut in from their edges, where blur mixes them
_LEAST_PATCH_PX = 40
_LEAST_ZONES = 3
_ASIDE_MM = ((2.5, 0.0), (-2.5, 0.0), (0.0, 2.1), (0.0, -2.1), (5.0, 3.3), (-5.0, -3.3))  # down, right
_WIDE_PX = 5.0  # standard deviation of a blur that is made in a smaller picture. Far above a pixel, so nothing is lost
_LEAST = 1e-9

_LOG_LIGHT = np.log(LINEAR_LIGHT + _DARKEST).astype(np.float32)
Light = NDArray[np.float32]
Mask = NDArray[np.bool_]
Labels = NDArray[np.int32]


@dataclass(frozen=True)
class Response:
    """The measured change of the patches.

    Attributes:
        strength: root mean square of the patches' change that is not one proportion of a fixed picture, colour by
            colour, in natural logarithms of linear light; of the two captures that differ least. None when no two
            captures show enough of the same print.
        shape: share of the change between the two captures that differ most that the patches explain, above what they
            explain when they are moved aside; at most 1, and 0 or less for a change that knows nothing of them. The
            lesser of the whole region's and that of the places where both captures show the print.
    """

    strength: float | None
    shape: float


@dataclass(frozen=True)
class Hologram(Check):
    """`hologram_response` (fails with `hologram_static`) and `hologram_shape` (`hologram_foreign`).

    The response could not be assessed, with `card_covered`, where no two captures show the print below it. The shape
    is not assessed when nothing changes; the response then fails by itself.

    Attributes:
        region: the diffractive region as the type describes it.
        zones: (h, w), canonical pixels of the region's box: 0, or the zone's number.
        patches: (h, w): 0, or the number of the connected part of a zone.
    """

    region: Region
    zones: NDArray[np.uint8]
    patches: Labels

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
        patches = _patches(inner)
        inner[patches == 0] = 0
        if len(np.unique(inner[inner > 0])) < _LEAST_ZONES:
            raise DocumentTypeInvalid(f"The zones of {region.name} are too few or too small to be told apart.")
        return cls(document, region, inner, patches)

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        """Measures the patches, and judges them."""
        return self.judge(self.response(card.rectified), policy)

    def judge(self, response: Response, policy: Policy) -> list[CheckResult]:
        """Judges the response, and the shape only when the patches change or the print below them is hidden."""
        if response.strength is None:
            strength = HOLOGRAM_RESPONSE.not_assessed("card_covered")
        else:
            strength = HOLOGRAM_RESPONSE.judge(response.strength, policy.calibration)
            if strength.outcome is not Outcome.PASS:
                return [strength, HOLOGRAM_SHAPE.not_assessed("hologram_static")]
        return [strength, HOLOGRAM_SHAPE.judge(response.shape, policy.calibration)]

    def response(self, rectified: Mapping[Role, RGBImage]) -> Response:
        """Measures the change of the patches between rectified captures of one card."""
        left, top, right, bottom = self.region.box.pixels(self.document.px_per_mm)
        boxes = [image[top:bottom, left:right] for image in rectified.values()]
        light = [_blurred(_LOG_LIGHT[box], None, _NOISE_MM * self.document.px_per_mm) for box in boxes]
        print_ = [self._print(_LOG_LIGHT[box].mean(axis=2)) for box in boxes]
        inside = self.patches > 0
        whole, seen = [], []
        for one, other in combinations(range(len(boxes)), 2):
            whole.append(self._change(light[one], light[other], inside))
            shown = self._shown(print_[one], print_[other])
            if shown.sum() >= _LEAST_SEEN * inside.sum():
                seen.append(self._change(light[one], light[other], shown))
        shapes = [max(changes).shape for changes in (whole, seen) if changes]
        return Response(min(seen).strength if seen else None, min(shapes))

    def _print(self, log_light: Light) -> Light:
        """(h, w): the fine lines of the print inside the zones, 0 elsewhere."""
        noise, lines = (length * self.document.px_per_mm for length in (_NOISE_MM, _PRINT_MM))
        print_ = np.zeros_like(log_light)
        for number in np.unique(self.zones[self.zones > 0]):
            zone = self.zones == number
            print_[zone] = (_blurred(log_light, zone, noise) - _blurred(log_light, zone, lines))[zone]
        return print_

    def _shown(self, one: Light, other: Light) -> Mask:
        """(h, w): places inside the zones at which both captures show the same print."""
        sigma = _SEEN_MM * self.document.px_per_mm
        together, own, others = (
            cv2.GaussianBlur(a * b, (0, 0), sigma) for a, b in ((one, other), (one, one), (other, other))
        )
        agree = together / np.maximum(np.sqrt(own * others), _LEAST) > _SEEN
        size = 2 * _SEEN_INSET_PX + 1
        shown = cv2.erode((agree & (self.patches > 0)).astype(np.uint8), np.ones((size, size), dtype=np.uint8))
        return np.asarray(shown > 0)

    def _change(self, one: Light, other: Light, where: Mask) -> "_Change":
        """Compares two captures (h, w, 3) at some places."""
        away = _LOCAL_MM * self.document.px_per_mm
        lights = [(light - _blurred(light, where, away))[where] for light in (one, other)]
        patch = _Patches(self.patches[where])
        change = np.stack([patch.unexplained(lights[0][:, k], lights[1][:, k]) for k in range(3)], axis=1)
        between = patch.between(change)
        total = float((change**2).sum())
        aside = max(
            _Patches(
                np.roll(self.patches, [round(mm * self.document.px_per_mm) for mm in move], (0, 1))[where]
            ).between(change)
            for move in _ASIDE_MM
        )
        shape = 1 - (total - between) / max(total - aside, _LEAST)
        return _Change(float(np.sqrt(between / change.size)), shape)


@dataclass(frozen=True, order=True)
class _Change:
    """What changed between two captures: how much, and the share that the patches explain."""

    strength: float
    shape: float


class _Patches:
    """Patches of the pixels at some places."""

    def __init__(self, labels: Labels) -> None:
        """Args: labels: (pixels,), the number of each pixel's patch."""
        self._labels = labels
        self._pixels = np.bincount(labels)
        self._whole = np.maximum(self._pixels, 1)

    def means(self, values: Light) -> Light:
        """(patches,): of values (pixels,)."""
        return np.asarray(np.bincount(self._labels, values) / self._whole, dtype=np.float32)

    def between(self, change: Light) -> float:
        """Sum of squares that the patches' means explain of a change (pixels, 3)."""
        return sum(float((self._pixels * self.means(change[:, k]) ** 2).sum()) for k in range(change.shape[1]))

    def unexplained(self, one: Light, other: Light) -> Light:
        """(pixels,): what fading does not explain of the difference of two captures (pixels,) of one colour.

        A printed picture can be paler in either, but the patches no more than the lines of the print inside them.
        """
        found = min(
            (self._faded(a, b) for a, b in ((one, other), (other, one))),
            key=lambda left: float((self._pixels * self.means(left) ** 2).sum()),
        )
        return np.asarray(found - found.mean())

    def _faded(self, paler: Light, clear: Light) -> Light:
        means = [self.means(values) for values in (paler, clear)]
        lines = [values - mean[self._labels] for values, mean in zip((paler, clear), means, strict=True)]
        there = self._pixels > 0
        slopes = self.means(lines[0] * lines[1])[there] / np.maximum(self.means(lines[1] ** 2)[there], _LEAST)
        least = float(np.clip(np.median(slopes), 0, 1))
        centred = [mean - np.average(mean, weights=self._pixels) for mean in means]
        best = (self._pixels * centred[0] * centred[1]).sum() / max((self._pixels * centred[1] ** 2).sum(), _LEAST)
        return np.asarray(paler - np.clip(best, least, 1) * clear)


def _patches(zones: NDArray[np.uint8]) -> Labels:
    """(h, w): 0, or the number of each connected part of a zone that is large enough."""
    patches, found = np.zeros(zones.shape, dtype=np.int32), 0
    for number in np.unique(zones[zones > 0]):
        count, parts = cv2.connectedComponents((zones == number).astype(np.uint8), connectivity=4)
        for part in range(1, count):
            if (parts == part).sum() >= _LEAST_PATCH_PX:
                found += 1
                patches[parts == part] = found
    return patches


def _diffractive_region(document: DocumentType) -> Region | None:
    """The type's first diffractive region with zones."""
    return next((r for r in document.regions if r.kind == "diffractive" and r.zones is not None), None)


def _blurred(values: Light, where: Mask | None, sigma_px: float) -> Light:
    """(h, w) or (h, w, 3), blurred as if the picture had no pixels but those."""
    if where is None:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma_px))
    size = values.shape[1::-1]
    smaller = tuple(max(1, round(length * min(1.0, _WIDE_PX / sigma_px))) for length in size)
    sigma = sigma_px * smaller[0] / size[0]
    share = where.astype(np.float32)
    weighted = values * (share if values.ndim == 2 else share[..., None])
    # A wide blur of a smaller picture is the same, and far faster.
    weighted, share = (cv2.resize(picture, smaller, interpolation=cv2.INTER_AREA) for picture in (weighted, share))
    weighted, share = (cv2.GaussianBlur(picture, (0, 0), sigma) for picture in (weighted, share))
    share = np.maximum(share, _LEAST)
    blurred = weighted / (share if values.ndim == 2 else share[..., None])
    return np.asarray(cv2.resize(blurred, size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _inner(zones: NDArray[np.uint8]) -> Mask:
    """Pixels whose whole neighbourhood has their own number."""
    size = 2 * _INSET_PX + 1
    kernel = np.ones((size, size), dtype=np.uint8)
    return np.asarray((cv2.erode(zones, kernel) == cv2.dilate(zones, kernel)) & (zones > 0))
