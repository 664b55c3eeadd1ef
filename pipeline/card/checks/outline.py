"""Has the card's outline the corners and the proportions of an ISO/IEC 7810 ID-1 card?

The print says where the outline must be: each side is found as the step from the card to what lies around it, close
to its place, and each corner's rounding along its diagonal. A picture on a screen goes on beyond the corners; a copy
is cut by hand.
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.card.view import CardView
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CheckResult, Role

CORNERS, ASPECT = "card_corners", "card_aspect"

_PX_PER_MM = 8.0
_MARGIN_MM = 4.0
_STEP_MM = 0.1
_DIAGONAL_MM = (-2.5, 4.0)  # from outside to inside, 0 at the sharp corner
_ROUND_MM = (-0.6, 2.4)  # where on the diagonal the edge may lie
_BESIDE_MM = np.linspace(-0.5, 0.5, 11)  # how far from the diagonal it is sampled too
_ACROSS_MM = (-3.0, 2.0)
_SIDE_MM = (-1.2, 1.0)
_CONTRAST = 14.0  # grey levels, as a distance in RGB, from the card to what is around it
_LEAST_CORNERS, _LEAST_SIDE = 4, 40
_SAGITTA = np.sqrt(2) - 1  # how far the rounding lies in, as a share of its radius

_Profiles = NDArray[np.float32]


def check(
    images: Mapping[Role, RGBImage], views: Mapping[Role, CardView], document: DocumentType, policy: Policy
) -> list[CheckResult]:
    """`card_corners` (fails with `corners_not_rounded_as_issued`) and `card_aspect` (`outline_of_other_proportions`).

    The values are the corners' radius in millimetres, a median over corners and captures, and the outline's width
    over its height, a median over captures, as a share of the type's. Each could not be assessed, with
    `outline_not_seen`, where the card hardly stands out from what it lies on.
    """
    frames = [_around(images[role], view, document) for role, view in views.items()]
    radii = [radius for frame in frames for radius in corner_radii(frame, document)]
    shares = [share for frame in frames if (share := proportions(frame, document)) is not None]
    return [
        _judged(CORNERS, radii, _LEAST_CORNERS, "mm", "corners_not_rounded_as_issued", policy),
        _judged(ASPECT, shares, 1, "share of the type's", "outline_of_other_proportions", policy),
    ]


def _judged(name: str, values: Sequence[float], least: int, unit: str, reason: str, policy: Policy) -> CheckResult:
    if len(values) < least:
        return CheckResult.not_assessed(name, "outline_not_seen")
    return policy.calibration.within(name, float(np.median(values)), unit=unit, reason=reason)


def corner_radii(frame: RGBImage, document: DocumentType) -> list[float]:
    """Of each corner that stands out from its surroundings, in millimetres."""
    along = np.arange(*_DIAGONAL_MM, _STEP_MM)
    found = []
    for x, y in ((0, 0), (1, 0), (1, 1), (0, 1)):
        inwards = np.array([1 - 2 * x, 1 - 2 * y]) / np.sqrt(2)
        beside = np.array([-inwards[1], inwards[0]])
        corner = np.array([x * document.width_mm, y * document.height_mm])
        points = corner + along[None, :, None] * inwards + _BESIDE_MM[:, None, None] * beside
        places = _steps(_sample(frame, points), along, _ROUND_MM)
        if len(places) > len(_BESIDE_MM) // 2:
            found.append(float(np.mean(places) / _SAGITTA))
    return found


def proportions(frame: RGBImage, document: DocumentType) -> float | None:
    """Width over height of the outline as a share of the type's; None when a side does not stand out."""
    w, h = document.width_mm, document.height_mm
    left, right = (_side(frame, x, h, upright=True) for x in (0.0, w))
    top, bottom = (_side(frame, y, w, upright=False) for y in (0.0, h))
    if left is None or right is None or top is None or bottom is None:
        return None
    # Each is measured inwards from where it should be.
    return float(((w - left - right) / w) / ((h - top - bottom) / h))


def _side(frame: RGBImage, at: float, length: float, *, upright: bool) -> float | None:
    """How far inside its place a side lies, in millimetres."""
    across = np.arange(-_ACROSS_MM[1], -_ACROSS_MM[0], _STEP_MM)  # outside to inside
    sign = 1.0 if at == 0 else -1.0
    along = np.arange(6.0, length - 6.0, 0.25)
    one = np.broadcast_to(at + sign * across, (len(along), len(across)))
    other = np.broadcast_to(along[:, None], one.shape)
    points = np.stack((one, other) if upright else (other, one), axis=-1)
    places = _steps(_sample(frame, points), across, _SIDE_MM)
    return float(np.median(places)) if len(places) >= _LEAST_SIDE else None


def _steps(profiles: _Profiles, along: NDArray[np.float64], within: tuple[float, float]) -> NDArray[np.float64]:
    """Where each profile (n, length, 3) steps from one colour to another; those without much of a step left out."""
    length = profiles.shape[1]
    so_far = np.cumsum(profiles, axis=1)
    counts = np.arange(1, length + 1, dtype=np.float32)[:, None]
    first = so_far / counts
    second = (so_far[:, -1:] - so_far)[:, :-1] / (length - counts[:-1])
    apart = np.linalg.norm(first[:, :-1] - second, axis=2)
    weight = np.sqrt(counts[:-1, 0] * (length - counts[:-1, 0]))
    allowed = (along[:-1] >= within[0]) & (along[:-1] <= within[1])
    gain = apart * weight
    best = np.where(allowed, gain, 0).argmax(axis=1)
    clear = apart[np.arange(len(best)), best] > _CONTRAST
    rows, best = np.arange(len(best))[clear], best[clear]
    before, here, after = (gain[rows, np.clip(best + i, 0, gain.shape[1] - 1)] for i in (-1, 0, 1))
    curve = np.minimum(before - 2 * here + after, -1e-6)
    return np.asarray(along[best] + _STEP_MM * (0.5 + np.clip(0.5 * (before - after) / curve, -0.5, 0.5)))


def _around(image: RGBImage, view: CardView, document: DocumentType) -> RGBImage:
    """The card put straight, with what is around it."""
    s, m = _PX_PER_MM, _MARGIN_MM
    to_mm = np.array([[1 / s, 0, 0.5 / s - m], [0, 1 / s, 0.5 / s - m], [0, 0, 1]])
    size = (round((document.width_mm + 2 * m) * s), round((document.height_mm + 2 * m) * s))
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    frame = cv2.warpPerspective(image, view.homography @ to_mm, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(frame, dtype=np.uint8)


def _sample(frame: RGBImage, points: NDArray[np.float64]) -> _Profiles:
    places = ((points + _MARGIN_MM) * _PX_PER_MM - 0.5).astype(np.float32)
    sampled = cv2.remap(frame, places[..., 0], places[..., 1], cv2.INTER_LINEAR)
    return np.asarray(sampled, dtype=np.float32)
