"""Light layers of one capture, and how the print, the gratings and the skin are put into them at full resolution."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.artwork import SCALE
from idproof.datasets.specimen.formations.protocol import Surround
from idproof.datasets.specimen.formations.traced import glare, gratings, skin, tabletops, tracer
from idproof.datasets.specimen.formations.traced.hand import Hand
from idproof.datasets.specimen.formations.traced.resampling import cleaned, continued, enlarged, eroded
from idproof.datasets.specimen.formations.traced.rooms import Panel, Room
from idproof.datasets.specimen.formations.traced.surface import PX_PER_MM, Surface
from idproof.datasets.specimen.light import Lamp
from idproof.datasets.specimen.material import Coat, Foil, Material, linear
from idproof.datasets.specimen.projected_pattern import AddedLight
from idproof.datasets.specimen.projection import warp
from idproof.datasets.specimen.view import View

Layer = NDArray[np.float32]
_WIDTH = 256  # pixels of the traced picture
_SAMPLES, _SAMPLES_MIRRORED = 24, 24
_WHITE = 0.8  # albedo of the tracer's white card
_USUAL_COAT = 0.055  # the reflectance that `Coat` gives a card's laminate on average
_FOIL_PX_PER_MM = 10.0
_MOST_DIFFRACTED = 0.22  # in the first order: all orders together then carry 0.6 of the light, a good metal foil
_THICK_MM = 0.76  # ISO/IEC 7810, ID-1


@dataclass(frozen=True)
class Place:
    """A card in a room.

    Attributes:
        view: in the size that is wanted.
        room: around it.
        to_camera: (3, 3), turns the room's frame into the camera's.
        table: linear albedo of the table top, or None.
        hand: that holds the card, or None.
        aperture_mm: of the lens.
        clothes: albedo of the one who takes the picture.
    """

    view: View
    room: Room
    to_camera: NDArray[np.float64]
    table: Layer | None
    hand: Hand | None
    aperture_mm: float
    clothes: tuple[float, float, float]


@dataclass(frozen=True)
class Tracing:
    """Light layers of one capture, relative to white paper on the card.

    Attributes:
        place: what was traced.
        around: (h, w, 3) of the traced picture: surroundings, continued behind card and hand.
        falling: (h, w, 3), irradiance on the card's plane, continued around it.
        mirrored: roughness to what the laminate mirrors, (height, width, 3) of the wanted size.
        fingers: the hand as it covers the capture, or None.
        level: irradiance on the card before the layers were divided by it.
    """

    place: Place
    around: Layer = field(repr=False)
    falling: Layer = field(repr=False)
    mirrored: dict[float, Layer] = field(repr=False)
    fingers: tuple[Layer, Layer] | None = field(repr=False)
    level: float

    def illuminant(self) -> NDArray[np.float64]:
        """Returns the colour (3,) of the light on the card."""
        return np.asarray(self.falling.mean(axis=(0, 1)), dtype=np.float64)


def require() -> None:
    """Raises `InvalidSpecimen` where the tracer is not installed."""
    tracer.require()


def room_frame(view: View, *, held: bool, yaw: float, pitch: float, sway: tuple[float, float]) -> NDArray[np.float64]:
    """Returns (3, 3): the room's frame to the camera's.

    A card that lies takes the room along when the camera goes around it; one that is held turns in the room.
    """
    around = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    if not held:
        flat = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])  # down is into the table
        return np.asarray(view.rotation @ flat @ around)
    down = pitch + sway[0]
    tilted = np.array([[1, 0, 0], [0, np.cos(down), -np.sin(down)], [0, np.sin(down), np.cos(down)]])
    side = sway[1]
    turned = np.array([[np.cos(side), 0, np.sin(side)], [0, 1, 0], [-np.sin(side), 0, np.cos(side)]])
    return np.asarray(turned @ tilted @ around)


def glaring(view: View, room: Room, to_camera: NDArray[np.float64]) -> float:
    """Returns the share of the card that mirrors a lamp of the room into the camera."""
    return glare.share(_in_card_frame(room.lights, to_camera, view), view)


def trace(place: Place, surface: Surface, roughness: tuple[float, ...], seed: int) -> Tracing:
    """Traces one capture's layers."""
    view, small = place.view, place.view.resized(_WIDTH)
    document = view.document
    mesh = None if place.hand is None else place.hand.mesh(document)
    tone = (0.3, 0.2, 0.15) if place.hand is None else place.hand.skin
    table = None if place.table is None else place.table.reshape(-1, 3).mean(axis=0).astype(np.float64)
    stage = tracer.Stage(small, place.room, place.to_camera, table, mesh, tone, place.aperture_mm, place.clothes, seed)
    radiance, what = tracer.traced(stage, _SAMPLES)
    card = eroded(what == tracer.CARD)
    falling = continued(radiance / np.float32(_WHITE), card, 1.6)
    level = max(float(falling[card].mean()) if card.any() else float(falling.mean()), 1e-6)
    # Single bright paths of the tracer are cut off, as denoisers do.
    limited = np.minimum(radiance, np.float32(12 * level))
    wanted = tracer.TABLE if place.table is not None else tracer.NOTHING
    there = eroded(what == wanted)
    if table is None:
        around = continued(cleaned(limited, level), there, 0.8)
    else:
        around = continued(limited, there, 2.2) / table.astype(np.float32)
    mirrored = {
        rough: _enlarged_mirror(
            tracer.mirrored(stage, rough, surface.heights(document), _SAMPLES_MIRRORED), small, view
        )
        / np.float32(level)
        for rough in roughness
    }
    fingers = None
    if place.hand is not None:
        fingers = skin.covered(place.view, place.hand, stage, limited, what, level)
    return Tracing(place, around / np.float32(level), falling / np.float32(level), mirrored, fingers, level)


def composed(
    tracing: Tracing,
    view: View,
    material: Material,
    surface: Surface,
    lamps: Sequence[Lamp],
    pattern: AddedLight | None,
    surround: Surround | None,
) -> Layer:
    """Returns the light (height, width, 3) of a capture: card, surroundings and hand together."""
    place = tracing.place
    falling = enlarged(tracing.falling, view) + _from_lamps(lamps, view)
    if pattern is not None:
        falling = falling + warp(pattern.on(view.document), view)
    around = _surroundings(tracing, view)
    around = _with_rim(around, view, falling) if surround is None else surround(around, view)
    lights = _in_card_frame(place.room.lights, place.to_camera, view)
    printed, sent = _printed(material, lights, view, surface, tracing.level)
    card = warp(printed, view) * falling + warp(sent, view)
    card += _laminate(tracing, material.coats, view, surface, falling, lamps)
    if material.emission is not None:
        card += material.emission(view)
    cover = warp(material.outline, view)[..., None]
    radiance = around * (1 - cover) + card * cover
    if tracing.fingers is not None:
        weight, flesh = tracing.fingers
        radiance = radiance * (1 - weight[..., None]) + flesh * weight[..., None]
    return np.asarray(radiance, dtype=np.float32).clip(0)


def flat(
    material: Material, view: View, lights: Sequence[Panel], to_camera: NDArray[np.float64], surface: Surface
) -> Layer:
    """Returns the reflectance (h, w, 3) at `SCALE` of a card in even light and under lamps."""
    placed = _in_card_frame(lights, to_camera, view)
    middle = np.array([[view.document.width_mm / 2, view.document.height_mm / 2, 0.0]])
    direct = sum(
        float(radiance.mean()) * _angle(middle[0], cell, normal, area)
        for cell, normal, area, radiance in gratings.cells(placed)
    )
    printed, sent = _printed(material, placed, view, surface, max(direct / np.pi * 2, 1e-6))
    return printed + sent


def _angle(point: NDArray[np.float64], cell: NDArray[np.float64], normal: NDArray[np.float64], area: float) -> float:
    """Returns the projected solid angle of a lamp's cell at a point of the card."""
    away = cell - point
    distance = float(np.linalg.norm(away))
    towards = away / distance
    return max(-float(towards[2]), 0.0) * abs(float(towards @ normal)) * area / distance**2


def _printed(
    material: Material, lights: Sequence[Panel], view: View, surface: Surface, level: float
) -> tuple[Layer, Layer]:
    """Returns at `SCALE`: the reflectance (h, w, 3), and light of gratings (h, w, 3) relative to white paper."""
    reflected = linear(material.albedo).copy()
    sent = np.zeros_like(reflected)
    for foil in material.foils:
        left, top, right, bottom = foil.box.pixels(SCALE)
        right, bottom = min(right, reflected.shape[1]), min(bottom, reflected.shape[0])
        zones = foil.zones[: bottom - top, : right - left]
        there = cv2.GaussianBlur((zones > 0).astype(np.float32), (0, 0), 0.8)[..., None]
        hidden = there * np.float32(foil.opacity * surface.hiding)
        area = reflected[top:bottom, left:right]
        area[:] = area * (1 - hidden) + hidden * np.float32(0.4 * foil.metal)
        sent[top:bottom, left:right] += _foil(foil, zones, (left, top), lights, view, surface) / np.float32(level)
    return reflected, sent


def _foil(
    foil: Foil,
    zones: NDArray[np.uint8],
    corner: tuple[int, int],
    lights: Sequence[Panel],
    view: View,
    surface: Surface,
) -> Layer:
    """Returns the light (h, w, 3) that a foil's gratings send to the viewer, at `SCALE`."""
    shape = tuple(max(2, round(side / SCALE * _FOIL_PX_PER_MM)) for side in zones.shape)
    x = corner[0] / SCALE + (np.arange(shape[1]) + 0.5) * zones.shape[1] / SCALE / shape[1]
    y = corner[1] / SCALE + (np.arange(shape[0]) + 0.5) * zones.shape[0] / SCALE / shape[0]
    x, y = np.meshgrid(x, y)
    points = np.stack([x, y, np.zeros_like(x)], axis=-1)
    slopes = surface.tilts(view.document)
    half = np.float32(PX_PER_MM / 2)
    tilts = cv2.remap(
        slopes,
        x.astype(np.float32) * half,
        y.astype(np.float32) * half,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    coarse = cv2.resize(zones, shape[::-1], interpolation=cv2.INTER_NEAREST)
    total = np.zeros((*zones.shape, 3), dtype=np.float32)
    for number, grating in enumerate(foil.gratings, start=1):
        near = cv2.dilate((coarse == number).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        if not near.any():
            continue
        light = np.zeros((*shape, 3), dtype=np.float32)
        light[near] = gratings.diffracted(lights, points[near], view.viewer, grating, tilts[near], foil.spread)
        edge = cv2.GaussianBlur((zones == number).astype(np.float32), (0, 0), 0.8)[..., None]
        total += cv2.resize(light, zones.shape[1::-1], interpolation=cv2.INTER_LINEAR) * edge
    written = surface.written(zones.shape, SCALE)[..., None]
    return np.asarray(
        total * written * np.float32(min(foil.strength * surface.foil, _MOST_DIFFRACTED)), dtype=np.float32
    )


def _laminate(
    tracing: Tracing, coats: Sequence[Coat], view: View, surface: Surface, falling: Layer, lamps: Sequence[Lamp]
) -> Layer:
    """Returns what the coats mirror and scatter, (height, width, 3)."""
    total = np.zeros_like(falling)
    if not coats:
        return total
    document = view.document
    scratches = _warped_map(surface.worn(document), view)[..., None]
    grease = _warped_map(surface.greased(document), view)[..., None]
    for coat in coats:
        light = tracing.mirrored[round(coat.roughness, 2)] + _lobes(lamps, view, coat.roughness)
        broad = cv2.resize(light, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
        broad = cv2.GaussianBlur(broad, (0, 0), 0.8 * view.px_per_mm)
        broad = cv2.resize(broad, view.size, interpolation=cv2.INTER_LINEAR)
        light = light + (broad - light) * np.float32(0.7) * grease + 0.012 * grease * falling
        light = light * (1 - 0.5 * scratches) + 0.05 * scratches * falling
        light = light * np.float32(coat.reflectance / _USUAL_COAT)
        total += light if coat.mask is None else light * warp(coat.mask, view)[..., None]
    return np.asarray(total + falling * np.float32(surface.haze), dtype=np.float32)


def _surroundings(tracing: Tracing, view: View) -> Layer:
    """Returns the surroundings (height, width, 3), the table with its top at full resolution."""
    around, table = enlarged(tracing.around, view), tracing.place.table
    if table is None:
        return around
    scale = tabletops.PX_PER_MM
    height, width = table.shape[:2]
    offset = np.array(
        [view.document.width_mm / 2 - width / scale / 2, view.document.height_mm / 2 - height / scale / 2]
    )
    from_flat = _plane(view, _THICK_MM) @ np.array([[1 / scale, 0, offset[0]], [0, 1 / scale, offset[1]], [0, 0, 1]])
    ratio = scale / view.px_per_mm
    soft = cv2.GaussianBlur(table, (0, 0), 0.4 * ratio) if ratio > 0.8 else table
    top = cv2.warpPerspective(soft, from_flat, view.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(around * top, dtype=np.float32)


def _with_rim(around: Layer, view: View, falling: Layer) -> Layer:
    """Returns the surroundings with the card's edge, in three slices of its thickness."""
    shape = warp(_outline(view), view)
    for depth in (_THICK_MM, 0.5, 0.25):
        move = _plane(view, depth) @ np.linalg.inv(view.homography)
        slice_ = cv2.warpPerspective(shape, move, view.size)[..., None]
        around = around + (falling * np.float32(0.72 - 0.35 * depth) - around) * slice_
    return np.asarray(around, dtype=np.float32)


def _outline(view: View) -> Layer:
    document = view.document
    width, height = round(document.width_mm * SCALE), round(document.height_mm * SCALE)
    reach = document.corner_radius_mm
    y, x = (np.mgrid[0:height, 0:width] + 0.5) / SCALE
    dx = np.maximum(np.maximum(reach - x, x - (document.width_mm - reach)), 0)
    dy = np.maximum(np.maximum(reach - y, y - (document.height_mm - reach)), 0)
    return np.asarray(((reach - np.hypot(dx, dy)) * SCALE + 0.5).clip(0, 1), dtype=np.float32)


def _plane(view: View, depth_mm: float) -> NDArray[np.float64]:
    """(3, 3): millimetres on a plane so far behind the card's front to pixels."""
    offset = view.translation + view.rotation[:, 2] * depth_mm
    plane = view.lens.matrix_in(view.size) @ np.column_stack([view.rotation[:, :2], offset])
    return np.asarray(plane / plane[2, 2])


def _in_card_frame(lights: Sequence[Panel], to_camera: NDArray[np.float64], view: View) -> list[Panel]:
    """Returns the lamps with millimetres from the card's upper left corner, in the card's frame."""
    turned = view.rotation.T @ to_camera
    middle = np.array([view.document.width_mm / 2, view.document.height_mm / 2, 0.0])
    return [
        Panel(turned @ light.middle + middle, turned @ light.across, turned @ light.down, light.radiance)
        for light in lights
    ]


def _from_lamps(lamps: Sequence[Lamp], view: View) -> Layer | float:
    """Returns the irradiance (height, width, 3) of lamps that an attacker brings."""
    if not lamps:
        return 0.0
    coarse = view.on_card(16)
    points = np.concatenate([coarse, np.zeros((*coarse.shape[:2], 1))], axis=-1)
    middle = np.array([view.document.width_mm / 2, view.document.height_mm / 2, 0.0])
    total = np.zeros(points.shape)
    for lamp in lamps:
        place = view.rotation.T @ (lamp.position - view.translation)
        away = place - points
        distance = np.linalg.norm(away, axis=-1)
        cosine = (-away[..., 2] / distance).clip(0)
        near = np.square(np.linalg.norm(place - middle) / distance)
        total += (cosine * near)[..., None] * lamp.colour
    return enlarged(total.astype(np.float32), view)


def _lobes(lamps: Sequence[Lamp], view: View, roughness: float) -> Layer | float:
    """Returns what the laminate mirrors of lamps that an attacker brings, (height, width, 3)."""
    if not lamps:
        return 0.0
    coarse = view.on_card(8)
    points = np.concatenate([coarse, np.zeros((*coarse.shape[:2], 1))], axis=-1)
    to_viewer = view.viewer - points
    to_viewer /= np.linalg.norm(to_viewer, axis=-1, keepdims=True)
    total = np.zeros(points.shape)
    for lamp in lamps:
        place = view.rotation.T @ (lamp.position - view.translation)
        to_lamp = place - points
        to_lamp /= np.linalg.norm(to_lamp, axis=-1, keepdims=True)
        half = to_lamp + to_viewer
        half /= np.linalg.norm(half, axis=-1, keepdims=True)
        slope = np.arccos((-half[..., 2]).clip(-1, 1))
        width = np.hypot(roughness, lamp.radius / 2)
        # A lobe of slopes, normalised over the hemisphere; 0.04 is the laminate's Fresnel reflectance.
        total += (0.04 * np.exp(-0.5 * np.square(slope / width)) / (8 * np.square(width)))[..., None] * lamp.colour
    return enlarged(total.astype(np.float32), view)


def _warped_map(flat_map: Layer, view: View) -> Layer:
    step = 1 / PX_PER_MM
    move = view.homography @ np.array([[step, 0, step / 2], [0, step, step / 2], [0, 0, 1]])
    return np.asarray(cv2.warpPerspective(flat_map, move, view.size, flags=cv2.INTER_LINEAR), dtype=np.float32)


def _enlarged_mirror(found: tuple[Layer, tuple[int, int]], small: View, view: View) -> Layer:
    """Returns the mirrored light in the wanted size, smoothed by about one traced pixel."""
    light, (left, top) = found
    light = np.minimum(light, np.float32(np.quantile(light, 0.999)))
    whole = np.zeros((small.size[1], small.size[0], 3), np.float32)
    there = np.zeros(whole.shape[:2], bool)
    whole[top : top + light.shape[0], left : left + light.shape[1]] = light
    card = eroded(warp(_outline(small), small) > 0.98)
    there[top : top + light.shape[0], left : left + light.shape[1]] = True
    return enlarged(continued(whole, card & there, 0.9), view)
