"""A hand that holds the card between thumb and fingers, as a mesh.

The hand is a smooth union of tapered bones in flesh, read out by marching cubes. Its skin is painted by position: folds
over the joints, pores, blood in the finger tips, nails. Anatomy by eye after ordinary hands; no outside source.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from idproof.datasets.specimen.draws import Draws
from idproof.pipeline.documents import DocumentType

Points = NDArray[np.float32]
_VOXEL_MM = 1.7
_BLEND_MM = 4.5  # how far two parts grow together
# Places of a grip: outwards from the card's edge, along the edge, away from the camera, radius; millimetres.
_THUMB = (
    (0.0, 0.0, -7.2, 7.8),
    (14.0, 0.0, -9.6, 8.6),
    (27.0, 1.0, -11.5, 8.9),
    (44.0, 4.0, -9.0, 9.4),
    (62.0, 12.0, 0.0, 11.5),
    (95.0, 26.0, 18.0, 16.0),
)
_FINGERS = (
    (
        (-24.0, -2.0, 7.6, 6.6),
        (-4.0, -1.0, 9.4, 7.2),
        (18.0, 3.0, 16.0, 7.9),
        (42.0, 8.0, 24.0, 8.8),
        (84.0, 20.0, 30.0, 12.5),
    ),
    (
        (-16.0, 17.0, 7.8, 6.9),
        (4.0, 18.0, 11.0, 7.5),
        (24.0, 20.0, 19.0, 8.2),
        (48.0, 24.0, 27.0, 9.2),
        (88.0, 34.0, 31.0, 13.0),
    ),
    (
        (2.0, 35.0, 10.0, 6.7),
        (18.0, 35.0, 15.0, 7.2),
        (34.0, 36.0, 23.0, 7.9),
        (56.0, 39.0, 29.0, 8.9),
        (92.0, 46.0, 31.0, 12.5),
    ),
    (
        (18.0, 51.0, 16.0, 5.9),
        (32.0, 50.0, 20.0, 6.3),
        (46.0, 50.0, 27.0, 7.0),
        (66.0, 52.0, 30.0, 8.2),
        (96.0, 57.0, 30.0, 11.5),
    ),
)
_PALM = (
    ((84.0, 20.0, 30.0, 14.0), (150.0, 38.0, 26.0, 24.0)),
    ((96.0, 57.0, 30.0, 13.0), (150.0, 46.0, 26.0, 22.0)),
    ((95.0, 26.0, 18.0, 16.0), (150.0, 40.0, 24.0, 22.0)),
)


@dataclass(frozen=True)
class Hand:
    """One hand at one edge of the card.

    Attributes:
        edge: left, right or bottom.
        along: where the thumb lies, millimetres from the edge's beginning.
        reach: of the thumb over the card, millimetres.
        slant: turn in the card's plane, radians.
        size: relative to the hand of `_THUMB`.
        mirrored: whether the fingers lie on the other side of the thumb.
        skin: (3,), linear albedo.
        seed: of the skin.
    """

    edge: str
    along: float
    reach: float
    slant: float
    size: float
    mirrored: bool
    skin: tuple[float, float, float]
    seed: int

    @classmethod
    def draw(cls, draws: Draws, document: DocumentType) -> "Hand":
        """Draws a hand that covers the border and nothing else of the card's front."""
        edge = str(draws.rng.choice(["left", "right", "bottom"]))
        length = document.width_mm if edge == "bottom" else document.height_mm
        tone = draws.uniform(0.09, 0.58)
        return cls(
            edge=edge,
            along=length * draws.uniform(0.3, 0.7),
            reach=draws.uniform(0.8, 2.6),
            slant=draws.uniform(-0.5, 0.5),
            size=draws.uniform(0.88, 1.1),
            mirrored=bool(draws.rng.integers(2)),
            skin=(tone, tone * draws.uniform(0.56, 0.72), tone * draws.uniform(0.38, 0.56)),
            seed=int(draws.rng.integers(2**31)),
        )

    @cached_property
    def _mesh(self) -> tuple[Points, NDArray[np.int64], Points]:
        low, high = np.array([-36.0, -42.0, -24.0]), np.array([150.0, 76.0, 62.0])
        axes = [np.arange(a, b, _VOXEL_MM) for a, b in zip(low, high, strict=True)]
        places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).astype(np.float32)
        distance = self._distance(places)
        spacing = (_VOXEL_MM, _VOXEL_MM, _VOXEL_MM)
        vertices, faces, _, _ = marching_cubes(distance, 0.0, spacing=spacing)
        vertices = vertices + low
        # Normals from the field itself: those of the cubes would show their facets.
        step = 0.4
        slopes = [
            self._distance((vertices + step * unit).astype(np.float32))
            - self._distance((vertices - step * unit).astype(np.float32))
            for unit in np.eye(3)
        ]
        normals = np.stack(slopes, axis=1)
        return vertices.astype(np.float32), faces.astype(np.int64), normals.astype(np.float32)

    def mesh(self, document: DocumentType) -> tuple[Points, NDArray[np.int64], Points]:
        """Returns vertices (n, 3), faces (m, 3) and normals (n, 3) in the card's frame, millimetres."""
        vertices, faces, normals = self._mesh
        matrix, offset = self._placed(document)
        turned = normals @ matrix.T
        turned /= np.linalg.norm(turned, axis=1, keepdims=True).clip(1e-6)
        if np.linalg.det(matrix) < 0:
            faces = faces[:, ::-1]
        return (vertices @ matrix.T + offset).astype(np.float32), faces, turned.astype(np.float32)

    def painted(self, points: Points, document: DocumentType) -> tuple[Points, Points]:
        """Returns albedo (n, 3) and gloss (n,) of points (n, 3) of the surface in the card's frame."""
        matrix, offset = self._placed(document)
        local = (points - offset) @ np.linalg.inv(matrix).T
        u, v, w = local.T
        pores = _grain(local, self.seed, 1.1) * 0.5 + _grain(local, self.seed + 1, 5.0) * 0.6
        folds = sum(
            np.exp(-np.square((u - place - 0.04 * np.square(v) + 0.5 * np.sin(v * 0.9 + place)) / 0.5))
            for place in (25.0, 27.5, 29.5, 32.0)
        ) * (w < -2)
        tip = np.exp(-np.square((u - 4) / 9)) * (w < 2)
        albedo = np.array(self.skin) * (1 + 0.07 * pores - 0.22 * folds)[:, None]
        albedo *= 1 + tip[:, None] * np.array([0.06, -0.07, -0.05])
        middle, half = 4.6, (5.6, 4.7)
        form = np.power(np.abs((u - middle) / half[0]), 2.5) + np.power(np.abs(v / half[1]), 2.5)
        nail = (4 * (1 - form)).clip(0, 1) * (w < -7)
        rim = np.exp(-np.square((form - 1.05) / 0.15)) * (w < -7)
        free = ((0.5 - u + 0.03 * np.square(v)) / 0.5).clip(0, 1)[:, None]
        bed = np.array(self.skin) * np.array([1.1, 1.05, 1.08]) + 0.03
        colour = bed * (1 - free) + (0.45 * bed + np.array([0.32, 0.28, 0.24])) * free
        albedo = albedo * (1 - 0.25 * rim[:, None])
        albedo = albedo * (1 - nail[:, None]) + colour * nail[:, None]
        return albedo.clip(0.005, 0.9).astype(np.float32), (0.3 + 0.7 * nail).astype(np.float32)

    def _placed(self, document: DocumentType) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns the matrix (3, 3) and the offset (3,) that bring the grip's frame into the card's."""
        out = {"left": (-1.0, 0.0), "right": (1.0, 0.0), "bottom": (0.0, 1.0)}[self.edge]
        side = (-out[1], out[0]) if not self.mirrored else (out[1], -out[0])
        axis_u, axis_v = np.array([*out, 0.0]), np.array([*side, 0.0])
        turned_u = axis_u * np.cos(self.slant) + axis_v * np.sin(self.slant)
        turned_v = axis_v * np.cos(self.slant) - axis_u * np.sin(self.slant)
        matrix = np.column_stack([turned_u, turned_v, [0.0, 0.0, 1.0]]) * self.size
        width, height = document.width_mm, document.height_mm
        edge = {"left": (0.0, self.along), "right": (width, self.along), "bottom": (self.along, height)}[self.edge]
        # The round tip of the thumb reaches its radius beyond its last bone.
        tip = self.reach - 7.8 * self.size
        return matrix, np.array([edge[0] - out[0] * tip, edge[1] - out[1] * tip, 0.0])

    def _distance(self, places: Points) -> Points:
        """Signed distance to the skin, negative inside."""
        chains = [list(_THUMB), *(list(finger) for finger in _FINGERS)]
        parts = [self._chain(places, chain) for chain in chains]
        flesh = parts[0]
        for part in (*parts[1:], *(self._chain(places, list(pair)) for pair in _PALM)):
            flesh = _joined(flesh, part, _BLEND_MM * 0.45)
        return flesh

    def _chain(self, places: Points, bones: list[tuple[float, float, float, float]]) -> Points:
        total = None
        for start, stop in pairwise(bones):
            part = _bone(places, np.array(start, np.float32), np.array(stop, np.float32))
            total = part if total is None else _joined(total, part, _BLEND_MM)
        if total is None:
            raise ValueError("a finger needs two places")
        return total


def _bone(places: Points, start: Points, stop: Points) -> Points:
    axis = stop[:3] - start[:3]
    along = ((places - start[:3]) @ axis / float(axis @ axis)).clip(0, 1)
    nearest = start[:3] + along[..., None] * axis
    return np.asarray(np.linalg.norm(places - nearest, axis=-1) - (start[3] + along * (stop[3] - start[3])))


def _joined(one: Points, other: Points, width: float) -> Points:
    """Smooth minimum of two distances (polynomial, Quilez)."""
    share = (0.5 + 0.5 * (other - one) / width).clip(0, 1)
    return np.asarray(other + (one - other) * share - width * share * (1 - share))


def _grain(local: Points, seed: int, size: float) -> Points:
    """Irregularities over the skin, about -1..1: sums of waves in random directions."""
    rng = np.random.default_rng(seed)
    total = np.zeros(len(local), dtype=np.float32)
    for _ in range(7):
        wave = rng.standard_normal(3) / size * 1.6
        total += np.sin(local @ wave + rng.uniform(0, 6.3))
    return np.asarray(total / 2.6, dtype=np.float32)
