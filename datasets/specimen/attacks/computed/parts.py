"""The parts of a straightened photograph that a program changes: what moves with the angle, faces, and a year."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen import artwork, light
from idproof.datasets.specimen.artwork import SCALE
from idproof.datasets.specimen.card import Make, engrave
from idproof.datasets.specimen.lettering import MARGIN_MM
from idproof.datasets.specimen.light import Room
from idproof.datasets.specimen.material import coded, linear
from idproof.datasets.specimen.prints import print_of
from idproof.datasets.specimen.view import View
from idproof.models.types import RGBImage
from idproof.pipeline.documents import Box, DocumentType, Region

# Chosen by hand; no outside source, but for the look of engraving, which is that of `specimen.card`.
_FURTHEST_DEG = 40.0  # beyond, the lenses of a second portrait show their neighbours' strips
_FEATHER_PX = 1.5
_FOIL_SPREAD = 0.14
_SOFT_MM = 0.5  # detail coarser than this is taken for the rainbow that the photograph happened to show
_LIGHTER = 0.82  # share of a portrait's ground that is printed white
_GLYPH_PX = 8.0  # blur that gives the paper around a glyph
_DATES = ("date_of_birth", "first_registration", "issue_date")
"""Fields whose digits have one height."""


@dataclass(frozen=True)
class Glyph:
    """A digit's place: the field, and its position in the field's text."""

    field: str
    place: int


def second_portrait_region(document: DocumentType) -> Region | None:
    """The type's second portrait that moves, or None."""
    return next((r for r in document.regions if r.kind == "second_portrait" and r.picture is not None), None)


def slid(flat: RGBImage, source: View, view: View, continues: bool = False) -> RGBImage:
    """The second portrait of the view `source`, moved to where a view shows it.

    Where it was the print is inpainted, or with `continues` a mirror image of the print beside it.
    """
    region = second_portrait_region(view.document)
    if region is None:
        return flat
    area, old, new = _cut(flat, region.box), _seen(region, source), _seen(region, view)
    uncovered = np.asarray(_strip(region, old) & ~_strip(region, new), dtype=np.uint8)
    plate = _mirrored(area, uncovered) if continues else cv2.inpaint(area, uncovered, 3.0, cv2.INPAINT_TELEA)
    move = np.array([[1, 0, (new.x - old.x) * SCALE], [0, 1, 0]])
    moved = cv2.warpAffine(area, move, area.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    weight = cv2.GaussianBlur(_strip(region, new).astype(np.float32), (0, 0), _FEATHER_PX)[..., None]
    return _placed(flat, region.box, plate * (1 - weight) + moved * weight)


def _mirrored(area: RGBImage, uncovered: NDArray[np.uint8]) -> RGBImage:
    """An area whose uncovered columns, all on one side, show the print on their outer side again, mirrored."""
    columns = np.flatnonzero(uncovered.any(axis=0))
    if not columns.size:
        return area
    first, end, count = int(columns[0]), int(columns[-1]) + 1, int(np.ptp(columns)) + 1
    if first < area.shape[1] - end:
        beside = np.pad(area[:, :first], ((0, 0), (0, count), (0, 0)), mode="symmetric")[:, first:]
    else:
        beside = np.pad(area[:, end:], ((0, 0), (count, 0), (0, 0)), mode="symmetric")[:, :count]
    filled = area.copy()
    filled[:, first:end] = np.where(uncovered[:, first:end, None] > 0, beside, area[:, first:end])
    return filled


def remade(flat: RGBImage, view: View, face: RGBImage | None) -> RGBImage:
    """A second portrait engraved anew as a view shows it: of a face, or, with None, of the card's own main portrait."""
    region = second_portrait_region(view.document)
    if region is None:
        return flat
    turn, place = _turn(region, view), _seen(region, view)
    strength = float(0.62 + 0.15 * np.sin(np.radians(turn * 3)))
    area = _cut(flat, region.box)
    bright = np.percentile(area.reshape(-1, 3), 99, axis=0)
    picture = _placed(flat, region.box, _emptied(area))
    if face is not None:
        engrave(picture, place, face, strength, within=region.box)
        return picture
    main, inner = _cut(flat, view.document.portrait), region.picture or region.box
    paper = float(np.percentile(main, 99.5))
    ink = 1 - (cv2.cvtColor(main, cv2.COLOR_RGB2GRAY).astype(np.float32) / paper).clip(0, 1)
    ratio = inner.height / view.document.portrait.height
    small = cv2.resize(ink, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    off = max(0, round((small.shape[1] - inner.width * SCALE) / 2))
    cropped = small[: round(inner.height * SCALE), off : off + round(inner.width * SCALE)]
    move = np.array([[1, 0, (place.x - region.box.x) * SCALE], [0, 1, (place.y - region.box.y) * SCALE]])
    drawn = cv2.warpAffine(cropped, move, _cut(flat, region.box).shape[1::-1], flags=cv2.INTER_LINEAR)
    covered = cv2.GaussianBlur(_strip(region, place).astype(np.float32), (0, 0), _FEATHER_PX)[..., None]
    ground = _cut(picture, region.box) * (1 - covered * _LIGHTER) + bright * covered * _LIGHTER
    return _placed(picture, region.box, ground * (1 - drawn[..., None] * strength))


def with_face(flat: RGBImage, document: DocumentType, face: RGBImage) -> RGBImage:
    """The main portrait emptied and another face engraved in its place."""
    picture = _placed(flat, document.portrait, _emptied(_cut(flat, document.portrait)))
    engrave(picture, document.portrait, face, strength=1.0)
    return picture


def recoloured(flat: RGBImage, view: View, room: Room) -> RGBImage:
    """Every zone of the holograms in the colour that its published grating shows in a view under invented lamps."""
    lamps, picture = view.lit_by(room), flat.copy()
    for region, mask, grating in _zones(view.document):
        left, top, right, bottom = region.box.pixels(SCALE)
        area = linear(picture[top:bottom, left:right])
        points = np.array([*_middle(region.box), 0.0]).reshape(1, 1, 3)
        sent = light.diffraction(lamps, points, view.viewer, grating[0], grating[1], _FOIL_SPREAD)
        ground = np.percentile(area.mean(axis=2), 25)
        wanted = ground * (1 + Make().foil_strength * sent[0, 0] / light.irradiance(lamps, points)[0, 0])
        seen = area[mask].mean(axis=0)
        soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _FEATHER_PX)[..., None]
        gained = area * (wanted / np.maximum(seen, 0.02))
        picture[top:bottom, left:right] = coded(area * (1 - soft) + gained.astype(np.float32) * soft)
    return picture


def without_rainbow(flat: RGBImage, document: DocumentType) -> RGBImage:
    """A flat picture with each zone of its holograms brought to the mean colour of all: the print without its foil."""
    picture = flat.copy()
    for region, mask, _ in _zones(document):
        left, top, right, bottom = region.box.pixels(SCALE)
        area = picture[top:bottom, left:right].astype(np.float32)
        mean = area.mean(axis=(0, 1))
        weight = mask.astype(np.float32)
        near = cv2.GaussianBlur(weight, (0, 0), _SOFT_MM * SCALE)[..., None]
        smooth = cv2.GaussianBlur(area * weight[..., None], (0, 0), _SOFT_MM * SCALE) / np.maximum(near, 1e-3)
        area[mask] = (area - smooth + mean)[mask]
        picture[top:bottom, left:right] = area.clip(0, 255).astype(np.uint8)
    return picture


def with_glyph(flat: RGBImage, document: DocumentType, fields: Mapping[str, str], to: Glyph, source: Glyph) -> RGBImage:
    """One digit of a date replaced by a copy of another digit of the same card."""
    picture = flat.copy()
    target, other = (glyph_box(document, fields, glyph) for glyph in (to, source))
    ink = _cut(flat, other).astype(np.float32)
    paper = cv2.GaussianBlur(cv2.dilate(ink, np.ones((9, 9), np.uint8)), (0, 0), _GLYPH_PX)
    emptied = _emptied_of_ink(_cut(flat, target))
    share = cv2.resize(ink / np.maximum(paper, 1), emptied.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return _placed(picture, target, emptied * np.minimum(share, 1.0))


def digits(fields: Mapping[str, str]) -> list[tuple[Glyph, str]]:
    """The digits of the card's dates that are present, with their places."""
    return [
        (Glyph(name, place), character)
        for name in _DATES
        for place, character in enumerate(fields.get(name, ""))
        if character.isdigit()
    ]


def glyph_box(document: DocumentType, fields: Mapping[str, str], glyph: Glyph) -> Box:
    """Returns the box of one digit, from the type's letters and its place in the text."""
    box, printed = document.field(glyph.field).box, print_of(document).of(glyph.field)
    letters = artwork.font(printed.serif, printed.height_mm)
    start = letters.getlength(fields[glyph.field][: glyph.place]) / SCALE
    width = letters.getlength(fields[glyph.field][glyph.place]) / SCALE
    return Box(box.x + MARGIN_MM + start, box.y, width, box.height)


def _zones(document: DocumentType) -> list[tuple[Region, NDArray[np.bool_], tuple[float, float]]]:
    """Each zone: its region, place in the region's box at `SCALE`, and grating."""
    found = []
    for region in document.regions:
        if region.kind == "diffractive":
            left, top, right, bottom = region.box.pixels(SCALE)
            numbers = cv2.resize(
                artwork.hologram(document, region, SCALE), (right - left, bottom - top), interpolation=cv2.INTER_NEAREST
            )
            for number, grating in enumerate(print_of(document).holograms[region.name].gratings, start=1):
                found.append((region, np.asarray(numbers == number), grating))
    return found


def _turn(region: Region, view: View) -> float:
    place = region.picture or region.box
    return float(np.clip(view.turn_at(*_middle(place)), -_FURTHEST_DEG, _FURTHEST_DEG))


def _seen(region: Region, view: View) -> Box:
    place = region.picture or region.box
    return replace(place, x=place.x + region.slide_mm_per_deg * _turn(region, view))


def _middle(box: Box) -> tuple[float, float]:
    return box.x + box.width / 2, box.y + box.height / 2


def _strip(region: Region, place: Box) -> NDArray[np.bool_]:
    """Pixels of the region's box that a picture at this place covers."""
    left, top, right, bottom = region.box.pixels(SCALE)
    inner = place.pixels(SCALE)
    mask = np.zeros((bottom - top, right - left), dtype=np.bool_)
    mask[inner[1] - top : inner[3] - top, max(0, inner[0] - left) : max(0, inner[2] - left)] = True
    return mask


def _cut(flat: RGBImage, box: Box) -> RGBImage:
    left, top, right, bottom = box.pixels(SCALE)
    return flat[top:bottom, left:right]


def _placed(flat: RGBImage, box: Box, area: NDArray[np.floating] | RGBImage) -> RGBImage:
    picture = flat.copy()
    left, top, right, bottom = box.pixels(SCALE)
    picture[top:bottom, left:right] = (np.asarray(area, dtype=np.float32) + 0.5).clip(0, 255).astype(np.uint8)
    return picture


def _emptied(area: RGBImage) -> RGBImage:
    """A box without what stands in it: the colours of its left and right edge, blended."""
    edge = 6
    left = cv2.GaussianBlur(area[:, :edge].mean(axis=1, keepdims=True), (0, 0), 6.0)
    right = cv2.GaussianBlur(area[:, -edge:].mean(axis=1, keepdims=True), (0, 0), 6.0)
    share = np.linspace(0, 1, area.shape[1])[None, :, None]
    return np.asarray(left.reshape(-1, 1, 3) * (1 - share) + right.reshape(-1, 1, 3) * share, dtype=np.uint8)


def _emptied_of_ink(area: RGBImage) -> RGBImage:
    """Paper in the place of dark strokes, inpainted from around them."""
    grey = cv2.cvtColor(area, cv2.COLOR_RGB2GRAY)
    dark = cv2.dilate((grey < np.percentile(grey, 80) - 25).astype(np.uint8), np.ones((7, 7), np.uint8))
    return np.asarray(cv2.inpaint(area, dark, 3.0, cv2.INPAINT_TELEA), dtype=np.uint8)
