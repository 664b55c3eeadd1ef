"""Makes one capture from a changed photograph: pasted, developed, or rendered."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from idproof.datasets.specimen.artwork import SCALE
from idproof.datasets.specimen.attacks.computed import parts
from idproof.datasets.specimen.attacks.computed.photograph import Straightened, from_flat
from idproof.datasets.specimen.attacks.computed.program import Program, Way
from idproof.datasets.specimen.attacks.kinds import Setting
from idproof.datasets.specimen.card import Make
from idproof.datasets.specimen.formations.protocol import Shot
from idproof.datasets.specimen.light import Room
from idproof.datasets.specimen.material import Coat, Material, card_outline, coded, linear
from idproof.datasets.specimen.projection import outline
from idproof.datasets.specimen.view import View
from idproof.models.types import RGBImage

# Chosen by hand; no outside source.
_KERNELS = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)
_FEATHER_PX = (0.4, 1.1)
_PASTED_NOISE = (0.5, 2.0)  # grey levels
_SHADE = (0.10, 0.22)  # of the light, from edge to edge in a tilted capture
_HIGHLIGHT_MM = (9.0, 18.0)


@dataclass(frozen=True)
class Design:
    """The picture that all computed captures show.

    Attributes:
        photo: the straightened photograph, which says how what moves looked in it.
        flat: the same after changes.
        room: invented lamps that colour its holograms.
        face: photograph of the second portrait's new face; None where it keeps its own.
    """

    photo: Straightened
    flat: RGBImage
    room: Room
    face: RGBImage | None = None


def capture(setting: Setting, name: str, program: Program, design: Design) -> Shot:
    """Computes one capture."""
    if program.way is Way.RENDER:
        return _rendered(setting, name, design)
    card = _lit(_as_seen(setting, name, program, design), setting, name, program)
    if program.way is Way.PASTE:
        return _pasted(setting, name, card)
    albedo = coded(linear(card) / np.float32(_exposure(design)))
    matt = Material(albedo, card_outline(setting.views[name].document))
    return setting.session.photograph(name, matt, setting.draws.spawn().rng)


def _as_seen(setting: Setting, name: str, program: Program, design: Design) -> RGBImage:
    view = setting.views[name]
    if design.face is None:
        shown = parts.slid(design.flat, design.photo.view, view, program.continues)
    else:
        shown = parts.remade(design.flat, view, design.face)
    return parts.recoloured(shown, view, design.room)


def _lit(flat: RGBImage, setting: Setting, name: str, program: Program) -> RGBImage:
    """Adds a linear shade that grows with the turn, and a highlight that moves."""
    view, draws = setting.views[name], setting.draws
    height, width = flat.shape[:2]
    across = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :]
    down = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    slope = draws.uniform(*_SHADE) * float(np.sign(view.pose.turn_deg))
    shade = 1 + slope * across + draws.uniform(-0.08, 0.08) * down
    lit = linear(flat) * shade[..., None]
    if program.highlight:
        size = draws.uniform(*_HIGHLIGHT_MM) * SCALE
        x, y = draws.uniform(-0.1, 1.1) * width, draws.uniform(-0.3, 0.6) * height
        columns, rows = np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]
        spot = np.exp(-(((columns - x) ** 2) + (rows - y) ** 2) / (2 * size**2))
        lit = lit + np.float32(program.highlight) * spot[..., None]
    return coded(np.asarray(lit, dtype=np.float32))


def _pasted(setting: Setting, name: str, card: RGBImage) -> Shot:
    view, draws = setting.views[name], setting.draws
    blank, rng = _blank(view), draws.spawn().rng
    kernel = _KERNELS[int(draws.rng.integers(len(_KERNELS)))]
    table = setting.session.photograph(name, blank, rng).pixels
    to_capture = from_flat(view)
    laid = cv2.warpPerspective(card, to_capture, view.size, flags=kernel, borderMode=cv2.BORDER_REPLICATE)
    laid = cv2.resize(laid, table.shape[1::-1], interpolation=cv2.INTER_AREA)
    cover = cv2.resize(outline(blank, view), table.shape[1::-1], interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(cover, (0, 0), draws.uniform(*_FEATHER_PX))[..., None]
    mixed = table * (1 - soft) + laid * soft + rng.normal(0, draws.uniform(*_PASTED_NOISE), table.shape)
    return Shot(mixed.clip(0, 255).astype(np.uint8), view.corners)


def _rendered(setting: Setting, name: str, design: Design) -> Shot:
    material = rendered_card(setting, setting.views[name], design)
    return setting.session.photograph(name, material, setting.draws.spawn().rng)


def rendered_card(setting: Setting, view: View, design: Design) -> Material:
    """Returns a card whose print is the photograph, with a second portrait, foils and gloss made anew for one view."""
    card = setting.card
    flat = parts.remade(parts.without_rainbow(design.flat, view.document), view, design.face)
    albedo = coded(linear(flat) / np.float32(_exposure(design)))
    foils = tuple(replace(card.foil(r), opacity=0.0) for r in view.document.regions if r.kind == "diffractive")
    made = Make()
    return Material(albedo, card_outline(view.document), foils, (Coat(made.gloss, made.roughness),))


def _exposure(design: Design) -> float:
    """Light of the photograph's brightest print, as a share of white paper's."""
    return float(np.clip(np.percentile(linear(design.photo.flat)[..., 1], 97) / 0.80, 0.3, 1.2))


def _blank(view: View) -> Material:
    """A plain grey card in the place of the picture."""
    shape = card_outline(view.document)
    flat: RGBImage = np.full((*shape.shape, 3), 128, dtype=np.uint8)
    return Material(flat, shape)
