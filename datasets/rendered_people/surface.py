"""Shapes that carry a photograph: a head of generic depth, a flat or bent sheet, and their motion.

Lengths are pixels of the photograph in the framing of deep-funneled LFW (250 × 250, eyes 46 pixels apart, 63 mm on a
person). z points to the camera. A picture is warped by looking up, for each of its pixels, the point of the photograph
that is seen there; the displacement field is inverted by fixed-point iteration on a coarse grid.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 250
CENTRE = (125.0, 128.0)
EYES = ((102.0, 113.0), (148.0, 113.0))
_NOSE, _PIVOT = (125.0, 137.0), (125.0, 150.0, -35.0)
_HEAD = (60.0, 80.0, 58.0)  # semi-axes of the head's ellipsoid
_ITERATIONS = 14  # of the fixed point. Chosen by hand; no outside source.

Field = NDArray[np.float32]


@dataclass(frozen=True)
class Surface:
    """The surface that carries the photograph.

    Attributes:
        depth: (250, 250), towards the camera.
        moves: (250, 250), 0..1: share by which each point follows the head or sheet; the rest is background.
        ends: whether the surface ends at the photograph's edge, as a sheet or a display does.
    """

    depth: Field
    moves: Field
    ends: bool

    def normals(self) -> Field:
        """(250, 250, 3), of unit length."""
        dy, dx = np.gradient(self.depth)
        raw = np.stack([-dx, -dy, np.ones_like(dx)], axis=-1)
        return np.asarray(raw / np.linalg.norm(raw, axis=-1, keepdims=True), dtype=np.float32)


@dataclass(frozen=True)
class Pose:
    """Pose of a surface: degrees, pixels of the photograph, and size relative to the photograph's.

    `yaw` is positive when the face turns to the right of the picture, `pitch` when it looks up.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0


def head(depth: float = 1.0) -> Surface:
    """Returns a generic head with its depth multiplied by this factor."""
    x, y = _grid()
    a, b, c = _HEAD
    radius = ((x - CENTRE[0]) / a) ** 2 + ((y - CENTRE[1]) / b) ** 2
    shape = c * np.sqrt(np.clip(1 - radius, 0, 1))
    shape += 17 * np.exp(-(((x - _NOSE[0]) / 8.5) ** 2) - ((y - _NOSE[1]) / np.where(y < _NOSE[1], 20, 7)) ** 2)
    for eye in EYES:
        shape -= 4 * np.exp(-(((x - eye[0]) / 11) ** 2) - ((y - eye[1]) / 7) ** 2)
    follows = np.clip((2.3 - radius) / 1.2, 0, 1)
    return Surface(_smooth(depth * shape, 3.0), _smooth(follows, 4.0), ends=False)


def head_radius() -> Field:
    """Returns (250, 250), the squared distance from the head's middle, 1 on the outline of its ellipsoid."""
    x, y = _grid()
    a, b, _ = _HEAD
    return np.asarray(((x - CENTRE[0]) / a) ** 2 + ((y - CENTRE[1]) / b) ** 2, dtype=np.float32)


def turned_depth(surface: Surface, pose: Pose) -> Field:
    """Returns (250, 250), how far each turned point lies towards the camera."""
    x, y = _grid()
    points = np.stack([x - _PIVOT[0], y - _PIVOT[1], surface.depth - _PIVOT[2]], axis=-1)
    return np.asarray((points @ rotation(pose).T)[..., 2], dtype=np.float32)


def sheet(bend: float = 0.0) -> Surface:
    """Returns paper or a display; `bend` is the depth by which its left and right edges lie behind its middle."""
    x, _ = _grid()
    depth = -bend * ((x - CENTRE[0]) / (SIDE / 2)) ** 2
    return Surface(depth.astype(np.float32), np.ones((SIDE, SIDE), dtype=np.float32), ends=True)


def with_holes(surface: Surface, depth: float) -> Surface:
    """Returns the surface with the eyes cut out; what is seen through them lies this far behind."""
    x, y = _grid()
    holes = np.zeros((SIDE, SIDE), dtype=np.float32)
    for eye in EYES:
        holes += (((x - eye[0]) / 13) ** 2 + ((y - eye[1]) / 7) ** 2 < 1).astype(np.float32)
    return Surface(surface.depth - depth * _smooth(holes, 1.0), surface.moves, surface.ends)


def displacement(surface: Surface, pose: Pose, distance: float) -> Field:
    """Returns (250, 250, 2): the displacement of each point of the photograph, seen from this distance."""
    x, y = _grid()
    points = np.stack([x - _PIVOT[0], y - _PIVOT[1], surface.depth - _PIVOT[2]], axis=-1)
    moved = points @ rotation(pose).T + np.array(_PIVOT)
    before = _projected(np.stack([x, y, surface.depth], axis=-1), distance)
    after = _projected(moved, distance)
    after = (after - np.array(CENTRE)) * pose.scale + np.array(CENTRE) + np.array(pose.shift)
    return np.asarray((after - before) * surface.moves[..., None], dtype=np.float32)


def rotation(pose: Pose) -> NDArray[np.float64]:
    """Returns (3, 3), applied to points with x right, y down and z to the camera."""
    yaw, pitch, roll = np.radians([pose.yaw, pose.pitch, pose.roll])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y)


def lookup(field: Field, size: tuple[int, int], zoom: float, offset: tuple[float, float], step: int = 4) -> Field:
    """Returns (height, width, 2): the point of the photograph seen at each pixel of a picture of this (width, height).

    Args:
        field: of `displacement`.
        size: of the picture.
        zoom: pixels of the picture per pixel of the photograph.
        offset: of the picture's middle from the photograph's, in its pixels.
        step: of the grid on which the field is inverted.
    """
    width, height = size
    u, v = np.meshgrid(np.arange(0, width + step, step), np.arange(0, height + step, step))
    wanted = np.stack([u - width / 2, v - height / 2], axis=-1) / zoom + np.array(CENTRE) + np.array(offset)
    wanted = wanted.astype(np.float32)
    found = wanted.copy()
    for _ in range(_ITERATIONS):
        moved = cv2.remap(field, found[..., 0], found[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        found += 0.7 * (wanted - moved - found)
    full = cv2.resize(found, (found.shape[1] * step, found.shape[0] * step), interpolation=cv2.INTER_LINEAR)
    half = step // 2  # resizing puts the first sample in the middle of its cell
    return np.ascontiguousarray(full[half : half + height, half : half + width])


def _projected(points: NDArray[np.float64], distance: float) -> NDArray[np.float64]:
    nearer = distance / (distance - points[..., 2:])
    return np.asarray((points[..., :2] - np.array(CENTRE)) * nearer + np.array(CENTRE))


def _grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    return x, y


def _smooth(values: NDArray[np.float64] | Field, sigma: float) -> Field:
    return np.asarray(cv2.GaussianBlur(values.astype(np.float32), (0, 0), sigma))
