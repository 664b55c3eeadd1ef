"""Copies of the whole card: on paper, and on screens."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.artwork import SCALE
from idproof.datasets.specimen.attacks.kinds import Setting
from idproof.datasets.specimen.card import Card
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations.protocol import Shot
from idproof.datasets.specimen.material import Coat, Material, card_outline, linear
from idproof.datasets.specimen.projection import Radiance, warp
from idproof.datasets.specimen.view import View
from idproof.models.types import RGBImage

Printer = Callable[[RGBImage], RGBImage]


def sheet(picture: RGBImage, card: Card, coats: tuple[Coat, ...]) -> Callable[[View], Material]:
    """A flat print cut to the card's shape."""
    material = Material(picture, card_outline(card.document), coats=coats)
    return lambda view: material


def photocopy(setting: Setting) -> dict[str, Shot]:
    """Toner on plain paper: grey, contrasty, grainy."""
    draws = setting.draws
    grey = cv2.cvtColor(setting.scan(draws), cv2.COLOR_RGB2GRAY).astype(np.float32)
    toned = (grey - 150) * draws.uniform(1.15, 1.5) + 165 + draws.rng.normal(0, draws.uniform(4, 10), grey.shape)
    picture = np.repeat(toned.clip(15, 245)[..., None], 3, axis=2).astype(np.uint8)
    return setting.shoot(sheet(picture, setting.card, (Coat(draws.uniform(0, 0.01), 0.35),)))


def colour_print(setting: Setting) -> dict[str, Shot]:
    """An office printer on plain paper: four-colour screens, dull surface."""
    picture = halftone(setting.draws, (85, 150))(setting.scan(setting.draws))
    return setting.shoot(sheet(picture, setting.card, (Coat(setting.draws.uniform(0, 0.01), 0.35),)))


def glossy_print(setting: Setting) -> dict[str, Shot]:
    """A photo printer on glossy paper: dots too fine for the camera, a surface like the laminate's."""
    draws = setting.draws
    picture = inkjet(draws)(setting.scan(draws))
    return setting.shoot(sheet(picture, setting.card, (Coat(draws.uniform(0.03, 0.10), draws.uniform(0.03, 0.10)),)))


def phone(setting: Setting) -> dict[str, Shot]:
    """A phone's display, its glass and rim."""
    return screen(setting, pitch_mm=setting.draws.uniform(0.052, 0.068), margins=(6, 2), rim=(2, 5))


def monitor(setting: Setting) -> dict[str, Shot]:
    """A desk monitor, the window around the card and its bezel."""
    return screen(setting, pitch_mm=setting.draws.uniform(0.11, 0.28), margins=(60, 30), rim=(6, 14))


def halftone(draws: Draws, lines_per_inch: tuple[float, float]) -> Printer:
    """Cyan, magenta and yellow, each a rotated screen of dots."""
    pitch = SCALE * 25.4 / draws.uniform(*lines_per_inch)  # pixels a dot
    angles = np.radians(np.array([15.0, 75.0, 0.0]) + draws.rng.uniform(-4, 4, 3))
    gain = draws.uniform(0.88, 0.97)

    def show(picture: RGBImage) -> RGBImage:
        y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]].astype(np.float32)
        ink = 1 - cv2.GaussianBlur(picture, (0, 0), 2.0).astype(np.float32) / 255
        printed = np.empty_like(ink)
        for channel, angle in enumerate(angles):
            u = (x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / pitch
            v = (y * np.cos(angle) - x * np.sin(angle)) * 2 * np.pi / pitch
            over = (ink[..., channel] - 0.5) * 2.2 + np.cos(u) * np.cos(v)
            # An edge is a pixel wide: cut off sharply, fine dots would beat with the pixels they are drawn in.
            printed[..., channel] = (0.5 + over * pitch / (2 * np.pi)).clip(0, 1) * gain
        paper = (1 - cv2.GaussianBlur(printed, (0, 0), 1.0)) * 250
        return np.asarray(paper.clip(0, 255), dtype=np.uint8)

    return show


def inkjet(draws: Draws) -> Printer:
    """Continuous tone but for a little grain; less depth in the darks, a slight cast."""
    black, cast = draws.uniform(12, 34), draws.rng.normal(0, 3, 3)
    grain, rng = draws.uniform(1.5, 4.0), draws.spawn().rng

    def show(picture: RGBImage) -> RGBImage:
        tone = black + picture.astype(np.float32) * (1 - black / 255) + cast
        return np.asarray((tone + rng.normal(0, grain, tone.shape)).clip(0, 255), dtype=np.uint8)

    return show


@dataclass(frozen=True)
class Display:
    """A display: striped sub-pixels, a dark grid between pixels, bluish white, reflections in the glass.

    The moiré is not drawn: it comes about where the sensor's pixels meet the display's. What the sensor's pixel and
    the lens average out of a grating of that pitch is worked out exactly for each of its two harmonics.

    Attributes:
        pitch_mm: of its pixels.
        white: (3,), light of a white pixel.
        black: light of a black one.
        page: light around the card's picture.
        bezel: albedo of the frame.
        lit_mm: left, top, right and bottom breadth of the lit area around the card's picture.
        frame_mm: breadth of the frame.
        glass: material without light of its own.
    """

    pitch_mm: float
    white: NDArray[np.float32]
    black: float
    page: float
    bezel: float
    lit_mm: tuple[float, float, float, float]
    frame_mm: float
    glass: Material

    @classmethod
    def draw(
        cls, draws: Draws, card: Card, pitch_mm: float, margins: tuple[float, float], rim: tuple[float, float]
    ) -> Self:
        """Draws a display of a pixel pitch that shows pictures of a card."""
        brightness = draws.uniform(0.75, 1.25)
        white = np.array([draws.uniform(0.84, 0.95), 0.97, 1.0], dtype=np.float32) * np.float32(brightness)
        page, bezel = draws.uniform(0.02, 0.8), draws.uniform(0.01, 0.06)
        left, top, right, bottom = (draws.uniform(*sorted((5.0, span))) for span in (margins * 2))
        frame_mm, black = draws.uniform(*rim), draws.uniform(0.002, 0.02)
        shape = (*card_outline(card.document).shape, 3)
        square = np.ones(shape[:2], dtype=np.float32)  # the picture on a screen goes on beyond the card's corners
        glass = Material(
            albedo=np.full(shape, 24, dtype=np.uint8),
            outline=square,
            coats=(Coat(draws.uniform(0.005, 0.03), draws.uniform(0.03, 0.09)),),
        )
        return cls(pitch_mm, white, black, page, bezel, (left, top, right, bottom), frame_mm, glass)

    def showing(self, picture: RGBImage) -> Material:
        """Returns the display with a flat picture of the card, (h, w, 3) at `SCALE`."""
        light = linear(picture)
        return replace(self.glass, emission=lambda view: self._emitted(warp(light, view), view))

    def surround(self, scene: Radiance, view: View) -> Radiance:
        """Draws the lit area around the card's picture, and the frame."""
        left, top, right, bottom = self.lit_mm
        x, y = np.moveaxis(view.on_card().astype(np.float32), 2, 0)
        # Distance of a point from the lit area: 0 and less is lit, up to the frame's breadth is bezel.
        sides = (-left - x, -top - y, x - view.document.width_mm - right, y - view.document.height_mm - bottom)
        outside = np.maximum.reduce(sides)[..., None]
        lit = self._emitted(np.full((1, 1, 3), np.float32(self.page), dtype=np.float32), view)
        framed = np.where(outside < self.frame_mm, np.float32(self.bezel), scene)
        return np.asarray(np.where(outside <= 0, lit, framed), dtype=np.float32)

    def _emitted(self, colour: Radiance, view: View) -> Radiance:
        return (colour * self.white + np.float32(self.black)) * grid(view, self.pitch_mm)


def screen(
    setting: Setting,
    pitch_mm: float,
    margins: tuple[float, float],
    rim: tuple[float, float],
    pictures: Mapping[str, RGBImage] | None = None,
) -> dict[str, Shot]:
    """Shows one flat picture of the card, or each capture's own of `pictures`, (h, w, 3) at `SCALE`, on a display."""
    shown = dict.fromkeys(setting.views, setting.scan(setting.draws)) if pictures is None else pictures
    display = Display.draw(setting.draws, setting.card, pitch_mm, margins, rim)
    return setting.shoot_each(
        {name: display.showing(picture) for name, picture in shown.items()}, surround=display.surround
    )


@lru_cache(maxsize=1)  # asked for the card and again for what is around it
def grid(view: View, pitch_mm: float) -> Radiance:
    """(height, width, 3): a display's sub-pixels as a sensor's pixels see them, 1 on average."""
    # Whole periods are taken off before the numbers get their last digits cut.
    x, y = (np.mod(axis / pitch_mm, 1.0).astype(np.float32) for axis in np.moveaxis(view.on_card(), 2, 0))
    pixel_mm = view.document.width_mm / (view.pose.share * view.size[0])
    first = _seen(pixel_mm / pitch_mm)
    once = np.cos(np.float32(2 * np.pi) * (x[..., None] - np.array([0, 1 / 3, 2 / 3], dtype=np.float32)))
    twice = 2 * once * once - 1
    stripes = 1 + np.float32(1.1 * first) * once + np.float32(0.35 * _seen(2 * pixel_mm / pitch_mm)) * twice
    lines = 1 + np.float32(0.35 * first) * np.cos(np.float32(2 * np.pi) * y)
    return np.asarray(stripes * lines[..., None], dtype=np.float32).clip(0)


def _seen(cycles_per_pixel: float) -> float:
    """Returns the contrast of a grating of this frequency after a sensor pixel's area and a sharp lens."""
    return float(np.abs(np.sinc(cycles_per_pixel)) * np.exp(-2 * (np.pi * 0.30 * cycles_per_pixel) ** 2))
