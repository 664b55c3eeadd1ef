"""Light of a device's own screen on a card before its camera: two halves of one colour each, by the area's geometry.

A screen sends the same luminance into all directions (Lambert), so that a part of it of area A gives a point of the
card the irradiance L·A·cos(emitter)·cos(card) / distance². What a glossy surface mirrors is the screen's own
luminance, at the place where the mirrored ray meets the screen. The screen lies in the plane of the camera's lens,
below it, and faces as the camera does.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.artwork import SCALE
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.material import Linear, Material
from idproof.datasets.specimen.view import View
from idproof.pipeline.documents import DocumentType

Field = NDArray[np.float32]
Halves = NDArray[np.float64]
"""(2, 3): linear light of the left and the right half as the person before the screen sees them, 1 for full white."""

_PATCHES = 14  # per half and side; the sum then differs from the integral by less than 1 % from 100 mm on
_GRID = (7, 11)  # rows and columns of the card at which the light is summed; it is smooth
_PIXELS = 12  # of a capture between the points whose mirrored light is worked out
_SHARPEST_MM = 1.0  # width over which the edge of a half is smeared at least

# Width, height and distance of the camera above the lit area, millimetres, as makers state them. Screens of 27 inches
# held upright and 24 inches across, of laptops of 14 inches and of tablets of 10 inches.
_SIZES = ((336.0, 598.0, 25.0), (531.0, 299.0, 15.0), (309.0, 193.0, 8.0), (160.0, 215.0, 10.0))
_NITS = (150.0, 500.0)  # cd/m² of full white; displays for offices to displays for shop windows


@dataclass(frozen=True)
class Screen:
    """A screen around a camera.

    Attributes:
        width_mm: of its lit area.
        height_mm: of its lit area.
        above_mm: of the camera above it.
        nits: luminance of full white, cd/m².
    """

    width_mm: float
    height_mm: float
    above_mm: float
    nits: float

    @classmethod
    def draw(cls, draws: Draws) -> "Screen":
        """Draws a kind of screen and its luminance."""
        return cls(*_SIZES[int(draws.rng.integers(len(_SIZES)))], draws.uniform(*_NITS))

    def irradiance(self, points: NDArray[np.float64], normal: NDArray[np.float64], halves: Halves) -> Halves:
        """Returns the irradiance in lux (n, 3) of points (n, 3) with a normal (3,) in the camera's frame."""
        x = (np.arange(_PATCHES) + 0.5) / _PATCHES * self.width_mm / 2
        y = (np.arange(2 * _PATCHES) + 0.5) / (2 * _PATCHES) * self.height_mm + self.above_mm
        area = self.width_mm / 2 * self.height_mm / (2 * _PATCHES**2)
        total = np.zeros((len(points), 3))
        # The person's left is the right of a picture that is not mirrored.
        for half, side in zip(halves, (1.0, -1.0), strict=True):
            across, down = np.meshgrid(side * x, y)
            places = np.stack([across, down, np.zeros_like(across)], axis=-1).reshape(-1, 3)
            towards = places[None] - points[:, None]
            away = np.linalg.norm(towards, axis=-1)
            sent = (-towards[..., 2] / away).clip(0) * ((towards @ normal) / away).clip(0) / away**2
            total += (sent.sum(axis=1) * area * self.nits)[:, None] * half
        return total

    def mirrored(self, view: View, halves: Halves, roughness: float) -> Field:
        """Returns the luminance in cd/m² (height, width, 3) that a perfect mirror in the card's plane shows.

        Args:
            view: of the card.
            halves: colours.
            roughness: standard deviation of the surface's slopes, radians.
        """
        on_card = view.on_card(_PIXELS)
        points = np.concatenate([on_card, np.zeros((*on_card.shape[:2], 1))], axis=-1) @ view.rotation.T
        points = points + view.translation
        normal = -view.rotation[:, 2]
        along = points / np.linalg.norm(points, axis=-1, keepdims=True)
        sent = along - 2 * (along @ normal)[..., None] * normal
        reach = np.where(sent[..., 2] < -1e-3, -points[..., 2] / np.minimum(sent[..., 2], -1e-3), np.inf)
        x, y = (points[..., i] + np.minimum(reach, 1e6) * sent[..., i] for i in (0, 1))
        width = np.maximum(2 * roughness * np.linalg.norm(points, axis=-1), _SHARPEST_MM)
        lit = _step(y - self.above_mm, width) * _step(self.above_mm + self.height_mm - y, width)
        lit = lit * _step(self.width_mm / 2 - np.abs(x), width) * (reach < 1e5)
        left = _step(x, width)
        seen = (left * lit)[..., None] * halves[0] + ((1 - left) * lit)[..., None] * halves[1]
        large = cv2.resize((seen * self.nits).astype(np.float32), view.size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(large, dtype=np.float32)


@dataclass(frozen=True)
class ScreenLight:
    """A screen that lights a card at one moment, in light of a room of so many lux. Implements `AddedLight`.

    Attributes:
        screen: that shines.
        view: of the card.
        halves: its colours.
        room_lux: irradiance of the card by the room, which the renderers call 1.
    """

    screen: Screen
    view: View
    halves: Halves
    room_lux: float

    def on(self, document: DocumentType) -> Field:
        """Returns (h, w, 3) at `SCALE`: the added irradiance, as a multiple of the room's."""
        rows, columns = _GRID
        y = (np.arange(rows) + 0.5) * document.height_mm / rows
        x = (np.arange(columns) + 0.5) * document.width_mm / columns
        flat = np.stack([*np.meshgrid(x, y), np.zeros(_GRID)], axis=-1).reshape(-1, 3)
        points = flat @ self.view.rotation.T + self.view.translation
        falling = self.screen.irradiance(points, -self.view.rotation[:, 2], self.halves) / self.room_lux
        size = round(document.width_mm * SCALE), round(document.height_mm * SCALE)
        coarse = falling.reshape(*_GRID, 3).astype(np.float32)
        return np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC), dtype=np.float32)

    @property
    def share(self) -> NDArray[np.float64]:
        """(3,): irradiance in the middle of the card, as a multiple of the room's."""
        document = self.view.document
        middle = np.array([[document.width_mm / 2, document.height_mm / 2, 0.0]])
        point = middle @ self.view.rotation.T + self.view.translation
        return np.asarray(self.screen.irradiance(point, -self.view.rotation[:, 2], self.halves)[0] / self.room_lux)

    def mirrored_by(self, material: Material, reflectance: float, roughness: float) -> Material:
        """Returns a material that mirrors the screen besides what it shows.

        Args:
            material: without the screen.
            reflectance: of its surface at the mirror angle, 0..1.
            roughness: standard deviation of its slopes, radians.
        """
        shown = material.emission

        def emitted(view: View) -> Linear:
            # The radiance of white paper in the room's light is 1, and its luminance is lux / pi.
            seen = self.screen.mirrored(view, self.halves, roughness) * np.float32(reflectance * np.pi / self.room_lux)
            return seen if shown is None else shown(view) + seen

        return replace(material, emission=emitted)


def _step(value: NDArray[np.float64], width: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-(value / width * 1.7).clip(-50, 50))))
