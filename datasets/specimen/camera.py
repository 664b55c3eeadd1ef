"""Renders the picture of a phone's camera: light on a scene, lens, sensor, colour filter, development and JPEG.

Light is linear; see `light`. Each pixel of a capture is computed: the card's own colours through its exact
homography, the light on a coarse grid (it is smooth), and then the effects of a camera: vignetting,
blur, a Bayer mosaic with shot and read noise, demosaicing, white balance, a tone curve and sharpening.
"""

from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen import backgrounds, light
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations.protocol import Shot, Surround
from idproof.datasets.specimen.hand import Hand
from idproof.datasets.specimen.light import Room
from idproof.datasets.specimen.material import Material, linear
from idproof.datasets.specimen.projected_pattern import AddedLight
from idproof.datasets.specimen.projection import Radiance, outline, warp
from idproof.datasets.specimen.view import HEIGHT, WIDTH, Lens, View
from idproof.models.types import RGBImage

_STEP = 12  # pixels between points of the grid of light. Chosen by hand.
_SWAY_PX = 60  # largest movement of the hand between captures, to each side. Chosen by hand.
_SLOPE = 274.0  # grey levels a unit of linear light at mid grey, from the sRGB curve


@dataclass(frozen=True)
class Camera:
    """A camera, the same for all captures of a registration.

    The ranges that `draw` draws from were chosen by hand; no outside source.

    Attributes:
        lens: intrinsics.
        blur_px: standard deviation of the lens's blur.
        noise: standard deviation of the sensor's noise at mid grey, in grey levels.
        white: gain of red, green and blue left over by the white balance.
        quality: of the JPEG, 0..100.
        vignette: share of light lost in the corners.
        exposure: of white paper where the card is, 1 for just white.
        contrast: strength of the tone curve's S, 0..1.
        sharpen: strength of the unsharp mask.
    """

    lens: Lens
    blur_px: float
    noise: float
    white: tuple[float, float, float] = (1.0, 1.0, 1.0)
    quality: int = 92
    vignette: float = 0.0
    exposure: float = 0.85
    contrast: float = 0.0
    sharpen: float = 0.0

    @classmethod
    def draw(cls, draws: Draws) -> "Camera":
        """Draws the camera of a phone."""
        return cls(
            lens=Lens(WIDTH * draws.uniform(0.72, 1.1), (draws.uniform(-14, 14), draws.uniform(-10, 10))),
            blur_px=draws.uniform(0.45, 0.95),
            noise=draws.uniform(1.5, 4.5),
            white=(draws.uniform(0.94, 1.06), 1.0, draws.uniform(0.94, 1.06)),
            quality=round(draws.uniform(84, 96)),
            vignette=draws.uniform(0.05, 0.25),
            exposure=draws.uniform(0.70, 0.95),
            contrast=draws.uniform(0.0, 0.35),
            sharpen=draws.uniform(0.0, 0.6),
        )


@dataclass(frozen=True)
class Scene:
    """The surroundings of the card.

    Attributes:
        room: its light.
        background: picture behind the card, RGB.
        shadow: strength of the card's shadow on it, 0..1.
        hand: fingers over the card's edge, or None.
        motion_px: length and direction (radians) of the hand's movement while the picture was taken.
        pattern: light projected on the card as a pattern, or None.
    """

    room: Room
    background: RGBImage
    shadow: float
    hand: Hand | None
    motion_px: tuple[float, float]
    pattern: AddedLight | None = None

    def reduced(self, factor: float) -> Self:
        """Returns the scene for captures of another size, as a factor."""
        height, width = self.background.shape[:2]
        size = (round(width * factor), round(height * factor))
        background = cv2.resize(self.background, size, interpolation=cv2.INTER_AREA)
        length, direction = self.motion_px
        moved = (length * factor, direction)
        return replace(self, background=np.asarray(background, dtype=np.uint8), motion_px=moved)


def scene(draws: Draws, room: Room, background: RGBImage, skin: tuple[float, float, float]) -> Scene:
    """Returns the same room and table a moment later, seen from a moving hand."""
    top, left = draws.rng.integers(0, 2 * _SWAY_PX, 2)
    moved = background[top : top + HEIGHT, left : left + WIDTH]
    hand = Hand.draw(draws, skin) if draws.rng.uniform() < 0.3 else None
    motion = (abs(float(draws.rng.normal(0, 0.5))), float(draws.rng.uniform(0, np.pi)))
    return Scene(_swayed(room, draws), moved, draws.uniform(0.15, 0.5), hand, motion)


def table(draws: Draws) -> RGBImage:
    """Draws the surface under all captures of a registration, a little larger than a capture."""
    return backgrounds.draw(draws.rng, WIDTH + 2 * _SWAY_PX, HEIGHT + 2 * _SWAY_PX)


def photograph(
    material: Material,
    view: View,
    before: Scene,
    camera: Camera,
    rng: np.random.Generator,
    surround: Surround | None = None,
) -> Shot:
    """Renders a capture of a card in a scene, or on what `surround` draws around it."""
    radiance = radiance_of(material, view, before, surround)
    return Shot(develop(radiance, before, camera, rng), view.corners)


def radiance_of(material: Material, view: View, before: Scene, surround: Surround | None = None) -> Radiance:
    """Returns (height, width, 3): light that reaches the lens, relative to paper of albedo 1 under the whole room."""
    lamps = view.lit_by(before.room)
    on_card = view.on_card(_STEP)
    points = np.concatenate([on_card, np.zeros((*on_card.shape[:2], 1))], axis=-1)
    falling = _enlarged(light.irradiance(lamps, points), view.size)
    cover = outline(material, view)
    around = linear(before.background) * (1 - before.shadow * _shadow(cover))
    around *= falling
    if surround is not None:
        around = surround(around, view)
    on_it = falling if before.pattern is None else falling + warp(before.pattern.on(view.document), view)
    card = warp(material.reflectance(view, lamps), view) * on_it
    for coat in material.coats:
        glossy = light.gloss(lamps, points, view.viewer, coat.roughness)
        mirrored = _enlarged(glossy, view.size) * coat.reflectance
        card += mirrored if coat.mask is None else mirrored * warp(coat.mask, view)[..., None]
    if material.emission is not None:
        card += material.emission(view)
    radiance = around + (card - around) * cover[..., None]
    if before.hand is not None:
        radiance = before.hand.over(radiance, view, falling)
    return np.asarray(radiance, dtype=np.float32)


def develop(radiance: Radiance, before: Scene, camera: Camera, rng: np.random.Generator) -> RGBImage:
    """Turns light into a picture: 8 bits, sRGB."""
    illuminant = before.room.illuminant()
    falloff = _vignette(camera.vignette, radiance.shape[1::-1])
    exposed = radiance * np.float32(camera.exposure / illuminant[1]) * falloff[..., None]
    exposed = cv2.GaussianBlur(exposed, (0, 0), camera.blur_px)
    if before.motion_px[0] > 0.3:
        exposed = cv2.filter2D(exposed, -1, _streak(*before.motion_px))
    raw = _mosaic(exposed)
    spread = np.sqrt((0.8 * raw / 0.216 + 0.2).clip(0.05)) * np.float32(camera.noise / _SLOPE)
    raw += spread * rng.standard_normal(raw.shape, dtype=np.float32)
    counts = (raw.clip(0, 1) * 16383).astype(np.uint16)
    colour = cv2.cvtColor(counts, cv2.COLOR_BayerRGGB2RGB_EA).astype(np.float32) / 16383
    colour *= (np.array(camera.white) * illuminant[1] / illuminant).astype(np.float32)
    coded = toned(colour, camera.contrast)
    if camera.sharpen > 0:
        coded += camera.sharpen * (coded - cv2.GaussianBlur(coded, (0, 0), 1.0))
    return np.asarray((coded * 255 + 0.5).clip(0, 255), dtype=np.uint8)


def toned(colour: Radiance, contrast: float = 0.0) -> Radiance:
    """The sRGB curve over linear light, with an S of this strength on top; values 0..1."""
    positions = np.linspace(0, 1, 4097)
    curve = np.where(positions <= 0.0031308, 12.92 * positions, 1.055 * positions ** (1 / 2.4) - 0.055)
    curve = (1 - contrast) * curve + contrast * curve * curve * (3 - 2 * curve)
    places = (colour.clip(0, 1) * 4096).astype(np.uint16)
    return np.asarray(curve.astype(np.float32)[places])


def jpeg(pixels: RGBImage, quality: int) -> bytes:
    """Encoded with OpenCV's encoder, whose bytes depend on pixels and quality alone."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()


def _swayed(room: Room, draws: Draws) -> Room:
    """The camera is held by hand: from one capture to the next the room turns a little around it."""
    about_x, about_y = np.radians(draws.rng.normal(0, 2.5, 2))
    x = np.array([[1, 0, 0], [0, np.cos(about_x), -np.sin(about_x)], [0, np.sin(about_x), np.cos(about_x)]])
    y = np.array([[np.cos(about_y), 0, np.sin(about_y)], [0, 1, 0], [-np.sin(about_y), 0, np.cos(about_y)]])
    return replace(room, lamps=tuple(replace(lamp, position=x @ y @ lamp.position) for lamp in room.lamps))


def _mosaic(exposed: Radiance) -> Radiance:
    raw = np.empty(exposed.shape[:2], dtype=np.float32)
    raw[0::2, 0::2] = exposed[0::2, 0::2, 0]
    raw[0::2, 1::2] = exposed[0::2, 1::2, 1]
    raw[1::2, 0::2] = exposed[1::2, 0::2, 1]
    raw[1::2, 1::2] = exposed[1::2, 1::2, 2]
    return raw


def _enlarged(coarse: NDArray[np.float32], size: tuple[int, int]) -> Radiance:
    return np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _shadow(cover: Radiance) -> Radiance:
    height, width = cover.shape
    small = cv2.resize(cover, (width // 8, height // 8))
    soft = cv2.GaussianBlur(np.roll(small, (2, 1), axis=(0, 1)), (0, 0), 3.0)
    return _enlarged(soft, (width, height))[..., None]


def _vignette(strength: float, size: tuple[int, int]) -> Radiance:
    width, height = size
    y, x = np.mgrid[-1 : 1 : height // 8 * 1j, -1 : 1 : width // 8 * 1j]
    return _enlarged((1 - strength * (x * x + y * y) / 2).astype(np.float32), size)


def _streak(length: float, angle: float) -> Radiance:
    size = 7
    y, x = np.mgrid[-3:4, -3:4].astype(np.float32)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    kernel = np.exp(-(along**2) / (2 * length**2) - across**2 / (2 * 0.3**2))
    return np.asarray(kernel / kernel.sum(), dtype=np.float32).reshape(size, size)
