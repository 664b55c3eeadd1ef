"""Does skin follow the colours that the screen shows, and the room behind it less?

The screen's colours are drawn with the challenge; a recording answers those of another. Reflected light falls off with
the square of the distance: a face before the screen follows far more than the wall behind it, while a sheet and all
that is printed on it follow together, and a tint laid over a picture colours everything.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import DetectedFace, RGBImage
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.liveness.challenge import Challenge
from idproof.pipeline.liveness.face_tracking import TrackedClip, TrackedFrame
from idproof.pipeline.types import CheckResult

FOLLOWS, FALLS_OFF, STRENGTH = "liveness_light", "liveness_light_distance", "liveness_light_strength"
_LAGS_MS = (0.0, 60.0, 120.0, 200.0)
_LEAST_FRAMES = 4
_LEAST_STRIP = 0.06  # of the picture's width
_CELLS = (24, 32)  # columns and rows in which surroundings are looked at
_LEAST_CELLS, _LEAST_LIT = 4, 0.5


def check(tracked: TrackedClip, challenge: Challenge, calibration: Calibration) -> list[CheckResult]:
    """Three checks; none when the challenge has no light.

    - `liveness_light`: correlation of the skin's changes of colour with the screen's, at the best lag of a camera;
      fails with `light_not_followed`;
    - `liveness_light_strength`: the skin's change for one of the screen; fails with `light_not_followed`;
    - `liveness_light_distance`: share of the skin's answer that the surroundings give;
      fails with `light_without_distance`.
    """
    if not challenge.lights:
        return []
    shown = tracked.between(challenge.lights[0].start_ms, challenge.duration_ms + 1)
    if len(shown) < _LEAST_FRAMES:
        return [CheckResult.not_assessed(name, "face_not_seen_in_light") for name in (FOLLOWS, STRENGTH, FALLS_OFF)]
    skin = np.array([_chroma(_skin(tracked, entry)) for entry in shown])
    times = [tracked.clip.frames[entry.index].captured_ms for entry in shown]
    fits = [_fit(_screen(challenge, times, lag), skin) for lag in _LAGS_MS]
    best = max(range(len(fits)), key=lambda i: fits[i][0])
    correlation, slope = fits[best]
    behind = _behind(tracked, shown, _screen(challenge, times, _LAGS_MS[best]))
    share = behind / slope if slope > 1e-4 else 1.0
    return [
        calibration.at_least(FOLLOWS, correlation, unit="correlation", reason="light_not_followed"),
        calibration.at_least(STRENGTH, slope, unit="share of the screen's change", reason="light_not_followed"),
        calibration.at_most(FALLS_OFF, share, unit="share of the skin's answer", reason="light_without_distance"),
    ]


def _fit(screen: NDArray[np.float64], seen: NDArray[np.float64]) -> tuple[float, float]:
    """Correlation and slope of changes about their means."""
    wanted, found = screen - screen.mean(axis=0), seen - seen.mean(axis=0)
    product, power = float((wanted * found).sum()), float((wanted**2).sum())
    if power < 1e-9:
        return 0.0, 0.0
    return product / float(np.sqrt(power * (found**2).sum()) + 1e-9), product / power


def _screen(challenge: Challenge, times: list[float], lag_ms: float) -> NDArray[np.float64]:
    """(n, 2): colour of the screen when each frame was exposed."""
    colours = []
    for at in times:
        shown = [light.colour for light in challenge.lights if light.start_ms <= at - lag_ms]
        colours.append(_chroma(np.square(np.array((shown or [(255, 255, 255)])[-1]) / 255)))
    return np.array(colours)


def _behind(tracked: TrackedClip, shown: list[TrackedFrame], screen: NDArray[np.float64]) -> float:
    """How much the surroundings answer: the median of small cells' own slopes, so that no bright spot settles it."""
    grids = [_grid(tracked.pixels(entry.index)) for entry in shown]
    apart = _apart(tracked.pixels(shown[0].index).shape, np.median([_face(entry).box for entry in shown], axis=0))
    lit = apart & (np.min([share for _, share in grids], axis=0) > _LEAST_LIT)
    cells = np.array([light[lit if lit.sum() >= _LEAST_CELLS else apart] for light, _ in grids])
    seen = _chroma(cells)
    wanted = screen - screen.mean(axis=0)
    slopes = ((seen - seen.mean(axis=0)) * wanted[:, None]).sum(axis=(0, 2)) / max(float((wanted**2).sum()), 1e-9)
    return float(np.median(slopes))


def _grid(image: RGBImage) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean linear light of each cell's pixels that are neither black nor burnt out, and their share."""
    values = np.square(cv2.blur(image, (3, 3)).astype(np.float32) / 255)
    usable = _usable(values).astype(np.float32)
    share = cv2.resize(usable, _CELLS, interpolation=cv2.INTER_AREA).astype(np.float64)
    light = cv2.resize(values * usable[..., None], _CELLS, interpolation=cv2.INTER_AREA).astype(np.float64)
    return light / np.maximum(share, 1e-3)[..., None], share


def _apart(shape: tuple[int, ...], box: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The cells at both sides of the picture's upper part and in its upper corners, away from head and shoulders."""
    columns, rows = _CELLS
    x, y, width, height = box
    across = (np.arange(columns) + 0.5)[None] * shape[1] / columns - (x + width / 2)
    down = (np.arange(rows) + 0.5)[:, None] * shape[0] / rows
    edge = _LEAST_STRIP * shape[1]
    left, right = max(edge, x - width / 2), min(shape[1] - edge, x + 1.5 * width)
    beside = ((across + x + width / 2 < left) | (across + x + width / 2 > right)) & (down < y + height / 2)
    beyond = (across / width) ** 2 + ((down - y - height / 2) / (0.95 * height)) ** 2 > 1
    corners = (np.abs(across) > 0.6 * width) & (down < y + 0.1 * height) & beyond
    return np.asarray(beside | corners)


def _chroma(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """(…, 2): red and blue against green, logarithms; brightness, which exposure changes, is left out."""
    red, green, blue = np.moveaxis(np.log(np.maximum(linear, 1e-4)), -1, 0)
    return np.stack([red - green, blue - green], axis=-1)


def _skin(tracked: TrackedClip, entry: TrackedFrame) -> NDArray[np.float64]:
    image, face = tracked.pixels(entry.index), _face(entry)
    x, y, width, height = face.box
    inner = image[_range(y + 0.25 * height, y + 0.85 * height), _range(x + 0.2 * width, x + 0.8 * width)]
    return _mean(inner)


def _mean(part: RGBImage) -> NDArray[np.float64]:
    if part.size == 0:
        return np.full(3, 0.5)
    values = np.square(cv2.blur(part, (3, 3)).reshape(-1, 3).astype(np.float64) / 255)
    usable = values[_usable(values)]
    return np.asarray((usable if len(usable) else values).mean(axis=0))


def _usable(linear: NDArray[Any]) -> NDArray[np.bool_]:
    """Neither black nor burnt out."""
    brightest = linear.max(axis=-1)
    return np.asarray((brightest < 0.97) & (brightest > 0.004))


def _face(entry: TrackedFrame) -> DetectedFace:
    if entry.face is None:
        raise ValueError("light is looked for on a face")
    return entry.face


def _range(start: float, stop: float) -> slice:
    return slice(max(0, round(start)), max(0, round(stop)))
