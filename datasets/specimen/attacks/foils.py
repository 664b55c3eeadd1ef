"""Cards whose hologram is not the type's own.

Everything else about these cards is as good as on a genuine one, including the second portrait, which slides. So only
the hologram can give them away.

The ranges of gratings, sizes and strengths are chosen by hand to look like foils on sale; no outside source.
"""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen import artwork
from idproof.datasets.specimen.artwork import SCALE
from idproof.datasets.specimen.attacks.copies import inkjet
from idproof.datasets.specimen.attacks.kinds import Setting
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations.protocol import Session, Shot
from idproof.datasets.specimen.material import Foil, Grating, Material
from idproof.datasets.specimen.view import View
from idproof.models.types import RGBImage
from idproof.pipeline.documents import Box

Zones = NDArray[np.uint8]


def flat(setting: Setting, session: Session | None = None) -> dict[str, Shot]:
    """Prints one state of the hologram under a laminate like the genuine one; `session` may bring other light."""
    return setting.shoot(_counterfeit(setting, lambda box: ()), session=session)


def sticker(setting: Setting) -> dict[str, Shot]:
    """Puts a bought hologram sticker near the place: its pattern and gratings are others."""
    draws = setting.draws
    zones = _dots if draws.rng.uniform() < 0.5 else _stars
    turn, cell = draws.uniform(0, 90), draws.uniform(0.9, 2.2)
    gratings = _gratings(draws, 6)
    shift = draws.rng.uniform(-0.8, 0.8, 2)
    strength, spread, opacity = draws.uniform(1.0, 2.5), draws.uniform(0.08, 0.2), draws.uniform(0.5, 1.0)

    def on(box: Box) -> tuple[Foil, ...]:
        place = replace(box, x=max(0.0, box.x + shift[0]), y=max(0.0, box.y + shift[1]))
        pattern = zones(place, cell, turn, len(gratings))
        return (Foil(place, pattern, gratings, strength, opacity, spread),)

    return setting.shoot(_counterfeit(setting, on))


def film(setting: Setting) -> dict[str, Shot]:
    """Puts clear holographic film over the whole card: rainbows everywhere, in broad bands or small patches."""
    draws = setting.draws
    gratings = _gratings(draws, 5)
    cell, seed = draws.uniform(1.2, 9.0), int(draws.rng.integers(2**31))
    strength, spread = draws.uniform(0.6, 1.8), draws.uniform(0.10, 0.25)
    document = setting.card.document
    whole = Box(0.0, 0.0, document.width_mm, document.height_mm)
    foil = Foil(whole, _splinters(whole, cell, seed, len(gratings)), gratings, strength, 0.0, spread)
    return setting.shoot(_counterfeit(setting, lambda box: (), over=(foil,)))


def leaf(setting: Setting) -> dict[str, Shot]:
    """Stamps rainbow foil in the outline of the genuine hologram, without its inner pattern of gratings."""
    draws = setting.draws
    gratings = _gratings(draws, 3)
    cell, seed = draws.uniform(3.0, 12.0), int(draws.rng.integers(2**31))
    strength, spread, opacity = draws.uniform(1.0, 2.5), draws.uniform(0.08, 0.2), draws.uniform(0.5, 1.0)
    region = next(region for region in setting.card.document.regions if region.kind == "diffractive")
    shape = artwork.hologram(setting.card.document, region, SCALE) > 0

    def on(box: Box) -> tuple[Foil, ...]:
        zones = _splinters(box, cell, seed, len(gratings))
        return (Foil(box, np.where(shape, zones, 0).astype(np.uint8), gratings, strength, opacity, spread),)

    return setting.shoot(_counterfeit(setting, on))


def _counterfeit(
    setting: Setting, on: Callable[[Box], tuple[Foil, ...]], over: tuple[Foil, ...] = ()
) -> Callable[[View], Material]:
    """Returns the card with its hologram printed flat and these foils in the hologram's place."""
    card = setting.card
    printed = inkjet(setting.draws)(setting.scan(setting.draws))
    boxes = [region.box for region in card.document.regions if region.kind == "diffractive"]

    def material(view: View) -> Material:
        genuine = card.material(view)
        return replace(genuine, albedo=_with(genuine.albedo, printed, boxes), foils=(*sum(map(on, boxes), ()), *over))

    return material


def _with(albedo: RGBImage, printed: RGBImage, boxes: list[Box]) -> RGBImage:
    result = albedo.copy()
    for box in boxes:
        left, top, right, bottom = box.pixels(SCALE)
        result[top:bottom, left:right] = printed[top:bottom, left:right]
    return result


def _gratings(draws: Draws, count: int) -> tuple[Grating, ...]:
    return tuple(Grating(draws.uniform(0.7, 2.2), float(draws.rng.uniform(0, 180))) for _ in range(count))


def _millimetres(box: Box, turn_deg: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    left, top, right, bottom = box.pixels(SCALE)
    y, x = (np.mgrid[0 : bottom - top, 0 : right - left] + 0.5) / SCALE
    angle = np.radians(turn_deg)
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _dots(box: Box, cell_mm: float, turn_deg: float, count: int) -> Zones:
    """Returns a matrix of dots, each with one grating."""
    x, y = _millimetres(box, turn_deg)
    column, row = np.floor(x / cell_mm).astype(int), np.floor(y / cell_mm).astype(int)
    number = (7 * column * column + 3 * row + 5 * column * row) % count + 1
    within = np.hypot(x / cell_mm - column - 0.5, y / cell_mm - row - 0.5) < 0.45
    return np.where(within, number, 0).astype(np.uint8)


def _stars(box: Box, cell_mm: float, turn_deg: float, count: int) -> Zones:
    """Returns rays around a middle, cut into rings."""
    x, y = _millimetres(box, turn_deg)
    x, y = x - x.mean(), y - y.mean()
    ray = np.floor((np.arctan2(y, x) + np.pi) / (2 * np.pi) * 12).astype(int)
    ring = np.floor(np.hypot(x, y) / cell_mm).astype(int)
    return np.asarray((ray + 3 * ring) % count + 1, dtype=np.uint8)


def _splinters(box: Box, cell_mm: float, seed: int, count: int) -> Zones:
    """Returns random patches of about this size, each with one grating."""
    left, top, right, bottom = box.pixels(SCALE)
    shape = (bottom - top, right - left)
    rng = np.random.default_rng(seed)
    rows, columns = (max(3, round(side / SCALE / cell_mm) + 2) for side in shape)
    fields = [
        cv2.resize(rng.standard_normal((rows, columns)), shape[::-1], interpolation=cv2.INTER_CUBIC)
        for _ in range(count)
    ]
    return np.asarray(np.argmax(fields, axis=0) + 1, dtype=np.uint8)
