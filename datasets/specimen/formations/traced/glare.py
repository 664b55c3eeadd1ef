"""Glare of a room's lamps on the card, before anything is traced."""

from collections.abc import Sequence

import numpy as np

from idproof.datasets.specimen.formations.traced import gratings
from idproof.datasets.specimen.formations.traced.rooms import Panel
from idproof.datasets.specimen.view import View

_REFLECTANCE = 0.04  # Fresnel, at right angles, of an index of 1.5
_BLINDING = 0.35  # mirrored light, relative to white paper, that print is hard to read through. Chosen by hand.
_WIDTH_RAD = 0.06  # of the laminate's slopes, near the smoothest of the specimens


def share(lights: Sequence[Panel], view: View) -> float:
    """Returns the share of the card's area that mirrors a lamp into the camera.

    Args:
        lights: in the card's frame from its upper left corner, millimetres.
        view: of the card.
    """
    x = (np.arange(14) + 0.5) / 14 * view.document.width_mm
    y = (np.arange(9) + 0.5) / 9 * view.document.height_mm
    x, y = (grid.ravel() for grid in np.meshgrid(x, y))
    points = np.stack([x, y, np.zeros_like(x)], axis=1)
    to_viewer = view.viewer - points
    to_viewer /= np.linalg.norm(to_viewer, axis=1, keepdims=True)
    mirrored, falling = np.zeros(len(points)), np.full(len(points), 1e-9)
    for middle, normal, area, radiance in gratings.cells(lights):
        towards = middle - points
        away = np.linalg.norm(towards, axis=1)
        towards /= away[:, None]
        light = area * np.abs(towards @ normal) / np.square(away) * float(radiance.mean())
        half = towards + to_viewer
        half /= np.linalg.norm(half, axis=1, keepdims=True).clip(1e-9)
        slope = np.arccos((-half[:, 2]).clip(-1, 1))
        lobe = np.exp(-0.5 * np.square(slope / _WIDTH_RAD)) / (2 * np.pi * _WIDTH_RAD**2)
        mirrored += _REFLECTANCE * light * lobe / 4
        falling += light * (-towards[:, 2]).clip(0) / np.pi
    # About as much light again comes from walls and ceiling.
    return float((mirrored / (2 * falling) > _BLINDING).mean())
