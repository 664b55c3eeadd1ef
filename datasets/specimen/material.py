"""Materials that reflect light: a card, or an object in its place.

Flat pictures are at `SCALE` and cover the card exactly. Colours are given as sRGB and turned into linear light here.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen import light
from idproof.datasets.specimen.artwork import SCALE
from idproof.datasets.specimen.light import Room
from idproof.datasets.specimen.view import View
from idproof.models.types import RGBImage
from idproof.pipeline.documents import Box, DocumentType

_WHITE = 0.86  # albedo of pure white; paper and polycarbonate reflect no more. Chosen by hand.
_COARSE = 24  # pixels of a foil between points whose diffraction is computed. Chosen by hand.

Linear = NDArray[np.float32]
Emission = Callable[[View], Linear]


@dataclass(frozen=True)
class Grating:
    """Grooves: their distance in micrometres, and the direction across them from the x axis towards y, degrees."""

    period_um: float
    direction_deg: float


@dataclass(frozen=True)
class Foil:
    """A diffractive foil over a box of the card.

    Attributes:
        box: where.
        zones: (h, w) at `SCALE`; 0 where there is no foil, else the number of the grating, from 1.
        gratings: by number.
        strength: light sent into all orders, as a multiple of what the rainbow of `light.diffraction` carries.
        opacity: how much of the print below a zone is hidden, 0..1.
        metal: albedo of the foil itself where it hides the print.
        spread: of the grooves' direction and the foil's waviness, radians.
    """

    box: Box
    zones: NDArray[np.uint8]
    gratings: tuple[Grating, ...]
    strength: float
    opacity: float
    spread: float
    metal: float = 0.5


@dataclass(frozen=True)
class Coat:
    """A glossy surface.

    Attributes:
        reflectance: at the mirror angle, relative to paper; laminate about 0.04 times the concentration of its lobe.
        roughness: standard deviation of its slopes, radians.
        mask: (h, w) at `SCALE`, 0..1 where it lies; None for everywhere.
    """

    reflectance: float
    roughness: float
    mask: Linear | None = None


@dataclass(frozen=True)
class Material:
    """A card-shaped thing.

    Attributes:
        albedo: RGB (h, w, 3) at `SCALE`, the diffuse colour.
        outline: (h, w) at `SCALE`, 1 on the card.
        foils: diffractive foils on it.
        coats: glossy surfaces on it.
        emission: its own light, for each pixel of a capture; None for what does not glow.
    """

    albedo: RGBImage
    outline: Linear
    foils: tuple[Foil, ...] = ()
    coats: tuple[Coat, ...] = ()
    emission: Emission | None = None

    def reflectance(self, view: View, lamps: Room) -> Linear:
        """(h, w, 3): what each point sends to the viewer, as if it were paper of that albedo. `lamps` in its frame."""
        reflected = linear(self.albedo)
        for foil in self.foils:
            left, top, right, bottom = foil.box.pixels(SCALE)
            area = reflected[top:bottom, left:right]
            area[:] = shimmer(foil, area, view, lamps)
        return reflected


def linear(picture: RGBImage) -> Linear:
    """From sRGB codes to linear reflectance, white at `_WHITE`."""
    return _TO_LINEAR[picture]


def coded(reflected: Linear) -> RGBImage:
    """The reverse of `linear`."""
    value = (reflected / _WHITE).clip(0, 1)
    code = np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    return np.asarray(code * 255 + 0.5, dtype=np.uint8)


def shimmer(foil: Foil, below: Linear, view: View, lamps: Room) -> Linear:
    """The print below a foil with the foil's light on top, relative to the irradiance there."""
    zones = cv2.resize(foil.zones, below.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    covered = cv2.GaussianBlur((zones > 0).astype(np.float32), (0, 0), 0.7)[..., None] * np.float32(foil.opacity)
    result = below * (1 - covered) + foil.metal * covered
    points = _grid(foil.box, below.shape[:2])
    falling = light.irradiance(lamps, points)
    for number, grating in enumerate(foil.gratings, start=1):
        sent = light.diffraction(lamps, points, view.viewer, grating.period_um, grating.direction_deg, foil.spread)
        relative = cv2.resize(foil.strength * sent / falling, below.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        mask = cv2.GaussianBlur((zones == number).astype(np.float32), (0, 0), 0.7)
        result += relative * mask[..., None]
    return np.asarray(result, dtype=np.float32)


def _grid(box: Box, shape: tuple[int, int]) -> NDArray[np.float64]:
    """(rows, columns, 3): points of the box, coarse, millimetres."""
    rows, columns = max(2, shape[0] // _COARSE), max(2, shape[1] // _COARSE)
    y = box.y + (np.arange(rows) + 0.5) * box.height / rows
    x = box.x + (np.arange(columns) + 0.5) * box.width / columns
    return np.stack([*np.broadcast_arrays(x[None, :], y[:, None]), np.zeros((rows, columns))], axis=-1)


def card_outline(document: DocumentType) -> Linear:
    """(h, w) at `SCALE`: 1 on the card with its rounded corners."""
    width, height = round(document.width_mm * SCALE), round(document.height_mm * SCALE)
    mask = np.zeros((height, width), dtype=np.float32)
    r = round(document.corner_radius_mm * SCALE)
    cv2.rectangle(mask, (r, 0), (width - 1 - r, height - 1), 1.0, -1)
    cv2.rectangle(mask, (0, r), (width - 1, height - 1 - r), 1.0, -1)
    for x in (r, width - 1 - r):
        for y in (r, height - 1 - r):
            cv2.circle(mask, (x, y), r, 1.0, -1)
    return mask


def _table() -> Linear:
    code = np.arange(256) / 255
    value = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return np.asarray(value * _WHITE, dtype=np.float32)


_TO_LINEAR = _table()
