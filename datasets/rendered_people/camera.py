"""Renders a front camera's view of a surface: light of the room and of the device's screen, noise, exposure, JPEG."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.rendered_people.surface import Field, Pose, Surface, displacement, lookup, rotation
from idproof.datasets.specimen.draws import Draws
from idproof.models.types import RGBImage

SIZE = (384, 512)
"""(width, height) of the pictures of a telephone or tablet."""
KIOSK_SIZE = (240, 320)
"""(width, height) of the part of a picture that a client at a kiosk sends."""
_ACROSS, _STALLS = 1 / 6, 1 / 6  # of the recordings. Chosen by hand.
ROOM_LIGHT = np.array([0.35, -0.45, 0.82], dtype=np.float32)  # direction, from above and one side. Chosen by hand.


@dataclass(frozen=True)
class Camera:
    """One telephone or tablet in one room.

    The ranges that `draw` and `of_kiosk` draw from were chosen by hand; no outside source.

    Attributes:
        distance: of the face, in the photograph's pixels (about 1.4 mm each).
        zoom: pixels of the picture per pixel of the photograph.
        blur_px, noise, quality: lens, grey levels at mid grey, and JPEG.
        screen: light of the whole bright screen on the face, relative to the room's.
        behind: share of that light that reaches the background.
        balance: gains of red, green and blue.
        adapts: share of a change of brightness that the automatic exposure takes back.
        size: (width, height) of its pictures.
        rate: frames per second that it delivers.
        stalls: whether it delivers one frame twice in a recording.
    """

    distance: float
    zoom: float
    blur_px: float
    noise: float
    quality: int
    screen: float
    behind: float
    balance: NDArray[np.float32]
    adapts: float
    size: tuple[int, int] = SIZE
    rate: float = 30.0
    stalls: bool = False

    @classmethod
    def draw(cls, draws: Draws) -> "Camera":
        """Draws a camera at arm's length, held upright or, one in six, across."""
        across = draws.rng.uniform() < _ACROSS
        return cls(
            distance=draws.uniform(260, 420),
            zoom=draws.uniform(1.75, 2.15),
            blur_px=draws.uniform(0.4, 0.9),
            noise=draws.uniform(1.2, 3.5),
            quality=round(draws.uniform(50, 95)),
            screen=draws.uniform(0.16, 0.45),
            behind=draws.uniform(0.02, 0.18),
            balance=np.array([draws.uniform(0.95, 1.05), 1, draws.uniform(0.95, 1.05)], dtype=np.float32),
            adapts=draws.uniform(0.0, 0.6),
            size=SIZE[::-1] if across else SIZE,
            rate=draws.uniform(8, 30),
            stalls=bool(draws.rng.uniform() < _STALLS),
        )

    @classmethod
    def of_kiosk(cls, draws: Draws) -> "Camera":
        """Draws a camera of a kiosk, 0.9 to 1.5 m away: faces of 80 to 120 pixels, cut out with shoulders.

        Its display is larger than a telephone's by about as much as it is farther away. The room behind is not much
        farther than the face and gets more of its light.
        """
        near = cls.draw(draws)
        return replace(
            near,
            distance=draws.uniform(640, 1070),
            zoom=draws.uniform(0.87, 1.3),
            screen=draws.uniform(0.12, 0.35),
            behind=draws.uniform(0.05, 0.3),
            size=KIOSK_SIZE,
        )


@dataclass(frozen=True)
class Reflectance:
    """Optical properties of the surface that carries the photograph.

    Attributes:
        reflects: share of incoming screen light that is reflected in the photograph's colours; 1 for skin and paper.
        mirrors: share of it that is reflected in the light's own colour, as from glass or gloss.
        shades: strength of the change of shading by turning.
        grid: pixels of a display per pixel of the photograph, 0 for none; they cause moiré with the camera's pixels.
    """

    reflects: float = 1.0
    mirrors: float = 0.0
    shades: float = 0.25
    grid: float = 0.0


def linear(picture: RGBImage) -> Field:
    """Returns the light of a picture, 0..1, by a square, which is close to sRGB's curve at a tenth of its cost."""
    return np.asarray(np.square(picture.astype(np.float32) / 255))


def see(
    carried: Field,
    surface: Surface,
    pose: Pose,
    reflectance: Reflectance,
    camera: Camera,
    scenery: Field | None,
    glow: tuple[float, float, float],
    sway: tuple[float, float],
) -> Field:
    """Returns the linear light of one frame, (height, width, 3) of the camera's size.

    Args:
        carried: the photograph, linear, a multiple of 250 pixels a side.
        surface: that carries it.
        pose: of the surface.
        reflectance: of the surface.
        camera: that takes the frame.
        scenery: background where a sheet ends, of the camera's size.
        glow: linear colour of the screen that the camera is built into.
        sway: of the camera, in the photograph's pixels.
    """
    at = lookup(displacement(surface, pose, camera.distance), camera.size, camera.zoom, sway)
    factor = carried.shape[0] / surface.depth.shape[0]
    big = at * np.float32(factor) + np.float32((factor - 1) / 2)
    light = cv2.remap(carried, big[..., 0], big[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT).clip(0)
    if reflectance.grid:
        light *= _pixels(at, reflectance.grid, camera.zoom)
    follows, shade, facing = _seen(surface, pose, at, camera.size)
    near = follows + (1 - follows) * np.float32(camera.behind)
    screen_light = np.asarray(glow, dtype=np.float32) * np.float32(camera.screen)
    lit = light * (1 + reflectance.shades * shade[..., None])
    lit += light * reflectance.reflects * (facing * near)[..., None] * screen_light + reflectance.mirrors * screen_light
    if surface.ends and scenery is not None:
        side = surface.depth.shape[0] - 1
        inside = ((at >= 0) & (at <= side)).all(axis=-1).astype(np.float32)
        inside = cv2.GaussianBlur(inside, (0, 0), 0.8)[..., None]
        lit = inside * lit + (1 - inside) * scenery * (1 + np.float32(camera.behind) * screen_light)
    return np.asarray(lit, dtype=np.float32)


def _pixels(at: Field, grid: float, zoom: float) -> Field:
    """Returns a display's striped sub-pixels and rows, averaged over the area of a camera's pixel."""
    left = np.float32(abs(np.sinc(grid / zoom)) * np.exp(-0.5 * (0.9 * grid / zoom) ** 2))
    turns = np.float32(2 * np.pi) * np.mod(at * np.float32(grid), 1)
    stripes = 1 + left * np.cos(turns[..., :1] - np.array([0, 2.1, 4.2], dtype=np.float32))
    return np.asarray(stripes * (1 + 0.4 * left * np.cos(turns[..., 1:])), dtype=np.float32)


def _seen(surface: Surface, pose: Pose, at: Field, size: tuple[int, int]) -> tuple[Field, Field, Field]:
    """Returns three pictures: what follows the surface, its change of shading, and how it faces the screen."""
    normals = surface.normals()
    turned = normals @ rotation(pose).T.astype(np.float32)
    change = (turned - normals) @ ROOM_LIGHT
    stack = np.dstack([surface.moves, change * surface.moves, turned[..., 2].clip(0)]).astype(np.float32)
    small = cv2.resize(at, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    seen = cv2.remap(stack, small[..., 0], small[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    follows, shade, facing = np.moveaxis(cv2.resize(seen, size), 2, 0)
    return follows, shade, facing


def develop(light: Field, camera: Camera, rng: np.random.Generator, reference: float) -> RGBImage:
    """Turns light into a picture; `reference` is the mean light of the camera's first exposure."""
    mean = float(light.mean())
    gain = 0.9 / max(reference, 0.05) * 0.24 * (reference / mean) ** camera.adapts
    exposed = cv2.GaussianBlur(light * np.float32(gain) * camera.balance, (0, 0), camera.blur_px).clip(0, 1)
    coded = np.sqrt(exposed) * 255
    noisy = coded + rng.standard_normal(coded.shape, dtype=np.float32) * np.float32(camera.noise)
    _, packed = cv2.imencode(
        ".jpg", noisy.clip(0, 255).astype(np.uint8)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, camera.quality]
    )
    return decoded(packed)


def decoded(packed: NDArray[np.uint8]) -> RGBImage:
    """Decodes a picture to RGB."""
    image = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("a rendered frame is a picture")
    return np.ascontiguousarray(image[..., ::-1], dtype=np.uint8)
