"""The published baseline of MIDV-Holo as a peer: it measures how much of the document changes its colour.

Koliaskina, Emelianova, Tropin, Popov, Bulatov, Nikolaev and Arlazarov, "MIDV-Holo: A Dataset for ID Document Hologram
Detection in a Video Stream" (ICDAR 2023). The same steps are claimed, in words, in US patent 12 300 009 B2 of the same
house. This code was written from those words, not from a program.

Described: rectify every frame to a rectangle of known size, correct its colours against changes of light and
white balance; give each pixel a chromaticity vector (length: saturation, angle: hue); leave out pixels that are too
bright; keep for each place the largest saturation and the mean vector over the frames. Where a hologram plays, some
frame is saturated while the vectors of many hues cancel. Binarise, drop small components, and call the document
genuine when the share of what is left reaches a threshold.

Left open, and done here:
- The rectangle: 5 px/mm of an ID-1 card, after a Gaussian blur that forgives a pixel of misregistration.
- The colour correction: one gain per channel, so that each frame's median colour is the clip's. It undoes a tint of the
  whole picture, not one of a part.
- Saturation and hue: those of HSV, both of 0..1 and 0..2 pi. Almost black pixels are left out too, because their
  saturation is noise.
- How the two quantities become one: largest saturation minus length of the mean vector. It is 0 wherever hue and
  saturation stay, whatever the brightness does, and near 1 only where vivid hues cancel.
- The constants below, and the order of frames: none is used. A benchmark that has labels calibrates the decision on
  documents that it does not test on; `SHARE` is a start for those without labels.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage

SIZE = (428, 270)
"""(width, height) of a rectified frame in pixels."""
CHANGE = 0.15
"""Chromatic change from which a place counts as changing, 0..1."""
SMALLEST = 25
"""Components of fewer pixels are dropped: 1 mm² at `SIZE`."""
SHARE = 0.01
"""Share of changing area from which a document is called genuine, 0..1."""
# Chosen by hand; no outside source.
_BRIGHT, _DARK = 0.94, 0.12  # of brightness, 0..1: glare above, almost black below
_BLUR = 1.0  # pixels


def rectify(picture: RGBImage, quadrangle: NDArray[np.floating], size: tuple[int, int] = SIZE) -> RGBImage:
    """Returns the document as a rectangle.

    Args:
        picture: the frame.
        quadrangle: (4, 2), its top left, top right, bottom right and bottom left corner in pixels.
        size: (width, height) in pixels.
    """
    width, height = size
    target = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], dtype=np.float32)
    homography = cv2.getPerspectiveTransform(np.asarray(quadrangle, dtype=np.float32), target)
    return np.asarray(cv2.warpPerspective(picture, homography, size, flags=cv2.INTER_AREA), dtype=np.uint8)


def chromatic_change(frames: Sequence[RGBImage]) -> NDArray[np.float32]:
    """Measures how much each place changes its colour: largest saturation minus length of the mean chromaticity vector.

    Args:
        frames: two or more rectified frames of one size, such as the three angles or a whole clip.

    Returns:
        (height, width), 0..1; 0 where fewer than two frames show neither glare nor almost black.

    Raises:
        ValueError: fewer than two frames, or of different sizes.

    Example:
        >>> red, green = np.full((2, 8, 20, 3), 120, dtype=np.uint8)
        >>> red[:, :8], green[:, :8] = (200, 0, 0), (0, 200, 0)
        >>> chromatic_change([red, green])[4, [0, 19]].round(1).tolist()
        [0.5, 0.0]
    """
    if len(frames) < 2:
        raise ValueError("a change needs two frames")
    if len({frame.shape for frame in frames}) > 1:
        raise ValueError("rectified frames have one size")
    medians = np.array([_median_colour(frame) for frame in frames])
    gains = np.median(medians, axis=0) / medians
    shape = frames[0].shape[:2]
    largest, seen = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    total = np.zeros((*shape, 2), dtype=np.float32)
    for frame, gain in zip(frames, gains, strict=True):
        saturation, vector, usable = _chromaticity(frame, gain)
        np.maximum(largest, np.where(usable, saturation, 0), out=largest)
        total += vector * usable[..., None]
        seen += usable
    mean = np.linalg.norm(total, axis=2) / np.maximum(seen, 1)
    return np.where(seen >= 2, np.clip(largest - mean, 0, 1), 0).astype(np.float32)


def changing(change: NDArray[np.float32], *, threshold: float = CHANGE, smallest: int = SMALLEST) -> NDArray[np.bool_]:
    """Returns (height, width): places at or over `threshold`, without components of fewer than `smallest` pixels."""
    found = (change >= threshold).astype(np.uint8)
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(found, connectivity=8)
    large = statistics[:, cv2.CC_STAT_AREA] >= smallest
    large[0] = False  # the background
    return np.asarray(large[labels], dtype=np.bool_)


def hologram_share(
    change: NDArray[np.float32],
    mask: NDArray[np.bool_] | None = None,
    *,
    threshold: float = CHANGE,
    smallest: int = SMALLEST,
) -> float:
    """Returns the share of the region whose colour changes, 0..1.

    Args:
        change: of `chromatic_change`.
        mask: (height, width), True where the hologram is; the whole document when None.
        threshold: chromatic change from which a place counts, 0..1.
        smallest: pixels of the smallest component that counts.

    Raises:
        ValueError: the mask is empty or of another size.
    """
    if mask is None:
        mask = np.ones(change.shape, dtype=np.bool_)
    if mask.shape != change.shape or not mask.any():
        raise ValueError("a mask has the frames' size and is not empty")
    return float(changing(change, threshold=threshold, smallest=smallest)[mask].mean())


def score(rectified_frames: Sequence[RGBImage], mask: NDArray[np.bool_] | None = None) -> float:
    """Returns the baseline's score with its constants, 0..1: genuine when it reaches `SHARE`; raises ValueError."""
    return hologram_share(chromatic_change(rectified_frames), mask)


def _median_colour(frame: RGBImage) -> NDArray[np.float64]:
    """Returns (3,), at least 1: the median of the pixels without glare, or of all when there are none."""
    pixels = frame.reshape(-1, 3)
    plain = pixels[pixels.max(axis=1) <= _BRIGHT * 255]
    median = np.median(plain if len(plain) else pixels, axis=0)
    return np.asarray(np.maximum(median, 1.0), dtype=np.float64)


def _chromaticity(
    frame: RGBImage, gain: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Saturation (h, w) 0..1, chromaticity vector (h, w, 2), and where both can be trusted (h, w)."""
    brightness = frame.max(axis=2) / 255
    # Glare and darkness are judged before the gains, as the camera recorded them.
    usable = (brightness <= _BRIGHT) & (brightness >= _DARK)
    corrected = np.clip(frame * gain.astype(np.float32) / 255, 0, 1).astype(np.float32)
    hsv = cv2.cvtColor(cv2.GaussianBlur(corrected, (0, 0), _BLUR), cv2.COLOR_RGB2HSV)
    angle, saturation = np.deg2rad(hsv[..., 0]), hsv[..., 1]
    vector = saturation[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=2)
    return saturation, vector.astype(np.float32), usable
