"""Light of gratings under lamps with an area, each cut into cells.

For a cell of a lamp and an order m, the grating equation gives the wavelength that is sent to the viewer,
λ = d·((l + v)·t) / m; across the grooves light passes only if (l + v)·b is about 0, within the disorder of the grooves
and the cell's own angle. Colours of wavelengths interpolate a short table, made by hand after the hues of the spectrum.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.formations.traced.rooms import Panel
from idproof.datasets.specimen.material import Grating

Points = NDArray[np.float32]
_CELLS = 5  # of a lamp, along each side
_HUES_UM = np.array([0.38, 0.42, 0.455, 0.485, 0.51, 0.545, 0.575, 0.60, 0.635, 0.68, 0.72])
_HUES = np.array(
    [
        [0.0, 0.0, 0.0],
        [0.20, 0.0, 0.55],
        [0.06, 0.08, 1.0],
        [0.0, 0.42, 0.62],
        [0.0, 0.80, 0.20],
        [0.12, 1.0, 0.02],
        [0.62, 0.80, 0.0],
        [1.0, 0.42, 0.0],
        [0.85, 0.06, 0.0],
        [0.25, 0.0, 0.0],
        [0.0, 0.0, 0.0],
    ]
)
_DENSITY = _HUES / np.trapezoid(_HUES, _HUES_UM, axis=0)  # each channel's integral over micrometres is 1
_EFFICIENCY = {1: 1.0, -1: 0.75, 2: 0.38, -2: 0.30, 3: 0.12, -3: 0.10, 4: 0.05}


def cells(lights: Sequence[Panel]) -> list[tuple[NDArray[np.float64], NDArray[np.float64], float, NDArray[np.float64]]]:
    """Returns the cells of all lamps: middle (3,), normal (3,), area in mm², radiance (3,)."""
    found: list[tuple[NDArray[np.float64], NDArray[np.float64], float, NDArray[np.float64]]] = []
    steps = (np.arange(_CELLS) + 0.5) / _CELLS * 2 - 1
    for light in lights:
        normal = np.cross(light.across, light.down)
        area = 4 * float(np.linalg.norm(normal)) / _CELLS**2
        normal = normal / max(float(np.linalg.norm(normal)), 1e-9)
        middles = (light.middle + u * light.across + v * light.down for u in steps for v in steps)
        found.extend((middle, normal, area, light.radiance) for middle in middles)
    return found


def diffracted(
    lights: Sequence[Panel], points: Points, viewer: NDArray[np.float64], grating: Grating, tilts: Points, spread: float
) -> Points:
    """Returns the radiance (n, 3) that a grating sends to the viewer, for an efficiency of 1 in the first order.

    Args:
        lights: in the card's frame from its upper left corner, millimetres.
        points: (n, 3) in that frame.
        viewer: (3,) in that frame.
        grating: grooves.
        tilts: (n, 2), slopes of the foil.
        spread: standard deviation of the grooves' direction, radians.
    """
    turn = np.radians(grating.direction_deg)
    across, along = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    to_viewer = viewer - points
    to_viewer /= np.linalg.norm(to_viewer, axis=1, keepdims=True)
    base = to_viewer[:, :2] - 2 * tilts
    total = np.zeros((len(points), 3))
    for middle, normal, area, radiance in cells(lights):
        to_lamp = middle - points
        away = np.linalg.norm(to_lamp, axis=1)
        towards = to_lamp / away[:, None]
        angle = area * np.abs(towards @ normal) / np.square(away)
        falling = angle * (-towards[:, 2]).clip(0)
        summed = towards[:, :2] + base
        path, off = summed @ across, summed @ along
        width = np.sqrt(np.square(0.35 * spread * path) + angle / 3 + 1e-4)
        passed = falling * np.exp(-0.5 * np.square(off / width)) / (width * np.sqrt(2 * np.pi))
        for order, share in _EFFICIENCY.items():
            wave = grating.period_um * path / order
            colour = np.stack([np.interp(wave, _HUES_UM, _DENSITY[:, i], 0, 0) for i in range(3)], axis=1)
            total += (passed * share * grating.period_um / abs(order))[:, None] * colour * radiance
    return np.asarray(total, dtype=np.float32)
