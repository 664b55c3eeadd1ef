"""Light of diffraction gratings by looking up where each wavelength of each order comes from.

The grating equation gives, for a point, a viewer and an order m, the one direction from which light of a wavelength
is sent to the viewer: l_xy = m·λ/d·t - v_xy, with unit vectors l to the light and v to the viewer, t across the
grooves and d their distance. The light of the place is looked up there. Colours of wavelengths are bells that resemble
the responses of a camera's three channels, scaled so that equal light at all wavelengths is white.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.formations.environment import Environment, Vectors
from idproof.datasets.specimen.material import Grating

_NM = np.linspace(410, 680, 14)
# Share of the light in each order, relative to the first: a shallow, about sinusoidal relief. Chosen by hand.
_ORDERS = {1: 1.0, -1: 0.8, 2: 0.32, -2: 0.26, 3: 0.1, -3: 0.08}


def _responses() -> NDArray[np.float32]:
    """Returns the linear colour (14, 3) of each wavelength; the columns sum to 1."""
    red = 1.0 * _bell(603, 36) + 0.14 * _bell(440, 18)
    green = _bell(543, 38)
    blue = _bell(452, 24)
    colours = np.stack([red, green, blue], axis=1)
    # Spectral colours lie outside what a screen shows: the neighbours' part is taken off before it is cut at zero.
    colours = (colours - 0.12 * colours[:, [1, 0, 1]]).clip(0)
    return np.asarray(colours / colours.sum(axis=0), dtype=np.float32)


def _bell(middle: float, width: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-0.5 * np.square((_NM - middle) / width)))


_RGB = _responses()


def diffracted(
    environment: Environment,
    points: Vectors,
    views: Vectors,
    grating: Grating,
    tilts: Vectors,
    spread: float,
    to_place: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Returns the radiance (n, 3) that a grating sends to the viewer, for an efficiency of 1 in the first order.

    Args:
        environment: the light of the place.
        points: (n, 3) in the card's frame from its middle, millimetres.
        views: (n, 3), unit vectors to the viewer in the card's frame.
        grating: grooves.
        tilts: (n, 2), slopes of the foil at the points.
        spread: standard deviation of the grooves' direction, radians.
        to_place: (3, 3), turns the card's frame into the place's.
    """
    angle = np.radians(grating.direction_deg)
    across = np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)
    # The camera's side has negative z; a slope turns the mirror direction by twice its angle.
    base = 2 * tilts - views[:, :2]
    placed = points @ to_place.T
    total = np.zeros((len(points), 3), dtype=np.float32)
    for order, share in _ORDERS.items():
        for index, nm in enumerate(_NM):
            step = order * nm / 1000 / grating.period_um
            if abs(step) > 1.9:
                continue
            wanted = base + np.float32(step) * across
            level = 1 - np.square(wanted).sum(axis=1)
            there = level > 0.01
            if not there.any():
                continue
            towards = np.column_stack([wanted[there], -np.sqrt(level[there])]) @ to_place.T
            found = environment.seen(placed[there], towards.astype(np.float32), 0.015 + abs(step) * spread * 0.35)
            total[there] += found * (np.float32(share) * _RGB[index])
    return total


def smoothed(zone: NDArray[np.uint8], number: int) -> NDArray[np.float32]:
    """Returns the coverage (h, w) of one grating's zone with soft edges."""
    return np.asarray(cv2.GaussianBlur((zone == number).astype(np.float32), (0, 0), 0.9), dtype=np.float32)
