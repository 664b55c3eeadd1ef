"""Moves the lids and the lips of a photograph, as a person does who closes the eyes or opens the mouth.

The upper lid is stretched from below the brow down over the eye. The lower lip, the chin and the skin around them go
down, and the gap shows teeth, tongue and dark, or what a mouth that is already open shows. Lids and lips are found by
the networks that also measure them, so that a rendered person moves what is measured: real pictures show what these
networks are worth.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.appearance import landmark_networks
from idproof.datasets.rendered_people.surface import SIDE, Field
from idproof.models.types import RGBImage

# Points of MediaPipe's face model: inner edges of both lips from the mouth's left corner to its right, and the chin.
_UPPER_LIP = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
_LOWER_LIP = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
_CHIN = 152
# Shapes and colours were chosen by hand, looking at the pictures; no outside source.
_LID_SKIN = (0.42, 0.14)  # widths of the eye above its lid, between which the skin of a closing lid comes from
_CHEEK, _LID_FROM_CHEEK = 0.22, 0.8  # widths of the eye below it, whose skin a lid resembles, and how much
_LID_OVERLAP = 0.02  # widths of the eye by which the upper lid covers the found edge of the lower one
_LASHES, _LASH_WIDTH = 0.9, 0.06  # share of the light that they take away, and widths of the eye
_JAW_FOLLOWS = 0.8  # of the lower lip's way
_NECK = 1.2  # widths of the mouth below the chin, where nothing moves any more
_TALKS = 0.12  # opening from which the photograph shows the inside of a mouth
_DARK, _TONGUE, _TEETH = (0.025, 0.008, 0.008), (0.16, 0.045, 0.045), (0.42, 0.38, 0.33)
_TEETH_SHARE, _TONGUE_FROM = 0.22, 0.55  # of the gap's height

Curve = NDArray[np.float32]
"""(n, 2), in pixels of the photograph."""


@dataclass(frozen=True)
class Features:
    """Lids and lips in a photograph of 250 × 250 pixels.

    Attributes:
        eyes: of each eye the upper and the lower lid, from one corner to the other.
        upper_lip, lower_lip: inner edges of the lips.
        chin: its lowest point.
        eye_opening, mouth_opening: as shares of their widths.
    """

    eyes: tuple[tuple[Curve, Curve], ...]
    upper_lip: Curve
    lower_lip: Curve
    chin: Curve
    eye_opening: float
    mouth_opening: float

    @classmethod
    def find(cls, photograph: RGBImage) -> Self | None:
        """Finds the lids and lips of the largest face; None without a face."""
        networks = landmark_networks()
        faces = networks.detector.detect(photograph)
        if not faces:
            return None
        mesh = networks.landmarker.mesh(photograph, faces[0])
        eyes = networks.landmarker.eyes(photograph, mesh)
        lids = tuple((eye.points[[0, *range(9, 16), 8]], eye.points[:9]) for eye in eyes)
        lips = mesh.points[list(_UPPER_LIP)], mesh.points[list(_LOWER_LIP)]
        opening = float(np.mean([eye.opening for eye in eyes]))
        return cls(lids, *lips, mesh.points[_CHIN], opening, mesh.mouth_opening)

    def move(self, carried: Field, closes: float, opens: float) -> Field:
        """Returns the photograph with the eyes closed and the mouth opened.

        Args:
            carried: linear, a multiple of 250 pixels a side.
            closes: share of the eyes' opening that the lids cover, 0..1.
            opens: height of the gap over the width of the mouth.
        """
        factor = carried.shape[0] / SIDE
        moved = carried
        parts: list[tuple[Curve, float, Callable[[Field, Curve], Field]]] = []
        for upper, lower in self.eyes if closes > 0 else ():
            parts.append((np.concatenate([upper, lower]), 1.0, partial(_close, closes=closes)))
        if opens > 0:
            lips = np.concatenate([self.upper_lip, self.lower_lip, self.chin[None]])
            parts.append((lips, 1.5, partial(_open, opens=opens)))
        for found, around, act in parts:
            points = np.asarray(found * factor, dtype=np.float32)
            left, top, right, bottom = _box(points, around, moved.shape)
            moved = moved.copy()
            moved[top:bottom, left:right] = act(
                moved[top:bottom, left:right], points - np.array((left, top), np.float32)
            )
        return moved


class _Frame:
    """Coordinates along the line between two corners, 0..1, and across it, in widths of that line."""

    def __init__(self, left: Curve, right: Curve, shape: tuple[int, ...]) -> None:
        across = np.asarray(right - left, dtype=np.float64)
        self.width = max(float(np.hypot(*across)), 1.0)
        along = across / self.width
        self._axes = np.array([along, [-along[1], along[0]]]) / self.width
        self._origin = np.asarray(left, dtype=np.float64)
        y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float64)
        self.u, self.v = np.moveaxis(self.local(np.dstack([x, y])), 2, 0)
        self._down = self._axes[1] * self.width**2

    def local(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Returns points in these coordinates."""
        return np.asarray((points - self._origin) @ self._axes.T)

    def curve(self, points: Curve) -> NDArray[np.float64]:
        """Returns a curve's height at every pixel's place along the line."""
        at = self.local(points)
        order = np.argsort(at[:, 0])
        return np.asarray(np.interp(self.u, at[order, 0], at[order, 1]))

    def look_up(self, picture: Field, shift: NDArray[np.float64]) -> Field:
        """Returns the picture whose pixels show what lies this much further down, in widths."""
        y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]].astype(np.float64)
        at = np.dstack([x, y]) + shift[..., None] * self._down
        maps = (at[..., 0].astype(np.float32), at[..., 1].astype(np.float32))
        return np.asarray(cv2.remap(picture, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), dtype=np.float32)


def _box(points: Curve, around: float, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Returns left, top, right and bottom of the points, and this many of their widths around them."""
    edge = around * float(np.ptp(points[:, 0]))
    left, top = np.clip(points.min(0) - edge, 0, None).astype(int)
    right, bottom = np.clip(points.max(0) + edge, 0, (shape[1], shape[0])).astype(int)
    return int(left), int(top), int(right), int(bottom)


def _close(picture: Field, points: Curve, closes: float) -> Field:
    upper, lower = np.split(points, 2)
    left, right = (upper[0], upper[-1]) if upper[0][0] < upper[-1][0] else (upper[-1], upper[0])
    frame = _Frame(left, right, picture.shape)
    above, below = frame.curve(upper), frame.curve(lower)
    edge = above + closes * (np.maximum(below - above, 0) + _LID_OVERLAP)
    far, near = (above - share for share in _LID_SKIN)
    place = np.clip((frame.v - far) / np.maximum(edge - far, 1e-3), 0, 1)
    fold = frame.look_up(picture, np.where(frame.v < edge, far + place * (near - far) - frame.v, 0))
    cheek = frame.look_up(picture, np.where(frame.v < edge, below + _CHEEK + (1 - place) * _CHEEK - frame.v, 0))
    smooth = cv2.GaussianBlur(cheek, (0, 0), max(1.0, 0.06 * frame.width))
    toward = (_LID_FROM_CHEEK * place)[..., None]  # at the brow the lid joins the skin above it
    lid = (1 - toward) * fold + toward * smooth
    lashes = np.exp(-(((frame.v - edge) / _LASH_WIDTH) ** 2)) * ((frame.u > 0.05) & (frame.u < 0.95))
    covered = (frame.v > far) & (frame.v < edge) & (frame.u > -0.1) & (frame.u < 1.1) & (edge - above > 1e-3)
    soft = cv2.GaussianBlur(covered.astype(np.float32), (0, 0), 0.8)[..., None]
    closed = soft * lid + (1 - soft) * picture
    return np.asarray(closed * (1 - _LASHES * closes * lashes[..., None]), dtype=np.float32)


def _open(picture: Field, points: Curve, opens: float) -> Field:
    (upper, lower), chin = np.split(points[:-1], 2), points[-1]
    frame = _Frame(upper[0], upper[-1], picture.shape)
    above = frame.curve(upper)
    below = np.maximum(frame.curve(lower), above)
    more = max(0.0, opens - float((below - above)[(frame.u > 0.3) & (frame.u < 0.7)].mean()))
    lip = more * np.clip(1 - (2 * frame.u - 1) ** 2, 0, 1) ** 0.6
    jaw = more * _JAW_FOLLOWS * np.exp(-(((frame.u - 0.5) / 0.95) ** 4))
    chin_at = float(frame.local(chin)[1])
    start, middle, end = below + lip, chin_at + jaw, chin_at + _NECK
    down = np.where(
        frame.v < middle,
        lip + (jaw - lip) * np.clip((frame.v - start) / np.maximum(middle - start, 1e-3), 0, 1),
        jaw * np.clip((end - frame.v) / np.maximum(end - middle, 1e-3), 0, 1),
    )
    moved = frame.look_up(picture, np.where(frame.v > start, -down, 0))
    # The upper teeth stay with the head: what shows between the lips already stays, and the gap grows below it.
    shown = below - above
    place = (frame.v - above - shown) / np.maximum(start - above - shown, 1e-3)
    within = ((place > 0) & (place < 1) & (frame.u > 0) & (frame.u < 1)).astype(np.float32)
    within = cv2.GaussianBlur(within, (0, 0), 0.8)[..., None]
    filled = _inside(place if float(shown.max()) < _TALKS else place + _TEETH_SHARE, frame.u)
    filled = filled * np.float32(_brightness(picture, frame))
    return np.asarray(within * filled + (1 - within) * moved, dtype=np.float32)


def _inside(place: NDArray[np.float64], along: NDArray[np.float64]) -> Field:
    """Returns teeth above, dark, and the tongue below, relative to the skin's brightness."""
    tongue = np.clip((place - _TONGUE_FROM) / 0.2, 0, 1)[..., None] * (np.abs(along - 0.5) < 0.38)[..., None]
    filled = np.array(_DARK) + tongue * (np.array(_TONGUE) - np.array(_DARK))
    teeth = (1 - np.clip((place - _TEETH_SHARE) / 0.06, 0, 1))[..., None] * (np.abs(along - 0.5) < 0.32)[..., None]
    return np.asarray(filled + teeth * (np.array(_TEETH) - filled), dtype=np.float32)


def _brightness(picture: Field, frame: _Frame) -> float:
    """Returns the skin's light around the mouth relative to a well-lit one's."""
    around = (np.abs(frame.u - 0.5) < 0.8) & (np.abs(frame.v) < 0.8)
    return float(np.median(picture[around].mean(axis=-1)) / 0.35) if around.any() else 1.0
