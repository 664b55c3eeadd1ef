"""Radiance of a card in the light of a place, on the card's own plane."""

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.artwork import SCALE
from idproof.datasets.specimen.formations.environment import Environment
from idproof.datasets.specimen.formations.grating_lookup import diffracted, smoothed
from idproof.datasets.specimen.formations.laminate import COARSE, Laminate
from idproof.datasets.specimen.material import Coat, Foil, Material, linear
from idproof.datasets.specimen.view import View

Field = NDArray[np.float32]
_NORMAL_REFLECTANCE = 0.04  # Fresnel, polycarbonate of index 1.58 has 0.05, lacquers 0.04
_USUAL_COAT = 0.055  # the reflectance that `Coat` gives a card's laminate on average
_IRRADIANCE_GRID = (7, 9)
_FOIL_PX_PER_MM = 10.0
_BLINDING = 0.4  # mirrored light, relative to white paper, that print is hard to read through. Chosen by hand.
_MOST_DIFFRACTED = 0.24  # in the first order: all orders together then carry 0.6 of the light, a good metal foil
_PHONE_RAD = 0.30  # half the angle that the telephone and the hand with it hide


@dataclass(frozen=True)
class Place:
    """A card in the light of a place.

    Attributes:
        view: of the card.
        light: around it.
        to_place: (3, 3), turns the card's frame into the place's.
    """

    view: View
    light: Environment
    to_place: NDArray[np.float32] = field(repr=False)

    @classmethod
    def of(cls, view: View, light: Environment, lies_as: View | None) -> "Place":
        """Returns the place; a card that lies does not turn with the camera, so it keeps the rotation of `lies_as`."""
        rotation = view.rotation if lies_as is None else lies_as.rotation
        return cls(view, light, rotation.astype(np.float32))

    @property
    def middle(self) -> Field:
        """(3,): the middle of the card in its own frame."""
        return np.array([self.view.document.width_mm / 2, self.view.document.height_mm / 2, 0], dtype=np.float32)

    def glare(self, roughness: float) -> float:
        """Returns the share of the card that mirrors a light into the camera, so bright that print cannot be read."""
        points = _grid(self.view, (9, 14))
        towards = self.towards_viewer(points) * np.array([-1, -1, 1], dtype=np.float32)
        mirrored = self.seen(points, towards, 2 * roughness).mean(axis=-1) * _NORMAL_REFLECTANCE
        return float((mirrored > _BLINDING * self.irradiance_mean().mean()).mean())

    def illuminant(self) -> NDArray[np.float64]:
        """Returns the colour (3,) of the light on the card."""
        return np.asarray(self.irradiance_mean(), dtype=np.float64)

    def irradiance_mean(self) -> Field:
        """Returns (3,): the irradiance in the middle of the card."""
        return np.asarray(self._coarse_irradiance.mean(axis=(0, 1)), dtype=np.float32)

    def on_normals(self, normals: NDArray[np.float32]) -> Field:
        """Returns the irradiance (n, 3) of surfaces at the card with normals (n, 3) in the card's frame."""
        points = np.zeros((len(normals), 3), dtype=np.float32)
        return self.light.irradiance(points, self._turned(normals))

    def placed(self, points: Field) -> Field:
        """Returns points (…, 3) of the card's frame from the card's middle, in the place's frame."""
        return self._turned(points - self.middle)

    def _turned(self, vectors: Field) -> Field:
        return np.asarray(vectors @ self.to_place.T, dtype=np.float32)

    def on_card(self, shape: tuple[int, ...]) -> Field:
        """Returns the irradiance (h, w, 3) over the card."""
        size = int(shape[1]), int(shape[0])
        return np.asarray(cv2.resize(self._coarse_irradiance, size, interpolation=cv2.INTER_CUBIC), dtype=np.float32)

    def over(self, view: View) -> Field:
        """Returns the irradiance (height, width, 3) of the card's plane in a capture, continued beyond the card."""
        rows, columns = _IRRADIANCE_GRID
        width, height = view.document.width_mm, view.document.height_mm
        places = view.on_card(8)
        x = (places[..., 0] / width * columns - 0.5).astype(np.float32)
        y = (places[..., 1] / height * rows - 0.5).astype(np.float32)
        seen = cv2.remap(self._coarse_irradiance, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(cv2.resize(seen, view.size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)

    def below(self, view: View, depth_mm: float) -> NDArray[np.float64]:
        """(3, 3): millimetres on a plane so far behind the card's front to pixels of the capture."""
        offset = view.translation + view.rotation[:, 2] * depth_mm
        plane = view.lens.matrix_in(view.size) @ np.column_stack([view.rotation[:, :2], offset])
        return np.asarray(plane / plane[2, 2])

    def towards_viewer(self, points: Field) -> Field:
        """Returns unit vectors (…, 3) from points of the card to the camera, in the card's frame."""
        away = self.view.viewer.astype(np.float32) - points
        return np.asarray(away / np.linalg.norm(away, axis=-1, keepdims=True), dtype=np.float32)

    def seen(self, points: Field, towards: Field, width: float | Field) -> Field:
        """Returns the radiance (…, 3) that comes from directions in the card's frame; the telephone hides some."""
        found = self.light.seen(self.placed(points), self._turned(towards), width)
        off = np.arccos((towards * self.towards_viewer(points)).sum(axis=-1).clip(-1, 1))
        hidden = 1 - 0.9 / (1 + np.exp((off - _PHONE_RAD) / 0.05))
        return np.asarray(found * hidden[..., None], dtype=np.float32)

    @cached_property
    def _coarse_irradiance(self) -> Field:
        rows, columns = _IRRADIANCE_GRID
        points = _grid(self.view, (rows, columns)).reshape(-1, 3)
        facing = np.repeat(np.array([[0, 0, -1]], dtype=np.float32), len(points), axis=0)
        falling = self.light.irradiance(self.placed(points), self._turned(facing))
        return falling.reshape(rows, columns, 3)


def shaded(material: Material, place: Place, laminate: Laminate, extra: Field | None = None) -> Field:
    """Returns the radiance (h, w, 3) of a card at `SCALE`.

    Args:
        material: the flat layers.
        place: and its light.
        laminate: of this copy.
        extra: (h, w, 3), irradiance on top, from a projector.
    """
    reflected = linear(material.albedo)
    falling = place.on_card(reflected.shape)
    if extra is not None:
        falling = falling + extra
    slopes, scratches, grease = laminate.relief(place.view.document)
    radiance = reflected * falling
    for foil in material.foils:
        _add_foil(radiance, foil, falling, place, laminate, slopes)
    if material.coats:
        radiance += falling * np.float32(laminate.haze)
    for coat in material.coats:
        mirrored = _mirrored(coat, place, slopes, scratches, grease)
        mirrored = cv2.resize(mirrored, radiance.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        radiance += mirrored if coat.mask is None else mirrored * coat.mask[..., None]
    return np.asarray(radiance * material.outline[..., None], dtype=np.float32)


def _mirrored(coat: Coat, place: Place, slopes: Field, scratches: Field, grease: Field) -> Field:
    """Returns what a coat mirrors (h, w, 3), at `COARSE`."""
    points = _grid(place.view, slopes.shape[:2])
    views = place.towards_viewer(points)
    wanted = 2 * slopes - views[..., :2]
    level = np.sqrt((1 - np.square(wanted).sum(axis=-1)).clip(0.01))
    towards = np.concatenate([wanted, -level[..., None]], axis=-1)
    towards /= np.linalg.norm(towards, axis=-1, keepdims=True)
    cosine = (-views[..., 2]).clip(0, 1)
    fresnel = _NORMAL_REFLECTANCE + (1 - _NORMAL_REFLECTANCE) * np.power(1 - cosine, 5)
    width = np.float32(2 * coat.roughness) * (1 + 1.5 * grease)
    light = place.seen(points, towards, width)
    scattered = place.seen(points, towards, 0.35)
    strength = np.float32(coat.reflectance / _USUAL_COAT) * fresnel
    return np.asarray((light + scratches[..., None] * (scattered - 0.5 * light)) * strength[..., None])


def _add_foil(radiance: Field, foil: Foil, falling: Field, place: Place, laminate: Laminate, slopes: Field) -> None:
    """Puts a foil over the card's radiance: it hides a part of the print and sends light of its own."""
    left, top, right, bottom = foil.box.pixels(SCALE)
    right, bottom = min(right, radiance.shape[1]), min(bottom, radiance.shape[0])
    zones = foil.zones[: bottom - top, : right - left]
    area = radiance[top:bottom, left:right]
    cover = cv2.GaussianBlur((zones > 0).astype(np.float32), (0, 0), 0.9)[..., None]
    hidden = cover * np.float32(foil.opacity * laminate.hiding)
    area *= 1 - hidden
    area += hidden * np.float32(foil.metal * 0.35) * falling[top:bottom, left:right]
    shape = round(area.shape[0] / SCALE * _FOIL_PX_PER_MM), round(area.shape[1] / SCALE * _FOIL_PX_PER_MM)
    coarse = cv2.resize(zones, shape[::-1], interpolation=cv2.INTER_NEAREST)
    points = _grid(place.view, shape, (left / SCALE, top / SCALE, right / SCALE, bottom / SCALE))
    views = place.towards_viewer(points)
    tilts = _slopes_at(slopes, points)
    sent = np.zeros((*area.shape[:2], 3), dtype=np.float32)
    for number, grating in enumerate(foil.gratings, start=1):
        wide = cv2.dilate((coarse == number).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        if not wide.any():
            continue
        found = np.zeros((*shape, 3), dtype=np.float32)
        lit = place.light
        offset = points[wide] - place.middle
        found[wide] = diffracted(lit, offset, views[wide], grating, tilts[wide], foil.spread, place.to_place)
        found = cv2.resize(found, area.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        sent += found * smoothed(zones, number)[..., None]
    sent *= laminate.lines(sent.shape[:2], SCALE)[..., None]
    area += sent * np.float32(min(foil.strength * laminate.foil, _MOST_DIFFRACTED))


def _slopes_at(slopes: Field, points: Field) -> Field:
    x, y = points[..., 0] * np.float32(COARSE), points[..., 1] * np.float32(COARSE)
    return np.asarray(cv2.remap(slopes, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.float32)


def _grid(view: View, shape: tuple[int, ...], box: tuple[float, float, float, float] | None = None) -> Field:
    """(rows, columns, 3): middles of equal cells of the card or of a box (left, top, right, bottom), millimetres."""
    left, top, right, bottom = box or (0.0, 0.0, view.document.width_mm, view.document.height_mm)
    rows, columns = shape[0], shape[1]
    y = top + (np.arange(rows) + 0.5) * (bottom - top) / rows
    x = left + (np.arange(columns) + 0.5) * (right - left) / columns
    x, y = np.meshgrid(x, y)
    return np.stack([x, y, np.zeros_like(x)], axis=-1).astype(np.float32)
