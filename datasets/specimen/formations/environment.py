"""Light from all around, estimated from a photograph: a map of radiance over directions, looked up and not summed.

Directions are unit vectors in the frame of the place: x to the right, y down, z away from the first camera. Radiance is
relative: a place that is equally bright all around gives paper of albedo 1 a radiance of 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations import photographs
from idproof.models.types import RGBImage

Vectors = NDArray[np.float32]
_ROWS, _COLUMNS = 128, 256
_WIDTHS_RAD = (0.012, 0.035, 0.08, 0.17, 0.35)
"""Standard deviations of the smoothed copies of a map; in between, two copies are mixed."""


@dataclass(frozen=True)
class Source:
    """A lamp near the card: Gaussian in angle, in the frame of the place.

    Attributes:
        position: (3,), millimetres from the middle of the card.
        colour: (3,), irradiance on a sheet that faces it in the middle of the card.
        radius: standard deviation, radians, seen from there.
    """

    position: NDArray[np.float64]
    colour: NDArray[np.float64]
    radius: float


@dataclass(frozen=True)
class Environment:
    """Radiance around a card.

    Attributes:
        radiance: (rows, columns, 3), equirectangular: columns from -z over -x, +z, +x; rows from above to below.
        distance_mm: of the walls and windows; nearer ones change more across the card.
        sources: lamps near the card.
    """

    radiance: NDArray[np.float32] = field(repr=False)
    distance_mm: float
    sources: Sequence[Source] = ()

    @classmethod
    def estimate(cls, draws: Draws, photograph: RGBImage) -> "Environment":
        """Estimates the light of a photograph's place.

        The photograph's tones are made linear and wrapped around; what is nearly white in it is taken for a light
        that the camera cut off. A few windows and lamps, which the photograph does not show, come from above.
        """
        small = photographs.small(photograph, _COLUMNS // 2, _ROWS).astype(np.float32) / 255
        around = np.concatenate([small, small[:, ::-1]], axis=1)
        around = np.roll(around, int(draws.rng.integers(_COLUMNS)), axis=1)
        light = np.power(around, 2.2)
        peak = light.max(axis=2, keepdims=True)
        light = light * (1 + 8 * np.power(peak, 6)) + 0.03
        mean = light.mean(axis=(0, 1))
        tint = np.power(mean / mean.mean(), 0.5)
        for _ in range(int(draws.rng.choice([1, 1, 2, 3, 4]))):
            light += _window(draws, float(mean.mean())) * tint
        drawn = cls(light.astype(np.float32), draws.uniform(700, 3500))
        return cls((light / drawn._mean_irradiance()).astype(np.float32), drawn.distance_mm)

    def with_source(self, source: Source) -> "Environment":
        """Returns the environment with one more lamp."""
        return Environment(self.radiance, self.distance_mm, (*self.sources, source))

    def seen(self, points: Vectors, towards: Vectors, width: float | NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the radiance (…, 3) that comes to points from directions, averaged over an angle.

        Args:
            points: (…, 3), millimetres from the middle of the card.
            towards: (…, 3), unit vectors from the points.
            width: standard deviation of the average in radians, one for all or one for each point.
        """
        far = points + towards * np.float32(self.distance_mm)
        total = self._looked_up(far, width)
        for source in self.sources:
            to_lamp = source.position.astype(np.float32) - points
            away = np.linalg.norm(to_lamp, axis=-1, keepdims=True)
            spread = np.square(source.radius) + np.square(np.asarray(width, dtype=np.float32))
            off = 1 - (to_lamp / away * towards).sum(axis=-1)
            lobe = np.exp(-off / spread) / (2 * spread)
            near = np.square(np.linalg.norm(source.position) / away[..., 0])
            total = total + (lobe * near)[..., None] * source.colour.astype(np.float32)
        return np.asarray(total, dtype=np.float32)

    def irradiance(self, points: Vectors, normals: Vectors) -> NDArray[np.float32]:
        """Returns the irradiance (n, 3) of points (n, 3) with normals (n, 3); radiance 1 all around gives 1."""
        places = self._texels * np.float32(self.distance_mm)
        total = np.empty((len(points), 3), dtype=np.float32)
        for index, (point, normal) in enumerate(zip(points, normals, strict=True)):
            towards = places - point
            away = np.linalg.norm(towards, axis=1)
            cosine = (towards @ normal / away).clip(0) * np.square(self.distance_mm / away)
            total[index] = (cosine * self._solid_angles) @ self._coarse / np.pi
        for source in self.sources:
            towards = source.position - points
            away = np.linalg.norm(towards, axis=1)
            cosine = ((towards * normals).sum(axis=1) / away).clip(0)
            near = np.square(np.linalg.norm(source.position) / away)
            total += ((cosine * near)[:, None] * source.colour).astype(np.float32)
        return total

    def _looked_up(self, far: Vectors, width: float | NDArray[np.float32]) -> NDArray[np.float32]:
        x, y, z = far[..., 0], far[..., 1], far[..., 2]
        column = (np.arctan2(-x, -z) / (2 * np.pi) + 0.5) * _COLUMNS - 0.5
        row = (np.arctan2(y, np.hypot(x, z)) / np.pi + 0.5) * _ROWS - 0.5
        level = np.interp(np.log(np.maximum(width, 1e-4)), np.log(_WIDTHS_RAD), np.arange(len(_WIDTHS_RAD)))
        shape = column.shape
        columns = (column.reshape(len(column) if column.ndim > 1 else 1, -1) + _COLUMNS // 2).astype(np.float32)
        rows = row.reshape(columns.shape).astype(np.float32)
        levels = np.broadcast_to(np.asarray(level, dtype=np.float32), shape).reshape(columns.shape)
        total = np.zeros((*columns.shape, 3), dtype=np.float32)
        for number, smooth in enumerate(self._levels):
            share = np.maximum(1 - np.abs(levels - number), 0)
            if share.any():
                found = cv2.remap(smooth, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
                total += found * share[..., None]
        return total.reshape(*shape, 3)

    @cached_property
    def _levels(self) -> tuple[NDArray[np.float32], ...]:
        """Smoothed copies, half a turn wider on both sides."""
        half = _COLUMNS // 2
        wide = np.concatenate([self.radiance[:, -half:], self.radiance, self.radiance[:, :half]], axis=1)
        steps = _ROWS / np.pi
        return tuple(cv2.GaussianBlur(wide, (0, 0), max(width * steps, 0.3)) for width in _WIDTHS_RAD)

    @cached_property
    def _coarse(self) -> NDArray[np.float32]:
        small = cv2.resize(self.radiance, (_COLUMNS // 4, _ROWS // 4), interpolation=cv2.INTER_AREA)
        return np.asarray(small.reshape(-1, 3), dtype=np.float32)

    @cached_property
    def _texels(self) -> Vectors:
        rows, columns = _ROWS // 4, _COLUMNS // 4
        below = ((np.arange(rows) + 0.5) / rows - 0.5) * np.pi
        around = ((np.arange(columns) + 0.5) / columns - 0.5) * 2 * np.pi
        below, around = (grid.ravel() for grid in np.meshgrid(below, around, indexing="ij"))
        level = np.cos(below)
        return np.stack([-np.sin(around) * level, np.sin(below), -np.cos(around) * level], axis=1).astype(np.float32)

    @cached_property
    def _solid_angles(self) -> NDArray[np.float32]:
        rows, columns = _ROWS // 4, _COLUMNS // 4
        level = np.sqrt(1 - np.square(self._texels[:, 1]))
        return np.asarray(level * (np.pi / rows) * (2 * np.pi / columns), dtype=np.float32)

    def _mean_irradiance(self) -> float:
        """Returns the irradiance of a sheet that faces the camera."""
        facing = np.array([[0, 0, -1]], dtype=np.float32)
        return float(self.irradiance(np.zeros((1, 3), dtype=np.float32), facing).mean())


def _window(draws: Draws, level: float) -> NDArray[np.float32]:
    """Returns a bright rectangle or disc above or beside the camera, (rows, columns, 3)."""
    rng = draws.rng
    below = np.radians(draws.uniform(-70, 5))
    around = np.radians(draws.uniform(-130, 130))
    high, wide = np.radians(draws.uniform(3, 16)), np.radians(draws.uniform(3, 26))
    y = ((np.arange(_ROWS) + 0.5) / _ROWS - 0.5) * np.pi
    x = ((np.arange(_COLUMNS) + 0.5) / _COLUMNS - 0.5) * 2 * np.pi
    across = np.abs((x - around + np.pi) % (2 * np.pi) - np.pi) * np.cos(below)
    down = np.abs(y - below)
    if rng.uniform() < 0.6:
        edge = 0.02
        shape = _step((high - down) / edge)[:, None] * _step((wide - across) / edge)[None, :]
        bars = int(rng.integers(0, 3))  # of a window frame
        for bar in range(bars):
            middle = (bar + 1) / (bars + 1) * 2 * wide - wide
            offset = ((x - around + np.pi) % (2 * np.pi) - np.pi) * np.cos(below)
            shape = shape * (1 - _step((0.012 - np.abs(offset - middle)) / 0.008)[None, :])
    else:
        shape = _step((high - np.hypot(down[:, None], across[None, :])) / 0.02)
    warmth = draws.uniform(-0.18, 0.22)
    colour = np.array([1 + warmth, 1.0, 1 - 1.2 * warmth])
    brightness = level * np.exp(draws.uniform(np.log(8), np.log(120))) * min(8.0, 0.03 / (high * wide))
    return np.asarray(shape[..., None] * colour * brightness, dtype=np.float32)


def _step(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return value.clip(0, 1)
