"""Frames that respond to a challenge: pixels, times of capture, and the camera's report of itself."""

from dataclasses import dataclass, field
from typing import Self

import cv2

from idproof.models.types import RGBImage
from idproof.pipeline.errors import FramesUnusable
from idproof.pipeline.liveness.challenge import MIN_CAPTURES

# Bounds on the work per clip; chosen by hand, no outside source.
MIN_FRAMES, MAX_FRAMES = MIN_CAPTURES, 48
_COPY_LEVELS = 0.25
"""Mean difference of two deliveries of one exposure, in grey levels; two exposures differ by more than 1. Chosen by
hand on rendered tuning data; no outside source."""
MIN_SIDE_PX, MAX_PIXELS = 240, 1280 * 1280


@dataclass(frozen=True, slots=True, repr=False)
class Frame:
    """One frame.

    Attributes:
        pixels: RGB, (height, width, 3), as the camera captures them: not mirrored.
        captured_ms: milliseconds from the start of the challenge, by the client's own clock.
        number: counted by the camera or the client, one per frame.
    """

    pixels: RGBImage
    captured_ms: float
    number: int

    def copies(self, before: Self) -> bool:
        """Returns whether this is one and the same exposure as another frame, delivered once more."""
        return float(cv2.norm(self.pixels, before.pixels, cv2.NORM_L1)) < _COPY_LEVELS * self.pixels.size


@dataclass(frozen=True, slots=True)
class CameraReport:
    """Format requested from the camera, format it reported, and time to open it, as a browser or an app reports them.

    Attributes:
        requested, reported: (width, height, frames per second).
        open_ms: milliseconds from the request for the camera to its first frame.
    """

    requested: tuple[int, int, float]
    reported: tuple[int, int, float]
    open_ms: float


@dataclass(frozen=True, slots=True)
class Clip:
    """Frames in the order they were sent.

    Attributes:
        frames: 8 to 48, all of one size, with at least 240 pixels on each side and at most 1.6 megapixels.
        camera: None when the client does not report it.

    Raises:
        FramesUnusable: outside these bounds. Impossible times and numbers are evidence, not bad input.
    """

    frames: tuple[Frame, ...] = field(repr=False)
    camera: CameraReport | None = None

    def __post_init__(self) -> None:
        if not MIN_FRAMES <= len(self.frames) <= MAX_FRAMES:
            raise FramesUnusable(f"A liveness challenge is answered by {MIN_FRAMES} to {MAX_FRAMES} frames.")
        sizes = {frame.pixels.shape for frame in self.frames}
        if len(sizes) != 1:
            raise FramesUnusable("All frames of a liveness challenge have one size.")
        height, width, _ = next(iter(sizes))
        if min(height, width) < MIN_SIDE_PX or height * width > MAX_PIXELS:
            raise FramesUnusable(f"A frame has {MIN_SIDE_PX} pixels a side or more, and {MAX_PIXELS} pixels at most.")
