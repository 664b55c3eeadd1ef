"""Checks that the hologram changes between the three angles as this type's own hologram does.

Its pattern is made of zones, each one grating in several patches. In any light three things follow:

- *response*: from angle to angle patches begin and cease to shine, while the print below stays. A picture of a hologram
  is printed with that print: gloss and lamps fade both alike, place by place. So the change that a fading explains is
  taken away, as long as the lines of the print around did not fade more. A place counts only where both captures show
  the same print, since a finger over a printed hologram changes it too. The two captures that differ least count;
- *shape*: the change ends where patches end, and not where the same pattern does a few millimetres aside. Foil of
  another pattern, film, projected light and misplaced stickers change too, but not patch by patch;
- without light that reaches its gratings a hologram shows nothing, and then neither can be asked: where nothing changes
  and patches stand out in fewer than two captures, both refer and do not reject. A printed picture stands out in all;
- light that falls on a place and its neighbours, coloured or not, changes their patches alike and is removed first, so
  that glare and a lamp nearby count little.
"""

from collections.abc import Mapping, Sequence
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
    "share of light",
    "hologram_static",
    Limit.AT_LEAST,
    ratio=True,
    optically_variable=True,
    # Prints, displays and warped pictures of 88 tuning attacks gave 0.008 at most, other printed holograms 0.015.
    forged=0.015,
    speaks_to=(Hypothesis.HOLOGRAM, Hypothesis.COPY, Hypothesis.DISPLAY, Hypothesis.ONE_PICTURE),
)
HOLOGRAM_SHAPE = Quantity(
    "hologram_shape",
    "share",
    "hologram_foreign",
    Limit.AT_LEAST,
    optically_variable=True,
    lost_in_darkness=True,
    # Of 135 foils, films, stickers and projected lights of tuning attacks nine in ten gave less than 0.2, one 0.43.
    # A printed hologram in spots of a lamp can give more: 13 of 336 that were painted so are within, 12 by the measure
    # before.
    forged=0.3,
    speaks_to=(Hypothesis.HOLOGRAM,),
)

# Chosen by hand on tuning cards, unless stated otherwise; no outside source.
_DARKEST = 0.01  # of linear light; darker differences are noise
_AROUND_MM = 1.7  # standard deviation of the neighbourhood that a patch is compared with, and that fades as one
_NOISE_MM = 0.08  # standard deviation of a blur that the lines of the print survive and much of the noise does not
# Standard deviation of the blur in which grain is lost but not the change of a patch. Of 0, 0.2, 0.35 and 0.5 mm it
# takes fewest genuine tuning cards of four formations for foils, at as many printed holograms in spots of a lamp.
_GRAIN_MM = 0.35
_PRINT_MM = 0.4  # standard deviation of the blur in which those lines are lost
_SEEN_MM = 0.6  # standard deviation of the neighbourhood in which the print of two captures is compared
_SEEN = 0.4  # correlation of the print from which a place shows it in both captures
_SEEN_INSET_PX = 2  # places beside hidden ones are left out, since a blur reached them
_LEAST_SEEN = 0.1  # of the region: with less, two captures are not compared
_CLIPPED = 254  # grey level of any colour from which on a pixel may be clipped, and no proportion holds
_CLIPPED_AROUND_PX = 5  # side of the square around such a pixel that is left out
_INSET_PX = 1  # zones are cut in from their edges, where blur mixes them
_LEAST_PATCH_PX = 40
_LEAST_ZONES = 3
_ASIDE_MM = ((2.5, 0.0), (-2.5, 0.0), (0.0, 2.1), (0.0, -2.1), (5.0, 3.3), (-5.0, -3.3))  # down, right
_WIDE_PX = 5.0  # standard deviation of a blur that is made in a smaller picture. Far above a pixel, so nothing is lost
_LEAST = 1e-9
# Share of light by which patches stand out in a capture. Captures of path-traced tuning cards whose hologram answered
# to no lamp gave 0.036 at most, printed pictures of it 0.056 or more (ten of eleven; one shows hardly anything).
_STANDS_OUT = 0.04
_LEAST_ANSWERS = 2  # captures: with one alone, nothing can be compared that is not an absence
# Six tuning cards that shone so brightly that their change was lost had 0.44 to 0.73 clipped.
_MOST_BLOWN = 1 / 3
_DIFFERS = 0.03  # strength between two of their captures; four of them gave 0.030 to 0.071
_CHANGES = 0.02  # strength from which on something changes in all captures; a printed hologram gives less
_PRINTED = 0.015  # the most that a printed hologram gave
_OWN_SHAPE = 0.5  # shape from which on a weaker change is the patches' own: of 223 tuning attacks the most was 0.47

_LIGHT = LINEAR_LIGHT.astype(np.float32)
_LOG_LIGHT = np.log(LINEAR_LIGHT + _DARKEST).astype(np.float32)
Light = NDArray[np.float32]
Mask = NDArray[np.bool_]
Labels = NDArray[np.int32]


@dataclass(frozen=True)
class Response:
    """The measured change of the patches.

    Attributes:
        strength: root mean square of the patches' change that is no fading of a fixed picture, colour by colour, as a
            share of the light around; of the two captures that differ least. None when no two captures show enough of
            the same print.
        shape: share of the change between the two captures that differ most that the patches explain, above what they
            explain when they are moved aside; at most 1, and 0 or less for a change that knows nothing of them. The
            lesser of the whole region's and that of the places where both captures show the print.
        answers: number of captures in which the patches stand out from their neighbours.
        blown: share of the patches' area that is clipped in one of the two captures that differ least; 0 where the two
            that differ most differ little.
    """

    strength: float | None
    shape: float
    answers: int
    blown: float


@dataclass(frozen=True)
class Hologram(Check):
    """`hologram_response` (fails with `hologram_static`) and `hologram_shape` (`hologram_foreign`).

    Neither could be assessed where hardly anything changes, and not as the patches do, and either fewer than two
    captures show the hologram (`hologram_not_seen`), or much of it is too bright to show a change
    (`card_overexposed`). The response could not be assessed, with `card_covered`, where no two captures show the print
    below it. The shape is not assessed when nothing changes; the response then fails by itself.

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
        least = _PRINTED if response.shape >= _OWN_SHAPE else _CHANGES
        if response.strength is not None and response.strength < least:
            hidden = "hologram_not_seen" if response.answers < _LEAST_ANSWERS else "card_overexposed"
            if response.answers < _LEAST_ANSWERS or response.blown > _MOST_BLOWN:
                return [quantity.not_assessed(hidden) for quantity in self.reports]
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
        noise = _NOISE_MM * self.document.px_per_mm
        light = [np.asarray(cv2.GaussianBlur(_LIGHT[box], (0, 0), noise)) for box in boxes]
        print_ = [self._print(_LOG_LIGHT[box].mean(axis=2)) for box in boxes]
        whole_range = [_unclipped(box) for box in boxes]
        inside = self.patches > 0
        whole, seen = [], []
        for one, other in combinations(range(len(boxes)), 2):
            whole.append(self._change(light[one], light[other], inside))
            shown = self._shown(print_[one], print_[other]) & whole_range[one] & whole_range[other]
            if shown.sum() >= _LEAST_SEEN * inside.sum():
                blown = 1 - (inside & whole_range[one] & whole_range[other]).sum() / inside.sum()
                seen.append((self._change(light[one], light[other], shown), float(blown)))
        shapes = [max(changes).shape for changes in (whole, [change for change, _ in seen]) if changes]
        least, blown = min(seen, default=(None, 0.0))
        answers = sum(self._stands_out(capture) > _STANDS_OUT for capture in light)
        # A printed picture that is blown out is so in all captures: only one that differs makes light the cause.
        if not seen or max(seen)[0].strength < _DIFFERS:
            blown = 0.0
        return Response(least.strength if least else None, min(shapes), answers, blown)

    def _stands_out(self, light: Light) -> float:
        """Root mean square of the patches of one capture, above what they would explain if they were moved aside."""
        inside = self.patches > 0
        shown = _relative(light, _Blur(inside, _AROUND_MM * self.document.px_per_mm))[inside]
        shown -= shown.mean(axis=0)
        between = _between(shown, self.patches[inside]) - self._aside(shown, inside)
        return float(np.sqrt(max(between, 0.0) / shown.size))

    def _aside(self, change: Light, where: Mask) -> float:
        """Most that the patches explain of a change (pixels, 3) when they are moved aside."""
        moves = [[round(mm * self.document.px_per_mm) for mm in move] for move in _ASIDE_MM]
        return max(_between(change, np.roll(self.patches, move, (0, 1))[where]) for move in moves)

    def _print(self, log_light: Light) -> Light:
        """(h, w): the fine lines of the print inside the zones, 0 elsewhere."""
        noise, lines = (length * self.document.px_per_mm for length in (_NOISE_MM, _PRINT_MM))
        print_ = np.zeros_like(log_light)
        for number in np.unique(self.zones[self.zones > 0]):
            zone = self.zones == number
            print_[zone] = (_Blur(zone, noise)(log_light) - _Blur(zone, lines)(log_light))[zone]
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
        blur = _Blur(where, _AROUND_MM * self.document.px_per_mm)
        relative = [_relative(light, blur) for light in (one, other)]
        change = _unexplained(relative, self.patches, where, blur)[where]
        change -= change.mean(axis=0)
        strength = np.sqrt(_between(change, self.patches[where]) / change.size)
        return _Change(float(strength), self._shape(change, where))

    def _shape(self, change: Light, where: Mask) -> float:
        """Share of a change (pixels, 3) that the patches explain, above what they explain when they are moved aside."""
        spread = np.zeros((*where.shape, 3), dtype=np.float32)
        spread[where] = change
        coarse = _Blur(where, _GRAIN_MM * self.document.px_per_mm)(spread)[where]
        between, total = _between(coarse, self.patches[where]), float((coarse**2).sum())
        return 1 - (total - between) / max(total - self._aside(coarse, where), _LEAST)


class _Blur:
    """Blurs pictures as if they had no pixels but some places.

    Args:
        where: the places.
        sigma_px: standard deviation.
    """

    def __init__(self, where: Mask, sigma_px: float) -> None:
        self._size = where.shape[1::-1]
        self._smaller = tuple(max(1, round(length * min(1.0, _WIDE_PX / sigma_px))) for length in self._size)
        self._sigma = sigma_px * self._smaller[0] / self._size[0]
        self._share = where.astype(np.float32)
        # Blurred once for all pictures: several dozen are blurred around the same places.
        self._around = np.maximum(self._blurred_small(self._share), _LEAST)

    def __call__(self, values: Light) -> Light:
        """Returns (h, w) or (h, w, 3), as the values."""
        flat = values.ndim == 2
        weighted = values * (self._share if flat else self._share[..., None])
        blurred = self._blurred_small(weighted) / (self._around if flat else self._around[..., None])
        return np.asarray(cv2.resize(blurred, self._size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)

    def _blurred_small(self, values: Light) -> Light:
        """A wide blur of a smaller picture is the same, and far faster."""
        small = cv2.resize(values, self._smaller, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.GaussianBlur(small, (0, 0), self._sigma), dtype=np.float32)


@dataclass(frozen=True, order=True)
class _Change:
    """Change between two captures: its strength, and the share that the patches explain."""

    strength: float
    shape: float


def _relative(light: Light, blur: _Blur) -> Light:
    """(h, w, 3): light as a share of that around, less the share around: a lamp's level and a veil are gone."""
    share = light / (blur(light) + _DARKEST)
    return np.asarray(share - blur(share))


def _unexplained(relative: Sequence[Light], patches: Labels, where: Mask, blur: _Blur) -> Light:
    """(h, w, 3): what fading does not explain of the difference of two captures (h, w, 3).

    A printed picture can be paler in either, place by place, but its patches no more than the lines of the print
    inside them.
    """
    pictures = [_means(values, patches, where) for values in relative]
    lines = [values - picture for values, picture in zip(relative, pictures, strict=True)]
    centred = [picture - blur(picture) for picture in pictures]
    # Squares of lines and of pictures around each place, of which each capture's is used twice.
    own = [[blur(values * values) for values in both] for both in (lines, centred)]
    together = [blur(both[0] * both[1]) for both in (lines, centred)]
    left = []
    for pale, clear in ((0, 1), (1, 0)):
        least = _slope(together[0], own[0][clear]).clip(0, 1)
        fading = np.clip(_slope(together[1], own[1][clear]), least, 1)
        rest = relative[pale] - fading * relative[clear]
        rest = rest - blur(rest)
        left.append((blur(_means(rest, patches, where) ** 2), rest))
    (one, one_rest), (other, other_rest) = left
    return np.asarray(np.where(one <= other, one_rest, other_rest), dtype=np.float32)


def _slope(together: Light, own: Light) -> Light:
    """(h, w, 3): local slope of values over others by least squares, from the means of their products."""
    return np.asarray(together / np.maximum(own, _LEAST))


def _means(values: Light, patches: Labels, where: Mask) -> Light:
    """(h, w, 3): at those places the mean of each patch; 0 elsewhere."""
    labels, found = patches[where], values[where]
    pixels = np.maximum(np.bincount(labels), 1)
    means = np.zeros_like(values)
    means[where] = np.stack([np.bincount(labels, colour) / pixels for colour in found.T], axis=1)[labels]
    return means


def _between(change: Light, labels: Labels) -> float:
    """Sum of squares that the means of the labelled patches (pixels,) explain of a change (pixels, 3)."""
    pixels = np.maximum(np.bincount(labels), 1)
    return float(sum((np.bincount(labels, colour) ** 2 / pixels).sum() for colour in change.T))


def _unclipped(box: RGBImage) -> Mask:
    """(h, w): true away from pixels that may be clipped."""
    clipped = (np.maximum.reduce(cv2.split(box)) >= _CLIPPED).astype(np.uint8)
    return np.asarray(cv2.dilate(clipped, np.ones((_CLIPPED_AROUND_PX, _CLIPPED_AROUND_PX), np.uint8)) == 0)


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


def _inner(zones: NDArray[np.uint8]) -> Mask:
    """Pixels whose whole neighbourhood has their own number."""
    size = 2 * _INSET_PX + 1
    kernel = np.ones((size, size), dtype=np.uint8)
    return np.asarray((cv2.erode(zones, kernel) == cv2.dilate(zones, kernel)) & (zones > 0))
