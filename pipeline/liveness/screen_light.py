"""Checks of the screen's light: skin follows the colours that the screen shows, and the room behind it follows less.

The screen's colours are drawn with the challenge; a recording follows those of another challenge. Light falls off with
the square of the distance: a face near the screen follows far more than the wall behind it. A sheet follows together
with everything printed on it, and a tint over a picture colours everything.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import DetectedFace, RGBImage
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.liveness.challenge import Challenge
from idproof.pipeline.liveness.face_tracking import TrackedClip, TrackedFrame
from idproof.pipeline.shown_colours import LAGS_MS, chroma, fit_changes, screen_chroma
from idproof.pipeline.types import CheckResult

FOLLOWS, FALLS_OFF, STRENGTH = "liveness_light", "liveness_light_distance", "liveness_light_strength"

# Chosen by hand on rendered tuning data; no outside source. The limits of the checks are calibrated
# (`idproof bench calibrate liveness`).
_MIN_FRAMES = 4
_MIN_STRIP = 0.06  # of the picture's width
_CELLS = (24, 32)  # columns and rows in which surroundings are measured
_MIN_CELLS, _MIN_LIT_SHARE = 4, 0.5
_MIN_SLOPE = 1e-4  # of the skin; below it no share of the surroundings can be measured
_USABLE_LINEAR = (0.004, 0.97)  # neither black nor overexposed
_SKIN_ROWS, _SKIN_COLUMNS = (0.25, 0.85), (0.2, 0.8)  # of the face's box


def check(tracked: TrackedClip, challenge: Challenge, calibration: Calibration) -> list[CheckResult]:
    """Returns three checks; none when the challenge has no light.

    - `liveness_light`: correlation of the skin's changes of colour with the screen's, at the best camera lag; fails
      with `light_not_followed`;
    - `liveness_light_strength`: the skin's change per change of the screen; fails with `light_not_followed`;
    - `liveness_light_distance`: the surroundings' change as a share of the skin's; fails with `light_without_distance`.
    """
    if not challenge.lights:
        return []
    shown = tracked.between(challenge.lights[0].start_ms, challenge.duration_ms + 1)
    if len(shown) < _MIN_FRAMES:
        return [CheckResult.not_assessed(name, "face_not_seen_in_light") for name in (FOLLOWS, STRENGTH, FALLS_OFF)]
    skin = np.array([chroma(_skin(tracked, frame)) for frame in shown])
    times = [tracked.clip.frames[frame.index].captured_ms for frame in shown]
    fits = [fit_changes(_screen(challenge, times, lag), skin) for lag in LAGS_MS]
    best = max(range(len(fits)), key=lambda i: fits[i][0])
    correlation, slope = fits[best]
    surroundings = _surroundings_slope(tracked, shown, _screen(challenge, times, LAGS_MS[best]))
    share = surroundings / slope if slope > _MIN_SLOPE else 1.0
    return [
        calibration.at_least(FOLLOWS, correlation, unit="correlation", reason="light_not_followed"),
        calibration.at_least(STRENGTH, slope, unit="share of the screen's change", reason="light_not_followed"),
        calibration.at_most(FALLS_OFF, share, unit="share of the skin's answer", reason="light_without_distance"),
    ]


def _screen(challenge: Challenge, times: list[float], lag_ms: float) -> NDArray[np.float64]:
    """Returns (n, 2), the screen's colour when each frame was exposed."""
    colours = []
    for at in times:
        shown = [light.colour for light in challenge.lights if light.start_ms <= at - lag_ms]
        colours.append(screen_chroma((shown or [(255, 255, 255)])[-1]))
    return np.array(colours)


def _surroundings_slope(tracked: TrackedClip, shown: list[TrackedFrame], screen: NDArray[np.float64]) -> float:
    """Returns the surroundings' change per change of the screen.

    The value is the median over cells, so that no bright spot decides.
    """
    grids = [_grid(tracked.pixels(frame.index)) for frame in shown]
    beside = _beside_head(
        tracked.pixels(shown[0].index).shape, np.median([_face(frame).box for frame in shown], axis=0)
    )
    lit = beside & (np.min([share for _, share in grids], axis=0) > _MIN_LIT_SHARE)
    cells = np.array([light[lit if lit.sum() >= _MIN_CELLS else beside] for light, _ in grids])
    seen = chroma(cells)
    cause = screen - screen.mean(axis=0)
    slopes = ((seen - seen.mean(axis=0)) * cause[:, None]).sum(axis=(0, 2)) / max(float((cause**2).sum()), 1e-9)
    return float(np.median(slopes))


def _grid(image: RGBImage) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns mean linear light of each cell's pixels that are neither black nor overexposed, and their share."""
    values = np.square(cv2.blur(image, (3, 3)).astype(np.float32) / 255)
    usable = _usable(values).astype(np.float32)
    share = cv2.resize(usable, _CELLS, interpolation=cv2.INTER_AREA).astype(np.float64)
    light = cv2.resize(values * usable[..., None], _CELLS, interpolation=cv2.INTER_AREA).astype(np.float64)
    return light / np.maximum(share, 1e-3)[..., None], share


def _beside_head(shape: tuple[int, ...], box: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Returns the cells at both sides of the picture's upper part and in its upper corners, away from the person.

    The shares of the face's box were chosen by hand on rendered tuning data; no outside source.
    """
    columns, rows = _CELLS
    x, y, width, height = box
    across = (np.arange(columns) + 0.5)[None] * shape[1] / columns - (x + width / 2)
    down = (np.arange(rows) + 0.5)[:, None] * shape[0] / rows
    edge = _MIN_STRIP * shape[1]
    left, right = max(edge, x - width / 2), min(shape[1] - edge, x + 1.5 * width)
    beside = ((across + x + width / 2 < left) | (across + x + width / 2 > right)) & (down < y + height / 2)
    beyond = (across / width) ** 2 + ((down - y - height / 2) / (0.95 * height)) ** 2 > 1
    corners = (np.abs(across) > 0.6 * width) & (down < y + 0.1 * height) & beyond
    return np.asarray(beside | corners)


def _skin(tracked: TrackedClip, frame: TrackedFrame) -> NDArray[np.float64]:
    image, face = tracked.pixels(frame.index), _face(frame)
    x, y, width, height = face.box
    rows = _range(*(y + share * height for share in _SKIN_ROWS))
    return _mean(image[rows, _range(*(x + share * width for share in _SKIN_COLUMNS))])


def _mean(part: RGBImage) -> NDArray[np.float64]:
    if part.size == 0:
        return np.full(3, 0.5)
    values = np.square(cv2.blur(part, (3, 3)).reshape(-1, 3).astype(np.float64) / 255)
    usable = values[_usable(values)]
    return np.asarray((usable if len(usable) else values).mean(axis=0))


def _usable(linear: NDArray[Any]) -> NDArray[np.bool_]:
    """Returns which pixels are neither black nor overexposed."""
    brightest = linear.max(axis=-1)
    return np.asarray((brightest < _USABLE_LINEAR[1]) & (brightest > _USABLE_LINEAR[0]))


def _face(frame: TrackedFrame) -> DetectedFace:
    if frame.face is None:
        raise ValueError("light is measured on a face")
    return frame.face


def _range(start: float, stop: float) -> slice:
    return slice(max(0, round(start)), max(0, round(stop)))
