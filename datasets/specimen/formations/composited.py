"""Cards composited onto real photographs, in the light that the photographs suggest.

Shares with the other formations only the flat layers and the geometry. The light is a map of radiance around the card
(`environment`), the laminate mirrors it, the gratings look it up (`grating_lookup`). The card's radiance is worked out
on the card's own plane and projected into the capture, and a telephone develops it (`telephone`). All ranges are chosen
by hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations import photographs
from idproof.datasets.specimen.formations.environment import Environment, Source
from idproof.datasets.specimen.formations.fingers import Grip
from idproof.datasets.specimen.formations.laminate import Laminate
from idproof.datasets.specimen.formations.protocol import Formation, Surround, Turns
from idproof.datasets.specimen.formations.session import Exposure, TelephoneSession
from idproof.datasets.specimen.formations.shading import Place, shaded
from idproof.datasets.specimen.formations.telephone import Movement, Telephone
from idproof.datasets.specimen.light import Lamp
from idproof.datasets.specimen.material import Linear, Material, card_outline, linear
from idproof.datasets.specimen.projection import warp
from idproof.datasets.specimen.view import Lens, View
from idproof.models.types import RGBImage
from idproof.pipeline.documents import DocumentType

_THICK_MM = 0.76  # ISO/IEC 7810, ID-1
_EDGE_ALBEDO = 0.62
_MOST_GLARE = 0.06  # share of the card in any capture. Chosen by hand.
_USUAL_ROUGHNESS = 0.06  # near the smoothest of the specimens' laminates, radians
_TRIES = 20


@dataclass(frozen=True)
class Moment(Exposure):
    """One capture's own circumstances.

    Attributes:
        light: around the card.
        grip: fingers, or None.
        shift: of the photograph behind a card that is held up, in shares of the capture.
    """

    light: Environment
    grip: Grip | None
    shift: tuple[float, float]


@dataclass(frozen=True)
class CompositedSession(TelephoneSession[Moment]):
    """One telephone before one photograph; implements `Session`.

    Attributes:
        photograph_behind: the surroundings, RGB.
        lying: whether the card lies on the photograph; else it is held up before it.
        laminate: of this copy of the card.
        px_per_mm: of a photograph that the card lies on.
    """

    photograph_behind: RGBImage = field(repr=False)
    lying: bool
    laminate: Laminate
    px_per_mm: float

    def without_hands(self) -> Self:
        """Returns the session without fingers."""
        return replace(self, moments={name: replace(moment, grip=None) for name, moment in self.moments.items()})

    def with_lamp(self, name: str, lamp: Lamp) -> Self:
        """Returns the session with one more lamp in one capture."""
        view, moment = self.views[name], self.moments[name]
        middle = np.array([view.document.width_mm / 2, view.document.height_mm / 2, 0.0])
        on_card = view.rotation.T @ (lamp.position - view.translation) - middle
        to_place = Place.of(view, moment.light, self.views["front"] if self.lying else None).to_place
        source = Source(to_place.astype(np.float64) @ on_card, lamp.colour, max(lamp.radius, 0.03))
        return self._with(name, replace(moment, light=moment.light.with_source(source)))

    def _scanned(self, material: Material, view: View, draws: Draws) -> Linear:
        place = Place.of(view, Environment.estimate(draws, self.photograph_behind), None)
        lit = shaded(replace(material, coats=()), place, self.laminate)
        return lit / np.float32(max(float(lit.mean() / linear(material.albedo).mean()), 1e-3))

    def _lit(
        self, name: str, material: Material, surround: Surround | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        view, moment = self._rendered(name), self.moments[name]
        place = Place.of(view, moment.light, self.views["front"] if self.lying else None)
        return self._radiance(material, view, moment, place, surround), place.illuminant()

    def _radiance(
        self, material: Material, view: View, moment: Moment, place: Place, surround: Surround | None
    ) -> NDArray[np.float32]:
        """(height, width, 3): light that reaches the lens."""
        around = self._lying(view, place) if self.lying else self._behind(view, moment)
        if moment.grip is not None and not self.lying:
            around = moment.grip.over(around, view, place.on_normals, moment.grip.behind)
        around = _with_edge(around, view, place) if surround is None else surround(around, view)
        cover = warp(material.outline, view)
        extra = None if moment.pattern is None else moment.pattern.on(view.document)
        card = warp(shaded(material, place, self.laminate, extra), view)
        if material.emission is not None:
            card = card + material.emission(view)
        radiance = around + (card - around * cover[..., None])
        radiance = np.where(cover[..., None] > 0.999, card, radiance)
        if moment.grip is not None:
            radiance = moment.grip.over(radiance, view, place.on_normals, moment.grip.before)
        return np.asarray(radiance, dtype=np.float32).clip(0)

    def _lying(self, view: View, place: Place) -> NDArray[np.float32]:
        """The photograph as the surface below the card, with the card's shadow."""
        scale = self.px_per_mm
        # The middle of the card lies on the middle of the photograph.
        height, width = self.photograph_behind.shape[:2]
        left = view.document.width_mm / 2 - width / 2 / scale
        top = view.document.height_mm / 2 - height / 2 / scale
        from_flat = place.below(view, _THICK_MM) @ np.array([[1 / scale, 0, left], [0, 1 / scale, top], [0, 0, 1]])
        flat = linear(self.photograph_behind)
        seen = cv2.warpPerspective(flat, from_flat, view.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        outline = place.below(view, _THICK_MM) @ np.linalg.inv(view.homography)
        cover = cv2.warpPerspective(warp(card_outline(view.document), view), outline, view.size)
        shade = _blurred(cover, 1.6 * view.px_per_mm)
        near = _blurred(cover, 0.5 * view.px_per_mm)
        return np.asarray(seen * place.over(view) * (1 - 0.35 * shade - 0.25 * near)[..., None], dtype=np.float32)

    def _behind(self, view: View, moment: Moment) -> NDArray[np.float32]:
        """The photograph far behind the card, out of focus."""
        width, height = view.size
        light = np.power(self.photograph_behind.astype(np.float32) / 255, 2.2)
        zoom = 1.25 * max(width / light.shape[1], height / light.shape[0])
        x = width / 2 - light.shape[1] * zoom / 2 + moment.shift[0] * width
        y = height / 2 - light.shape[0] * zoom / 2 + moment.shift[1] * height
        move = np.array([[zoom, 0, x], [0, zoom, y]])
        small = cv2.GaussianBlur(light, (0, 0), max(0.004 * width / zoom, 0.8))
        seen = cv2.warpAffine(small, move, view.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        return np.asarray(seen, dtype=np.float32)


def _with_edge(around: NDArray[np.float32], view: View, place: Place) -> NDArray[np.float32]:
    """The scene with the card's edge, which is seen below the card's front when it is tilted."""
    shape = card_outline(view.document)
    to_back = place.below(view, _THICK_MM) @ np.linalg.inv(view.homography)
    back = cv2.warpPerspective(warp(shape, view), to_back, view.size)[..., None]
    colour = place.irradiance_mean() * np.float32(_EDGE_ALBEDO * 0.8)
    return np.asarray(around + (colour - around) * back, dtype=np.float32)


def _blurred(cover: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    small = cv2.resize(cover, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), max(sigma / 4, 0.3))
    return np.asarray(cv2.resize(soft, cover.shape[1::-1], interpolation=cv2.INTER_LINEAR), dtype=np.float32)


class Composited:
    """Implements `Formation`."""

    def begin(self, document: DocumentType, draws: Draws, turns: Turns) -> CompositedSession:
        """Draws a telephone, a photograph, its light, the views, and a hand for some captures."""
        telephone = Telephone.draw(draws)
        lens = Lens(telephone.size[0] * telephone.focal)
        views = {name: View.draw(draws, document, lens, turn, telephone.size) for name, turn in turns.items()}
        lying = bool(draws.rng.uniform() < 0.55)
        behind = photographs.surface(draws) if lying else photographs.scene(draws)
        scale = draws.uniform(2.5, 8.0)
        if lying:
            behind = photographs.tiled(behind, round(scale * 420), round(scale * 320))
        light = _without_glare(draws, photographs.scene(draws) if lying else behind, views, lying)
        tone = draws.uniform(0.10, 0.60)
        skin = (tone, tone * draws.uniform(0.58, 0.74), tone * draws.uniform(0.40, 0.58))
        moments = {}
        for name in views:
            held = not lying or draws.rng.uniform() < 0.15
            grip = Grip.draw(draws, skin, document.width_mm, document.height_mm) if held else None
            shift = float(draws.rng.normal(0, 0.05)), float(draws.rng.normal(0, 0.05))
            moments[name] = Moment(Movement.draw(draws), None, light, grip, shift)
        return CompositedSession(views, telephone, moments, behind, lying, Laminate.draw(draws), scale)


def _without_glare(draws: Draws, scene: RGBImage, views: Mapping[str, View], lying: bool) -> Environment:
    """Draws lights until no capture has much glare, as guidance on a screen requires; the last is taken as it is."""
    for _ in range(_TRIES):
        light = Environment.estimate(draws, scene)
        places = [Place.of(view, light, views["front"] if lying else None) for view in views.values()]
        if max(place.glare(_USUAL_ROUGHNESS) for place in places) <= _MOST_GLARE:
            break
    return light


FORMATION: Formation = Composited()
