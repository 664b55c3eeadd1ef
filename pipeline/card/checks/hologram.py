"""Does the hologram answer the three angles as this type's own hologram does?

Its pattern is made of zones; zones of one number are made alike (the same grating) and lie in many places, next to
others. Three things follow, whatever the light is:

- *response*: from angle to angle the zones' colours change, and not all in one proportion. A flat print does not
  change; gloss over it only fades what is printed, which is one proportion for all;
- *own shape*: what changes is told by the zone's number. Foil of another pattern, film, thrown light and misplaced
  stickers change too, but not zone by zone;
- light that falls on the whole region, coloured or not, changes all zones alike and is taken out first.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType, Region
from idproof.pipeline.errors import DocumentTypeInvalid
from idproof.pipeline.types import CheckResult, Outcome, Role

RESPONSE, SHAPE = "hologram_response", "hologram_shape"

_FLOOR = 0.01  # of linear light: darker differences are noise
_INNER_PX = 1  # zones are cut in from their edges: blur mixes them there
_MIN_ZONE_PX = 30

_Maps = NDArray[np.float64]


@dataclass(frozen=True)
class Pattern:
    """A diffractive region and where its zones are.

    Attributes:
        region: as the type describes it.
        zones: (h, w), canonical pixels of the region's box: 0, or the zone's number.
    """

    region: Region
    zones: NDArray[np.uint8]

    @classmethod
    def of(cls, document: DocumentType) -> "Pattern | None":
        """The type's first diffractive region with zones; raises `DocumentTypeInvalid` when its picture is unusable."""
        region = next((r for r in document.regions if r.kind == "diffractive" and r.zones is not None), None)
        if region is None:
            return None
        left, top, right, bottom = region.box.pixels(document.px_per_mm)
        zones = cv2.imread(str(region.zones), cv2.IMREAD_GRAYSCALE)
        if zones is None or zones.shape != (bottom - top, right - left):
            raise DocumentTypeInvalid(
                f"The zones of {region.name} must be a picture of {right - left} × {bottom - top} pixels."
            )
        inner = np.where(_eroded(zones), zones, 0).astype(np.uint8)
        numbers, counts = np.unique(inner[inner > 0], return_counts=True)
        if len(numbers) < 3 or counts.min() < _MIN_ZONE_PX:
            raise DocumentTypeInvalid(f"The zones of {region.name} are too few or too small to be told apart.")
        return cls(region, inner)


@dataclass(frozen=True)
class Answer:
    """What the zones did.

    Attributes:
        response: root mean square of the zones' change from angle to angle that is not one proportion of a fixed
            picture, in natural logarithms of linear light.
        shape: share of all change in the region that the zones' numbers explain, 0..1.
    """

    response: float
    shape: float


def check(
    rectified: Mapping[Role, RGBImage], pattern: Pattern, document: DocumentType, policy: Policy
) -> list[CheckResult]:
    """`hologram_response` (fails with `hologram_static`) and `hologram_shape` (`hologram_foreign`).

    The shape is not assessed where nothing changes; the response then fails by itself.
    """
    found = answer(rectified, pattern, document)
    judge = policy.calibration.at_least
    response = judge(RESPONSE, found.response, unit="log light", reason="hologram_static")
    if response.outcome is not Outcome.PASS:
        return [response, CheckResult.not_assessed(SHAPE, "hologram_static")]
    shape = judge(SHAPE, found.shape, unit="share", reason="hologram_foreign")
    return [response, shape]


def answer(rectified: Mapping[Role, RGBImage], pattern: Pattern, document: DocumentType) -> Answer:
    """Measure the zones in registered captures of one card."""
    left, top, right, bottom = pattern.region.box.pixels(document.px_per_mm)
    inside = pattern.zones > 0
    number = pattern.zones[inside]
    # (captures, pixels, 3): light of each zone pixel, freed of what varies smoothly over the region.
    light = np.stack([_even(_log(image[top:bottom, left:right]), inside) for image in rectified.values()])
    means = np.stack([light[:, number == n].mean(axis=1) for n in np.unique(number)], axis=1)
    counts = np.array([(number == n).sum() for n in np.unique(number)])
    means -= np.average(means, axis=1, weights=counts)[:, None]
    singular = np.linalg.svd(means.reshape(len(means), -1), compute_uv=False)
    response = float(np.sqrt((singular[1:] ** 2).sum() / means.size))
    change = light - light.mean(axis=0)
    told = means - means.mean(axis=0)
    explained = (counts[None, :, None] * told**2).sum() / max(float((change**2).sum()), 1e-12)
    return Answer(response, float(explained))


def _log(image: RGBImage) -> _Maps:
    """(h, w, 3): natural logarithm of about linear light."""
    return np.log((image.astype(np.float64) / 255) ** 2.2 + _FLOOR)


def _even(log_light: _Maps, inside: NDArray[np.bool_]) -> _Maps:
    """(pixels, 3) inside, less the best surface of second degree: shading and tint of a lamp, near or far."""
    rows, columns = np.nonzero(inside)
    y, x = rows / inside.shape[0] - 0.5, columns / inside.shape[1] - 0.5
    basis = np.column_stack([np.ones_like(x), x, y, x * y, x * x, y * y])
    values = log_light[inside]
    coefficients, *_ = np.linalg.lstsq(basis, values, rcond=None)
    return np.asarray(values - basis @ coefficients)


def _eroded(zones: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels whose whole neighbourhood has their own number."""
    size = 2 * _INNER_PX + 1
    kernel = np.ones((size, size), dtype=np.uint8)
    return np.asarray((cv2.erode(zones, kernel) == cv2.dilate(zones, kernel)) & (zones > 0))
