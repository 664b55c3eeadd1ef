"""Does skin follow the colours that the screen shows, and the room behind it less?

The screen's colours are drawn with the challenge; a recording answers those of another. Reflected light falls off with
the square of the distance: a face before the screen follows far more than the wall behind it, while a sheet and all
that is printed on it follow together, and a tint laid over a picture colours everything.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import DetectedFace, RGBImage
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.liveness.challenge import Challenge
from idproof.pipeline.liveness.watch import Seen, Watched
from idproof.pipeline.types import CheckResult

FOLLOWS, FALLS_OFF, STRENGTH = "liveness_light", "liveness_light_distance", "liveness_light_strength"
_LAGS_MS = (0.0, 60.0, 120.0, 200.0)
_LEAST_FRAMES = 4
_LEAST_STRIP = 0.06  # of the picture's width


def check(watched: Watched, challenge: Challenge, calibration: Calibration) -> list[CheckResult]:
    """Three checks; none when the challenge has no light.

    - `liveness_light`: correlation of the skin's changes of colour with the screen's, at the best lag of a camera;
      fails with `light_not_followed`;
    - `liveness_light_strength`: the skin's change for one of the screen; fails with `light_not_followed`;
    - `liveness_light_distance`: share of the skin's answer that the surroundings give;
      fails with `light_without_distance`.
    """
    if not challenge.lights:
        return []
    shown = watched.between(challenge.lights[0].start_ms, challenge.duration_ms + 1)
    if len(shown) < _LEAST_FRAMES:
        return [CheckResult.not_assessed(name, "face_not_seen_in_light") for name in (FOLLOWS, STRENGTH, FALLS_OFF)]
    skin = np.array([_chroma(_skin(watched, entry)) for entry in shown])
    around = np.array([_chroma(_around(watched, entry)) for entry in shown])
    times = [watched.clip.frames[entry.place].captured_ms for entry in shown]
    fits = [_fit(_screen(challenge, times, lag), skin) for lag in _LAGS_MS]
    best = max(range(len(fits)), key=lambda i: fits[i][0])
    correlation, slope = fits[best]
    _, behind = _fit(_screen(challenge, times, _LAGS_MS[best]), around)
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


def _chroma(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2,): red and blue against green, logarithms; brightness, which exposure changes, is left out."""
    red, green, blue = np.log(np.maximum(linear, 1e-4))
    return np.array([red - green, blue - green])


def _skin(watched: Watched, entry: Seen) -> NDArray[np.float64]:
    image, face = watched.pixels(entry.place), _face(entry)
    x, y, width, height = face.box
    inner = image[_range(y + 0.25 * height, y + 0.85 * height), _range(x + 0.2 * width, x + 0.8 * width)]
    return _mean(inner)


def _around(watched: Watched, entry: Seen) -> NDArray[np.float64]:
    """Strips at both sides of the picture's upper part, away from head and shoulders, however close the face is."""
    image, face = watched.pixels(entry.place), _face(entry)
    x, y, width, height = face.box
    columns, rows = image.shape[1], _range(0, y + 0.5 * height)
    edge = _LEAST_STRIP * columns
    left = image[rows, _range(0, max(edge, x - 0.5 * width))]
    right = image[rows, _range(min(columns - edge, x + 1.5 * width), columns)]
    return _mean(np.concatenate([left.reshape(-1, 3), right.reshape(-1, 3)])[:, None])


def _mean(part: RGBImage) -> NDArray[np.float64]:
    if part.size == 0:
        return np.full(3, 0.5)
    values = np.square(cv2.blur(part, (3, 3)).reshape(-1, 3).astype(np.float64) / 255)
    usable = values[(values.max(axis=1) < 0.97) & (values.max(axis=1) > 0.004)]
    return np.asarray((usable if len(usable) else values).mean(axis=0))


def _face(entry: Seen) -> DetectedFace:
    if entry.face is None:
        raise ValueError("light is looked for on a face")
    return entry.face


def _range(start: float, stop: float) -> slice:
    return slice(max(0, round(start)), max(0, round(stop)))
