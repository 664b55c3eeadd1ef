"""Photographs of faces on paper and on displays, before they are held to a camera."""

import cv2
import numpy as np

from idproof.datasets.rendered_people import surface as surfaces
from idproof.datasets.rendered_people.camera import Reflectance, linear
from idproof.datasets.rendered_people.surface import Field
from idproof.datasets.specimen.draws import Draws
from idproof.models.types import RGBImage

_FINE = 2  # photographs are enlarged by this before they are bent


def enlarged(photograph: RGBImage) -> Field:
    """Returns a photograph of (250, 250, 3) in linear light, twice as large, so that it can be bent."""
    side = surfaces.SIDE * _FINE
    return linear(np.asarray(cv2.resize(photograph, (side, side), interpolation=cv2.INTER_CUBIC), dtype=np.uint8))


def printed(photograph: RGBImage, draws: Draws) -> Field:
    """Returns a photograph as ink on paper: dots or grain, less depth in the darks, fewer colours, a slight cast."""
    picture = np.sqrt(enlarged(photograph))
    picture = cv2.GaussianBlur(picture, (0, 0), draws.uniform(0.6, 1.5))
    grey = picture.mean(axis=2, keepdims=True)
    picture = grey + (picture - grey) * np.float32(draws.uniform(0.7, 0.95))
    black = draws.uniform(0.08, 0.2)
    picture = black + picture * (draws.uniform(0.88, 0.98) - black) + draws.rng.normal(0, 0.012, 3)
    if draws.rng.uniform() < 0.6:
        picture = picture + _dots(draws) * np.float32(draws.uniform(0.04, 0.14)) * (1 - picture)
    picture = picture + draws.rng.normal(0, draws.uniform(0.005, 0.03), picture.shape)
    return np.asarray(picture.clip(0, 1) ** 2, dtype=np.float32)


def shown(photograph: RGBImage, draws: Draws) -> Field:
    """Returns a photograph as a display sends it out: bluish white, blacks that are not black."""
    white = np.array([draws.uniform(0.84, 0.95), 0.97, 1.0], dtype=np.float32)
    return np.asarray(enlarged(photograph) * white * np.float32(draws.uniform(0.8, 1.2)) + 0.01, dtype=np.float32)


def display(draws: Draws) -> Reflectance:
    """Draws the glass and the light of a display."""
    return Reflectance(draws.uniform(0.0, 0.03), draws.uniform(0.004, 0.03), 0.0, draws.uniform(0.9, 3.6))


def _dots(draws: Draws) -> Field:
    side = surfaces.SIDE * _FINE
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    pitch = draws.uniform(2.2, 5.0)
    planes = []
    for angle in np.radians(np.array([15.0, 75.0, 45.0]) + draws.rng.uniform(-4, 4, 3)):
        u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        planes.append(np.cos(u * np.float32(2 * np.pi / pitch)) * np.cos(v * np.float32(2 * np.pi / pitch)))
    return np.stack(planes, axis=-1).astype(np.float32)
