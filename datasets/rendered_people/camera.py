"""A front camera looks at a surface: room light, light from the screen it is built into, noise, exposure, JPEG."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.rendered_people.surface import Field, Pose, Surface, displacement, lookup, rotation
from idproof.datasets.specimen.draws import Draws
from idproof.models.types import RGBImage

SIZE = (384, 512)
KIOSK_SIZE = (240, 320)
"""(width, height) of what a client at a kiosk cuts out of its pictures and sends."""
_HANDED_LIGHT = np.array([0.35, -0.45, 0.82], dtype=np.float32)


@dataclass(frozen=True)
class Camera:
    """One telephone or tablet, in one room.

    Attributes:
        distance: of the face, in the photograph's pixels (about 1.4 mm each).
        zoom: pixels of the picture a pixel of the photograph.
        blur_px, noise, quality: lens, grey levels at mid grey, and JPEG.
        screen: light of the whole bright screen on the face, relative to the room's.
        behind: share of that light which the background gets.
        balance: gains of red, green and blue.
        adapts: share of a change of brightness that the automatic exposure takes back.
        size: (width, height) of its pictures.
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

    @classmethod
    def draw(cls, draws: Draws) -> "Camera":
        """One of many, at arm's length."""
        return cls(
            distance=draws.uniform(260, 420),
            zoom=draws.uniform(1.75, 2.15),
            blur_px=draws.uniform(0.4, 0.9),
            noise=draws.uniform(1.2, 3.5),
            quality=round(draws.uniform(78, 94)),
            screen=draws.uniform(0.16, 0.45),
            behind=draws.uniform(0.02, 0.18),
            balance=np.array([draws.uniform(0.95, 1.05), 1, draws.uniform(0.95, 1.05)], dtype=np.float32),
            adapts=draws.uniform(0.0, 0.6),
        )

    @classmethod
    def of_kiosk(cls, draws: Draws) -> "Camera":
        """One of many that people stand before, 0.9 to 1.5 m away: faces of 80 to 120 pixels, cut out with shoulders.

        Its display is larger than a telephone's by about as much as it is farther away; the room behind is not so much
        farther than the face, and gets more of its light.
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
    """How what the surface carries answers light.

    Attributes:
        reflects: share of incoming screen light that comes back in the photograph's colours; 1 for skin and paper.
        mirrors: share of it that comes back in the light's own colour, as from glass or gloss.
        shades: how much turning it changes its shading.
        grid: pixels of a display a pixel of the photograph, 0 for none; where the camera's own pixels meet them there
            is moiré.
    """

    reflects: float = 1.0
    mirrors: float = 0.0
    shades: float = 0.25
    grid: float = 0.0


def linear(picture: RGBImage) -> Field:
    """Light of a picture, 0..1, by a square, which is near sRGB's curve and a tenth of its cost."""
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
    """Linear light of one frame, (height, width, 3) of the camera's size.

    Args:
        carried: the photograph, linear, a multiple of 250 pixels a side.
        surface: what carries it.
        pose: where that is.
        reflectance: how it answers light.
        camera: what looks.
        scenery: what is seen where a sheet ends, of the camera's size.
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
    thrown = np.asarray(glow, dtype=np.float32) * np.float32(camera.screen)
    lit = light * (1 + reflectance.shades * shade[..., None])
    lit += light * reflectance.reflects * (facing * near)[..., None] * thrown + reflectance.mirrors * thrown
    if surface.ends and scenery is not None:
        side = surface.depth.shape[0] - 1
        inside = ((at >= 0) & (at <= side)).all(axis=-1).astype(np.float32)
        inside = cv2.GaussianBlur(inside, (0, 0), 0.8)[..., None]
        lit = inside * lit + (1 - inside) * scenery * (1 + np.float32(camera.behind) * thrown)
    return np.asarray(lit, dtype=np.float32)


def _pixels(at: Field, grid: float, zoom: float) -> Field:
    """A display's striped sub-pixels and rows, as much of them as the area of a camera's pixel leaves."""
    left = np.float32(abs(np.sinc(grid / zoom)) * np.exp(-0.5 * (0.9 * grid / zoom) ** 2))
    turns = np.float32(2 * np.pi) * np.mod(at * np.float32(grid), 1)
    stripes = 1 + left * np.cos(turns[..., :1] - np.array([0, 2.1, 4.2], dtype=np.float32))
    return np.asarray(stripes * (1 + 0.4 * left * np.cos(turns[..., 1:])), dtype=np.float32)


def _seen(surface: Surface, pose: Pose, at: Field, size: tuple[int, int]) -> tuple[Field, Field, Field]:
    """What follows the surface, the change of its shading by turning, and how it faces the screen; each a picture."""
    normals = surface.normals()
    turned = normals @ rotation(pose).T.astype(np.float32)
    change = (turned - normals) @ _HANDED_LIGHT
    stack = np.dstack([surface.moves, change * surface.moves, turned[..., 2].clip(0)]).astype(np.float32)
    small = cv2.resize(at, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    seen = cv2.remap(stack, small[..., 0], small[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    follows, shade, facing = np.moveaxis(cv2.resize(seen, size), 2, 0)
    return follows, shade, facing


def develop(light: Field, camera: Camera, rng: np.random.Generator, reference: float) -> RGBImage:
    """What the camera makes of light; `reference` is the mean light it was first exposed for."""
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
    """RGB of an encoded picture."""
    image = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("a rendered frame is a picture")
    return np.ascontiguousarray(image[..., ::-1], dtype=np.uint8)
