"""The applicant's selfie, made from a photograph in LFW framing."""

import cv2
import numpy as np

from idproof.datasets.rendered_people.surface import SIDE, Pose, displacement, head, lookup
from idproof.datasets.specimen.camera import jpeg
from idproof.models.types import RGBImage

WIDTH, HEIGHT = 720, 960
# Of a head that is turned because there is one photograph alone. Chosen by hand on tuning people: turned by less, some
# are as like the card's portrait as a copy of it (`idproof.pipeline.portrait_copy`).
_YAW_DEG, _PITCH_DEG, _DISTANCE = (12.0, 15.0), (3.0, 5.0), 400.0
_SHARE = 0.62  # of the photograph's side: keeps people at its edges out of the selfie


def render(photograph: RGBImage, rng: np.random.Generator, *, same_photograph: bool) -> bytes:
    """A portrait-format JPEG: another crop, light, lens and noise.

    Args:
        photograph: (side, side, 3), the face in the middle.
        rng: of the registration.
        same_photograph: the card's portrait is this very photograph; it is then laid over a head of generic depth,
            which is turned and seen in perspective. This does not make it another photograph, and the set's truth
            says so; it lets honest people with a single photograph pass the check for copies of the portrait.
    """
    if same_photograph:
        photograph = _turned_aside(photograph, rng)
    side = photograph.shape[0]
    width, height = side * _SHARE, side * _SHARE * HEIGHT / WIDTH
    middle = np.array([side / 2, side * 0.5]) + rng.uniform(-0.015, 0.015, 2) * side
    angle = np.radians(rng.uniform(-6, 6) if same_photograph else rng.uniform(-2, 2))
    half = np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2
    turned = half @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = middle + turned
    if same_photograph:
        corners = corners + rng.uniform(-0.02, 0.02, (4, 2)) * side
    frame = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], dtype=np.float32)
    warp = cv2.getPerspectiveTransform(corners.astype(np.float32), frame)
    seen = cv2.warpPerspective(
        photograph, warp, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    lit = seen * rng.uniform(0.88, 1.06) * np.array([rng.uniform(0.95, 1.05), 1.0, rng.uniform(0.95, 1.05)])
    noisy = cv2.GaussianBlur(lit, (0, 0), rng.uniform(0.3, 0.9)) + rng.normal(0, rng.uniform(1, 3), lit.shape)
    return jpeg(noisy.clip(0, 255).astype(np.uint8), int(rng.integers(85, 96)))


def _turned_aside(photograph: RGBImage, rng: np.random.Generator) -> RGBImage:
    """Returns the person with the head turned by some degrees to a side and upwards or downwards."""
    side = photograph.shape[0]
    sign = rng.choice([-1.0, 1.0], 2)
    pose = Pose(sign[0] * rng.uniform(*_YAW_DEG), sign[1] * rng.uniform(*_PITCH_DEG))
    seen = lookup(displacement(head(), pose, _DISTANCE), (side, side), side / SIDE, (0.0, 0.0))
    places = (seen + np.float32(0.5)) * np.float32(side / SIDE) - np.float32(0.5)
    turned = cv2.remap(photograph, places[..., 0], places[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(turned, dtype=np.uint8)
