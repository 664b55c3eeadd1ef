"""A pinhole camera looks at a card lying in a scene: pose, light, lens, sensor and JPEG.

Camera coordinates: x to the right, y down, z away from the camera, millimetres. `turn_deg` turns the card about its
own vertical axis: positive when its left edge is nearer to the camera (`tilt_left`), negative when its right edge
is (`tilt_right`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen import backgrounds
from idproof.datasets.specimen.artwork import SCALE
from idproof.models.types import RGBImage
from idproof.pipeline.documents import DocumentType

WIDTH, HEIGHT = 1920, 1080
Surround = Callable[[NDArray[np.float32], NDArray[np.float64], DocumentType], NDArray[np.float32]]
"""Lays what is around a card in its own plane over a scene: (scene, homography from millimetres, type) to scene."""


@dataclass(frozen=True)
class Camera:
    """A camera, the same for all captures of a registration.

    Attributes:
        focal_px: focal length in pixels.
        blur_px: standard deviation of lens and motion blur.
        noise: standard deviation of sensor noise at mid grey, in grey levels.
        white: gain of red, green and blue.
        quality: of the JPEG, 0..100.
    """

    focal_px: float
    blur_px: float
    noise: float
    white: tuple[float, float, float]
    quality: int

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Camera":
        """One of many phones."""
        return cls(
            focal_px=WIDTH * rng.uniform(0.75, 1.1),
            blur_px=rng.uniform(0.4, 1.1),
            noise=rng.uniform(1.2, 4.0),
            white=(float(rng.uniform(0.93, 1.07)), 1.0, float(rng.uniform(0.93, 1.07))),
            quality=int(rng.integers(82, 96)),
        )


@dataclass(frozen=True)
class Pose:
    """How the card lies before the camera: angles in degrees, offset as a share of the picture, share of its width."""

    turn_deg: float
    pitch_deg: float
    roll_deg: float
    offset: tuple[float, float]
    share: float

    @classmethod
    def draw(cls, rng: np.random.Generator, turn_deg: float) -> "Pose":
        """Around a wanted turn, as a hand would."""
        return cls(
            turn_deg=turn_deg,
            pitch_deg=float(rng.uniform(-7, 7)),
            roll_deg=float(rng.uniform(-8, 8)),
            offset=(float(rng.uniform(-0.04, 0.04)), float(rng.uniform(-0.03, 0.03))),
            share=float(rng.uniform(0.50, 0.62)),
        )


@dataclass(frozen=True)
class Shot:
    """One rendered capture: RGB pixels and where the card's four corners are (4, 2)."""

    pixels: RGBImage
    corners: NDArray[np.float64]


def homography(document: DocumentType, camera: Camera, pose: Pose) -> NDArray[np.float64]:
    """(3, 3): millimetres on the card to pixels of the capture, pixel centres at whole numbers."""
    turn, pitch, roll = np.radians([-pose.turn_deg, pose.pitch_deg, pose.roll_deg])
    about_y = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    rotation = about_z @ about_x @ about_y
    depth = camera.focal_px * document.width_mm / (pose.share * WIDTH)
    shift = np.array([pose.offset[0] * WIDTH, pose.offset[1] * HEIGHT, 0]) * depth / camera.focal_px
    middle = np.array([document.width_mm / 2, document.height_mm / 2])
    translation = np.array([0, 0, depth]) + shift - rotation[:, :2] @ middle
    intrinsics = np.array([[camera.focal_px, 0, (WIDTH - 1) / 2], [0, camera.focal_px, (HEIGHT - 1) / 2], [0, 0, 1.0]])
    plane = intrinsics @ np.column_stack([rotation[:, 0], rotation[:, 1], translation])
    return np.asarray(plane / plane[2, 2])


def corners_px(document: DocumentType, camera: Camera, pose: Pose) -> NDArray[np.float64]:
    """(4, 2): the card's sharp corners in the capture: top left, top right, bottom right, bottom left."""
    width, height = document.width_mm, document.height_mm
    corners_mm = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1.0]])
    projected = corners_mm @ homography(document, camera, pose).T
    return np.asarray(projected[:, :2] / projected[:, 2:])


def project(flat: NDArray[np.uint8], plane: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A flat picture (at `SCALE`) as it stands in the capture; `plane` is its `homography`."""
    # A pixel (i, j) of the flat picture has its centre at ((i + 0.5) / SCALE) millimetres.
    from_flat = plane @ np.array([[1 / SCALE, 0, 0.5 / SCALE], [0, 1 / SCALE, 0.5 / SCALE], [0, 0, 1]])
    return np.asarray(cv2.warpPerspective(flat, from_flat, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR), dtype=np.uint8)


def photograph(
    card: RGBImage,
    document: DocumentType,
    camera: Camera,
    pose: Pose,
    rng: np.random.Generator,
    surround: Surround | None = None,
) -> Shot:
    """A capture of a flat card picture (at `SCALE`) lying in a scene, or on whatever `surround` lays under it.

    The scene's background, light, highlight and noise are drawn anew for each call.
    """
    plane = homography(document, camera, pose)
    scene = backgrounds.draw(rng, WIDTH, HEIGHT).astype(np.float32)
    seen = project(card, plane)
    outline = project(_outline(card.shape[:2], document), plane)
    cover = np.float32(1 / 255) * cv2.GaussianBlur(outline, (0, 0), 0.6)[..., None]
    scene *= 1 - 0.4 * _shadow(cover, rng)
    if surround is not None:
        scene = surround(scene, plane, document)
    lit = (scene * (1 - cover) + _glossy(seen.astype(np.float32), cover, pose, rng) * cover) * _light(rng)
    return Shot(develop(lit, camera, rng), corners_px(document, camera, pose))


def develop(light: NDArray[np.float32], camera: Camera, rng: np.random.Generator) -> RGBImage:
    """Lens blur, white balance, shot and read noise, 8 bits."""
    blurred = cv2.GaussianBlur(light, (0, 0), camera.blur_px) * np.array(camera.white, dtype=np.float32)
    spread = camera.noise * np.sqrt(0.3 + blurred.clip(0, 255) / 180)
    noise = rng.standard_normal(blurred.shape, dtype=np.float32)
    return np.asarray((blurred + spread * noise).clip(0, 255), dtype=np.uint8)


def jpeg(pixels: RGBImage, quality: int) -> bytes:
    """Encoded with OpenCV's encoder, whose bytes depend on pixels and quality alone."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()


def _outline(shape: tuple[int, ...], document: DocumentType) -> NDArray[np.uint8]:
    """255 on the card with its rounded corners."""
    mask = np.zeros(shape, dtype=np.uint8)
    r = round(document.corner_radius_mm * SCALE)
    height, width = shape
    cv2.rectangle(mask, (r, 0), (width - 1 - r, height - 1), 255, -1)
    cv2.rectangle(mask, (0, r), (width - 1, height - 1 - r), 255, -1)
    for x in (r, width - 1 - r):
        for y in (r, height - 1 - r):
            cv2.circle(mask, (x, y), r, 255, -1)
    return mask


def _shadow(cover: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    small = cv2.resize(cover[..., 0], (WIDTH // 8, HEIGHT // 8))
    moved = np.roll(small, rng.integers(-3, 4, 2), axis=(0, 1))
    soft = cv2.resize(cv2.GaussianBlur(moved, (0, 0), 2.5), (WIDTH, HEIGHT))
    return np.asarray(soft[..., None] * rng.uniform(0.4, 1.0), dtype=np.float32)


def _glossy(
    seen: NDArray[np.float32], cover: NDArray[np.float32], pose: Pose, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The laminate's broad highlight, which wanders with the turn."""
    centre = (WIDTH * (0.5 + 0.012 * pose.turn_deg + rng.uniform(-0.15, 0.15)), HEIGHT * rng.uniform(0.2, 0.8))
    glow = _spot(centre, WIDTH * rng.uniform(0.10, 0.22)) * rng.uniform(8, 34)
    return seen * rng.uniform(0.94, 1.02) + glow[..., None] * cover


def _light(rng: np.random.Generator) -> NDArray[np.float32]:
    """Exposure and a gradient over the scene."""
    direction = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : HEIGHT // 8 * 1j, -1 : 1 : WIDTH // 8 * 1j]
    gradient = 1 + rng.uniform(0.03, 0.14) * (np.cos(direction) * x + np.sin(direction) * y)
    exposure = rng.uniform(0.82, 1.02)
    return np.asarray(cv2.resize(gradient * exposure, (WIDTH, HEIGHT))[..., None], dtype=np.float32)


def _spot(centre: tuple[float, float], radius: float) -> NDArray[np.float32]:
    y, x = np.mgrid[0:HEIGHT:8, 0:WIDTH:8].astype(np.float32)
    spot = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * radius**2))
    return np.asarray(cv2.resize(spot, (WIDTH, HEIGHT)), dtype=np.float32)
