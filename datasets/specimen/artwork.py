"""The flat artwork of a specimen card: invented, and nothing else.

SPECIMEN 樣本 stands across every type, the emblems are invented, the ornaments are drawn at random. There is no
official emblem and no real security design here: it is test data, never a recipe for a card. The static print is the
same in every artwork of a type (the verification finds the card by it) and comes from the type's print file; the
background's colours and waves come from a seed.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from idproof.datasets.specimen.prints import Points, Print, Text, print_of
from idproof.models.types import RGBImage
from idproof.pipeline.documents import Box, DocumentType, Region
from idproof.pipeline.errors import InvalidSpecimen

SCALE = 20.0
"""Pixels a millimetre at which cards are drawn."""

_INK = (44, 62, 92)
_RED = (176, 58, 64)
_RING_MM, _SECTOR, _GAP_MM = 1.35, np.pi / 4, 0.2  # cells of the hologram's pattern
Coverage = NDArray[np.float32]


@dataclass(frozen=True)
class Artwork:
    """Flat layers of one artwork at `SCALE`.

    Attributes:
        background: RGB, the coloured ground.
        ink: (height, width, 4), colour of the static print and its coverage, 0..255.
    """

    background: RGBImage
    ink: NDArray[np.uint8]

    def flat(self) -> RGBImage:
        """Ground and static print."""
        return composite(self.background, self.ink)


def size(document: DocumentType) -> tuple[int, int]:
    """(width, height) in pixels at `SCALE`."""
    return round(document.width_mm * SCALE), round(document.height_mm * SCALE)


def font(serif: bool, height_mm: float) -> ImageFont.FreeTypeFont:
    """Noto Sans TC or Noto Serif TC (SIL Open Font License 1.1, from the package `pylopdf-fonts-zh-tw`)."""
    return _font(serif, round(height_mm * SCALE * 1.12))


@lru_cache(maxsize=64)
def _font(serif: bool, pixels: int) -> ImageFont.FreeTypeFont:
    name = "NotoSerifTC-Regular.otf" if serif else "NotoSansTC-Regular.otf"
    with as_file(files("pylopdf_fonts_zh_tw") / name) as path:
        return ImageFont.truetype(str(path), pixels)


def plain_font(height_mm: float) -> ImageFont.FreeTypeFont:
    """Aileron (CC0), Latin alone, which comes with Pillow; its capitals as high as those of `font`."""
    found = ImageFont.load_default(round(height_mm * SCALE * 1.12))
    if not isinstance(found, ImageFont.FreeTypeFont):
        raise InvalidSpecimen("This Pillow was built without FreeType: specimens' letters cannot be drawn.")
    return found


def composite(ground: RGBImage, ink: NDArray[np.uint8]) -> RGBImage:
    """Ink over ground by its coverage."""
    picture = Image.fromarray(ground)
    picture.paste(Image.fromarray(ink[..., :3]), mask=Image.fromarray(ink[..., 3]))
    return np.array(picture)


@lru_cache(maxsize=8)
def draw(document: DocumentType, seed: int) -> Artwork:
    """The artwork of a seed."""
    return Artwork(_background(size(document), seed), static_print(document))


@lru_cache(maxsize=4)
def static_print(document: DocumentType) -> NDArray[np.uint8]:
    """Colour and coverage of what every artwork shares, (height, width, 4)."""
    wanted = print_of(document)
    layer = Image.new("RGBA", size(document), (*_INK, 0))
    _watermark(layer)
    pen = ImageDraw.Draw(layer)
    _border(pen, document, wanted.ornament_seed)
    _vignettes(pen, wanted)
    for shape in wanted.emblem:
        pen.polygon(_px(shape), fill=(*_INK, 225))
    if wanted.emblem_line:
        pen.line(_px(wanted.emblem_line), fill=(*_INK, 225), width=5)
    for line in wanted.texts:
        _text(pen, line)
    _frame(pen, document.portrait)
    for region in document.regions:
        _frame(pen, region.box)
    return np.array(layer)


def template(document: DocumentType) -> NDArray[np.uint8]:
    """The static print alone as grey on a light ground, in the document type's canonical frame."""
    ink = static_print(document)
    ground = np.full((*ink.shape[:2], 3), 225, dtype=np.uint8)
    grey = Image.fromarray(composite(ground, ink)).convert("L")
    return np.array(grey.resize(document.size_px, Image.Resampling.LANCZOS))


@lru_cache(maxsize=8)
def hologram(document: DocumentType, region: Region, scale: float) -> NDArray[np.uint8]:
    """The specimens' invented pattern in a diffractive region: waves around a middle, cut into cells.

    Returns:
        (h, w) at `scale` pixels a millimetre: 0 between the cells, else the number of the cell's grating from 1.
        Every grating comes back in many places, next to others each time.
    """
    wanted = print_of(document).holograms[region.name]
    left, top, right, bottom = region.box.pixels(scale)
    y, x = ((np.mgrid[0 : bottom - top, 0 : right - left] + 0.5) / scale).astype(np.float64)
    x, y = x - region.box.width / 2, y - region.box.height / 2
    ring, sector = (np.hypot(x, 0.7 * y) + 0.25 * np.sin(1.1 * y)) / _RING_MM, np.arctan2(y, x) / _SECTOR
    cell, part = np.floor(ring).astype(int), np.floor(sector + 0.5 * np.floor(ring)).astype(int)
    dealt = np.random.default_rng(wanted.seed).permutation(64)
    number = (3 * dealt[cell % 64] + 5 * dealt[part % 64] + cell) % len(wanted.gratings) + 1
    within = sector + 0.5 * np.floor(ring) - part
    gap = _GAP_MM / _RING_MM
    seam = (ring - cell < gap) | (np.minimum(within, 1 - within) * _SECTOR * ring * _RING_MM < _GAP_MM / 2)
    return np.where(seam, 0, number).astype(np.uint8)


def region_mask(document: DocumentType, box: Box) -> NDArray[np.uint8]:
    """255 inside a box, 0 elsewhere, at `SCALE`."""
    width, height = size(document)
    mask = np.zeros((height, width), dtype=np.uint8)
    left, top, right, bottom = box.pixels(SCALE)
    mask[top:bottom, left:right] = 255
    return mask


def _background(size_px: tuple[int, int], seed: int) -> RGBImage:
    """Two families of waves over a gradient between two light colours, hues from the seed."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))
    width, height = size_px
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / SCALE
    hue = rng.uniform(0, 1)
    left, right = _light(hue, rng.uniform(0.16, 0.3)), _light(hue + rng.uniform(0.2, 0.5), rng.uniform(0.16, 0.3))
    blend = (x / x.max() + 0.15 * np.sin(y / rng.uniform(6, 12)))[..., None].clip(0, 1)
    ground = left * (1 - blend) + right * blend
    for shift in (0.05, 0.55):
        line = _waves(x, y, rng)[..., None]
        ground = ground * (1 - 0.34 * line) + _light(hue + shift, 0.75) * 0.34 * line
    return np.asarray((ground * 255).clip(0, 255), dtype=np.uint8)


def _waves(x: Coverage, y: Coverage, rng: np.random.Generator) -> Coverage:
    phase = y * rng.uniform(3.5, 6.5)
    for _ in range(3):
        bend = np.sin(x * rng.uniform(0.1, 0.45) + y * rng.uniform(-0.2, 0.2) + rng.uniform(0, 6.3))
        phase = phase + rng.uniform(1.0, 4.0) * bend
    return np.asarray(np.clip(np.cos(phase) * 3 - 1.8, 0, 1), dtype=np.float32)


def _light(hue: float, saturation: float) -> NDArray[np.float32]:
    rainbow = 0.5 + 0.5 * np.cos(2 * np.pi * (hue + np.array([0, 1 / 3, 2 / 3])))
    return (1 - saturation * (1 - rainbow) * 1.1).astype(np.float32)


def _px(points: Points) -> list[tuple[float, float]]:
    return [(x * SCALE, y * SCALE) for x, y in points]


def _border(pen: ImageDraw.ImageDraw, document: DocumentType, seed: int) -> None:
    """A band of strokes that never repeats, and four different corners: anchors to register by."""
    rng = np.random.default_rng(seed)
    width, height = document.width_mm, document.height_mm
    centres = [(x, y) for y in (1.7, height - 1.7) for x in np.arange(5.0, width - 5.0, 1.9)]
    centres += [(x, y) for x in (1.7, width - 1.7) for y in np.arange(5.0, height - 5.0, 1.9)]
    for x, y in centres:
        _stroke(pen, x, y, rng)
    for i, (x, y) in enumerate([(3, 3), (width - 3, 3), (width - 3, height - 3), (3, height - 3)]):
        _corner(pen, x, y, i)


def _corner(pen: ImageDraw.ImageDraw, x: float, y: float, kind: int) -> None:
    r = 1.3
    box = [(x - r) * SCALE, (y - r) * SCALE, (x + r) * SCALE, (y + r) * SCALE]
    ink = (*_INK, 230)
    if kind == 0:
        pen.ellipse(box, outline=ink, width=7)
        pen.point((x * SCALE, y * SCALE), fill=ink)
    elif kind == 1:
        pen.rectangle(box, outline=ink, width=7)
        pen.line([box[0], box[1], box[2], box[3]], fill=ink, width=5)
    elif kind == 2:
        pen.regular_polygon((x * SCALE, y * SCALE, r * SCALE), 3, fill=ink)
    else:
        pen.regular_polygon((x * SCALE, y * SCALE, r * SCALE), 6, outline=ink, fill=None)
        pen.ellipse([(x - 0.4) * SCALE, (y - 0.4) * SCALE, (x + 0.4) * SCALE, (y + 0.4) * SCALE], fill=ink)


def _stroke(pen: ImageDraw.ImageDraw, x: float, y: float, rng: np.random.Generator) -> None:
    points = [tuple(p) for p in (np.array([x, y]) + rng.uniform(-0.85, 0.85, (4, 2))) * SCALE]
    if rng.uniform() < 0.3:
        pen.polygon(points[:3], fill=(*_INK, 200))
    else:
        pen.line(points, fill=(*_INK, 220), width=int(rng.integers(3, 7)))


def _vignettes(pen: ImageDraw.ImageDraw, wanted: Print) -> None:
    rng = np.random.default_rng([wanted.ornament_seed, 1])
    for box, strokes in wanted.vignettes:
        low, high = [box.x + 0.85, box.y + 0.85], [box.x + box.width - 0.85, box.y + box.height - 0.85]
        for x, y in rng.uniform(low, high, (strokes, 2)):
            _stroke(pen, x, y, rng)


def _watermark(layer: Image.Image) -> None:
    """SPECIMEN 樣本 from corner to corner, light enough for the fields to be read through it."""
    width, height = layer.size
    stamp = Image.new("RGBA", (width, height // 3), (*_RED, 0))
    letters = font(serif=False, height_mm=9.5)
    text = "SPECIMEN 樣本"
    across = letters.getlength(text)
    ImageDraw.Draw(stamp).text(((width - across) / 2, 30), text, font=letters, fill=(*_RED, 46))
    turned = stamp.rotate(24, expand=True, resample=Image.Resampling.BICUBIC)
    layer.alpha_composite(
        turned.crop(
            (
                (turned.width - width) // 2,
                (turned.height - height) // 2,
                (turned.width - width) // 2 + width,
                (turned.height - height) // 2 + height,
            )
        )
    )


def _frame(pen: ImageDraw.ImageDraw, box: Box) -> None:
    left, top, right, bottom = box.pixels(SCALE, pad_mm=0.25)
    pen.rectangle([left, top, right, bottom], outline=(*_INK, 120), width=2)


def _text(pen: ImageDraw.ImageDraw, line: Text) -> None:
    colour = (*_RED, 215) if line.red else (*_INK, 235)
    pen.text((line.x * SCALE, line.y * SCALE), line.text, font=font(line.serif, line.height_mm), fill=colour)
