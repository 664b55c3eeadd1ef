"""Light of lamps in a room, as a surface and as a grating reflect it.

Everything is linear and relative: paper of albedo 1 under the whole room has radiance 1. Positions are millimetres in
the card's own frame (x to the right, y down, z away from the camera, so the viewer's side has negative z).
Diffraction follows the grating equation m·λ = d·((l + v)·t), with unit vectors l to the light and v to the viewer, t
across the grooves, d their distance; Stam, "Diffraction shaders" (1999). Colours of wavelengths follow Wyman, Sloan
and Shirley, "Simple analytic approximations to the CIE XYZ color matching functions" (2013).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.draws import Draws

Field = NDArray[np.float32]
_WAVELENGTHS_UM = np.linspace(0.40, 0.70, 31)  # visible light in steps of 10 nm
_PERIOD_SPREAD = 0.02  # standard deviation of a grating's period, as a share of it. Chosen by hand.
# With reflectances around 0.05 a laminate's highlight is then a few times as bright as its paper. Chosen by hand.
_MIRRORED = 0.05
_ORDERS = (-3, -2, -1, 1, 2, 3)  # higher orders are too weak to be seen. Chosen by hand.
_XYZ_TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])


@dataclass(frozen=True)
class Lamp:
    """A round lamp.

    Attributes:
        position: (3,), millimetres, in the camera's frame: x right, y down, z away from the camera.
        colour: (3,), relative irradiance that it would give a sheet facing it where the card is.
        radius: its angular radius in radians, seen from the card.
    """

    position: NDArray[np.float64]
    colour: NDArray[np.float64]
    radius: float


@dataclass(frozen=True)
class Room:
    """Lamps of a room, and its light from all sides.

    Attributes:
        lamps: fixed in the room, as the camera is.
        ambient: (3,), relative irradiance from all sides.
    """

    lamps: tuple[Lamp, ...]
    ambient: NDArray[np.float64]

    @classmethod
    def draw(cls, draws: Draws) -> "Room":
        """Draws an ordinary room: two to four lamps or windows above and beside the camera, and light walls.

        Ranges are chosen by hand.
        """
        count = int(draws.rng.integers(2, 5))
        shares = draws.rng.dirichlet(np.full(count, 3.0)) * draws.uniform(0.5, 0.75)
        warmth = draws.uniform(-0.16, 0.16)
        lamps = tuple(_lamp(draws, share, warmth) for share in shares)
        return cls(lamps, (1 - shares.sum()) * tint(warmth + draws.uniform(-0.05, 0.05)))

    def illuminant(self) -> NDArray[np.float64]:
        """Returns the colour (3,) of all light together."""
        return np.asarray(self.ambient + sum((lamp.colour for lamp in self.lamps), np.zeros(3)))


def tint(warmth: float) -> NDArray[np.float64]:
    """Returns white (3,), made redder by a positive number and bluer by a negative one."""
    return np.array([1 + warmth, 1.0, 1 - 1.3 * warmth])


def _lamp(draws: Draws, share: float, warmth: float) -> Lamp:
    away, around = np.radians(draws.uniform(12, 62)), np.radians(draws.uniform(-200, 20))
    distance = draws.uniform(500, 2400)
    direction = np.array([np.sin(away) * np.cos(around), np.sin(away) * np.sin(around), -np.cos(away)])
    # The card lies 250 mm before the camera, which is the origin.
    position = np.array([0, 0, 250.0]) + distance * direction
    return Lamp(position, share * tint(warmth + draws.uniform(-0.06, 0.06)), np.radians(draws.uniform(3, 14)))


def directions(points: NDArray[np.float64], source: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns unit vectors from points (…, 3) to a source (3,)."""
    towards = source - points
    return np.asarray(towards / np.linalg.norm(towards, axis=-1, keepdims=True))


def irradiance(room: Room, points: NDArray[np.float64]) -> Field:
    """Returns the irradiance (…, 3) of the card's plane at points (…, 3), with lamps in the card's frame."""
    total = np.broadcast_to(room.ambient, points.shape).copy()
    for lamp in room.lamps:
        total += _cosine(lamp, points)[..., None] * lamp.colour
    return total.astype(np.float32)


def gloss(room: Room, points: NDArray[np.float64], viewer: NDArray[np.float64], roughness: float) -> Field:
    """Returns the mirrored light (…, 3) of a surface of this roughness (radians), with a reflectance of 1."""
    view = directions(points, viewer)
    total = np.zeros(points.shape)
    for lamp in room.lamps:
        half = directions(points, lamp.position) + view
        half /= np.linalg.norm(half, axis=-1, keepdims=True)
        slope = np.arccos(np.clip(-half[..., 2], -1, 1))
        width = np.hypot(roughness, lamp.radius / 2)
        lobe = np.exp(-(slope**2) / (2 * width**2)) / (width**2)
        total += lobe[..., None] * lamp.colour * _MIRRORED
    return total.astype(np.float32)


def diffraction(
    room: Room,
    points: NDArray[np.float64],
    viewer: NDArray[np.float64],
    period_um: float,
    direction_deg: float,
    spread: float,
) -> Field:
    """Returns the light (…, 3) that a grating sends to the viewer.

    Args:
        room: lamps in the card's frame.
        points: (…, 3) on the card.
        viewer: (3,).
        period_um: distance of the grooves in micrometres.
        direction_deg: of the line across the grooves, from the x axis towards y.
        spread: standard deviation of the grooves' direction, radians; their distance varies far less.
    """
    across = np.array([np.cos(np.radians(direction_deg)), np.sin(np.radians(direction_deg))])
    along = np.array([-across[1], across[0]])
    view = directions(points, viewer)[..., :2]
    total = np.zeros(points.shape)
    for lamp in room.lamps:
        sum_of = directions(points, lamp.position)[..., :2] + view
        width = np.hypot(spread, lamp.radius / 2)
        caught = np.exp(-((sum_of @ along) ** 2) / (2 * width**2))
        path = period_um * (sum_of @ across)
        purity = period_um * np.hypot(_PERIOD_SPREAD, lamp.radius / 2)
        total += (caught * _cosine(lamp, points))[..., None] * _rainbow(path, purity) * lamp.colour
    return total.clip(0).astype(np.float32)


def _cosine(lamp: Lamp, points: NDArray[np.float64]) -> NDArray[np.float64]:
    away = np.linalg.norm(lamp.position - points, axis=-1)
    falloff = (np.linalg.norm(lamp.position - points.reshape(-1, 3).mean(axis=0)) / away) ** 2
    return np.asarray(np.clip((points[..., 2] - lamp.position[2]) / away, 0, 1) * falloff)


def _rainbow(path_um: NDArray[np.float64], blur_um: float) -> NDArray[np.float64]:
    """Returns the colour (…, 3) of all orders at an optical path, weaker for higher orders."""
    total = np.zeros((*path_um.shape, 3))
    for order in _ORDERS:
        wave = path_um[..., None] / order
        width = max(blur_um / abs(order), 0.012)
        hit = np.exp(-((wave - _WAVELENGTHS_UM) ** 2) / (2 * width**2)) / (width / 0.05)
        total += hit @ _RGB / abs(order)
    return total


def _lobe(x: NDArray[np.float64], peak: float, left: float, right: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-0.5 * ((x - peak) / np.where(x < peak, left, right)) ** 2))


def _spectrum() -> NDArray[np.float64]:
    """Returns linear sRGB (31, 3) of each wavelength, without negative parts; their sum is white."""
    nm = _WAVELENGTHS_UM * 1000
    red = 1.056 * _lobe(nm, 599.8, 37.9, 31.0) + 0.362 * _lobe(nm, 442.0, 16.0, 26.7)
    x = red - 0.065 * _lobe(nm, 501.1, 20.4, 26.2)
    y = 0.821 * _lobe(nm, 568.8, 46.9, 40.5) + 0.286 * _lobe(nm, 530.9, 16.3, 31.1)
    z = 1.217 * _lobe(nm, 437.0, 11.8, 36.0) + 0.681 * _lobe(nm, 459.0, 26.0, 13.8)
    xyz = np.stack([x, y, z], axis=1)
    rgb = (xyz @ _XYZ_TO_RGB.T).clip(0)
    return np.asarray(rgb / rgb.sum(axis=0) * 6.0)


_RGB = _spectrum()
