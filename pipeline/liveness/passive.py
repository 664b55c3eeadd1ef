"""Checks of single frames for print and display: three measures to follow by eye, and the networks of a profile."""

import cv2
import numpy as np

from idproof.models.types import DetectedFace, PassiveEnsemble, RGBImage
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.liveness import crops
from idproof.pipeline.liveness.face_tracking import TrackedClip
from idproof.pipeline.spectrum import highest_peak
from idproof.pipeline.types import CheckResult, Outcome, Status

GRID, EDGE, BLACK = "liveness_grid", "liveness_sheet_edge", "liveness_gamut"
ENSEMBLE = "liveness_ensemble"

# Chosen by hand on rendered tuning data; no outside source. The limits of the checks are calibrated
# (`idproof bench calibrate liveness`).
_FRAMES, _EDGE_FRAMES = 5, 3
_SHADING_PX = 3.0  # Gaussian that is taken off skin before its spectrum
_MIN_GRID_FREQUENCY = 0.15  # cycles per pixel: below it lie features of the face
_JPEG_AXIS = 0.02  # cycles per pixel: JPEG's blocks of eight make peaks of their own on the axes
_EDGE_SCALE, _EDGE_BLUR_PX, _CANNY = 0.5, 1.5, (25, 70)
_FACE_ELLIPSE = 0.85  # semi-axes of the area without edges, of the face box's sides
_MIN_LINE = 4  # a line is at least the fourth part of the picture's width
_LINE_GAP_PX = 4
_DARK_BRIGHT_PERCENTILES = (2, 98)


def check(tracked: TrackedClip, calibration: Calibration) -> list[CheckResult]:
    """Returns three checks over a few frames spread over the clip, each the median.

    - `liveness_grid`: strongest isolated peak in the spectrum of skin, robust deviations; `grid_on_skin`;
    - `liveness_sheet_edge`: longest straight edge outside the face, share of the picture's width; `sheet_edge_seen`;
    - `liveness_gamut`: black level of the face, 0..1 of its range; `gamut_of_print_or_display`.
    """
    names = (GRID, EDGE, BLACK)
    views = _views(tracked)
    if not views:
        return [CheckResult.not_assessed(name, "face_not_seen_throughout") for name in names]
    peak = float(np.median([grid_peak(image, face) for image, face in views]))
    edge = float(np.median([straight_edge(image, face) for image, face in views[:_EDGE_FRAMES]]))
    black = float(np.median([black_level(image, face) for image, face in views]))
    return [
        calibration.at_most(GRID, peak, unit="robust deviations", reason="grid_on_skin"),
        calibration.at_most(EDGE, edge, unit="share of the width", reason="sheet_edge_seen"),
        calibration.at_most(BLACK, black, unit="share of the range", reason="gamut_of_print_or_display"),
    ]


def check_ensemble(tracked: TrackedClip, ensemble: PassiveEnsemble) -> CheckResult:
    """`liveness_ensemble`: mean probability of `real` over a few frames, by the profile's networks.

    Judged by their publishers' own rule, that no other class is likelier in most of the frames; otherwise in doubt with
    `texture_of_print_or_display`. The networks' errors on an operator's own applicants are unknown, so they never
    reject. Not part of the fused score, because no calibration by bona fide clips can be made from rendered people.
    """
    views = _views(tracked)
    if not views:
        return CheckResult.not_assessed(ENSEMBLE, "face_not_seen_throughout")
    classified = [ensemble.classify(image, face) for image, face in views]
    real = float(np.mean([probability for probability, _ in classified]))
    passed = 2 * sum(likeliest for _, likeliest in classified) > len(classified)
    return CheckResult(
        name=ENSEMBLE,
        status=Status.ASSESSED,
        outcome=Outcome.PASS if passed else Outcome.DOUBT,
        value=round(real, 5),
        unit="probability",
        score=round(real, 5),
        reason=None if passed else "texture_of_print_or_display",
    )


def grid_peak(image: RGBImage, face: DetectedFace) -> float:
    """Returns the height of the strongest isolated peak at high frequencies, in robust deviations."""
    patch = crops.skin(image, face).astype(np.float32)
    window = np.outer(np.hanning(crops.SIDE), np.hanning(crops.SIDE)).astype(np.float32)
    channels = [patch[..., i] - cv2.GaussianBlur(patch[..., i], (0, 0), _SHADING_PX) for i in range(3)]
    spectrum = np.mean([np.log1p(np.abs(np.fft.fftshift(np.fft.fft2(c * window)))) for c in channels], axis=0)
    axis = np.fft.fftshift(np.fft.fftfreq(crops.SIDE))
    high = np.hypot(*np.meshgrid(axis, axis)) > _MIN_GRID_FREQUENCY
    high &= (np.abs(axis)[:, None] > _JPEG_AXIS) & (np.abs(axis)[None] > _JPEG_AXIS)
    return highest_peak(spectrum.astype(np.float32), high)


def straight_edge(image: RGBImage, face: DetectedFace) -> float:
    """Returns the length of the longest straight line well outside the face, as a share of the picture's width."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, None, fx=_EDGE_SCALE, fy=_EDGE_SCALE, interpolation=cv2.INTER_AREA)
    edges = cv2.Canny(cv2.GaussianBlur(small, (0, 0), _EDGE_BLUR_PX), *_CANNY)
    x, y, width, height = (value * _EDGE_SCALE for value in face.box)
    middle = (round(x + width / 2), round(y + height / 2))
    cv2.ellipse(edges, middle, (round(width * _FACE_ELLIPSE), round(height * _FACE_ELLIPSE)), 0, 0, 360, 0, -1)
    shortest = small.shape[1] // _MIN_LINE
    lines = cv2.HoughLinesP(edges, 1, np.pi / 180, shortest // 2, minLineLength=shortest, maxLineGap=_LINE_GAP_PX)
    if lines is None:
        return 0.0
    ends = lines.reshape(-1, 4).astype(np.float64)
    return float(np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]).max() / small.shape[1])


def black_level(image: RGBImage, face: DetectedFace) -> float:
    """Returns the face's second grey percentile as a share of its 98th; reflecting paper and glass raise it."""
    x, y, width, height = (max(0, round(value)) for value in face.box)
    part = cv2.cvtColor(image[y : y + max(height, 1), x : x + max(width, 1)], cv2.COLOR_RGB2GRAY)
    low, high = np.percentile(part, _DARK_BRIGHT_PERCENTILES)
    return float(low / max(float(high), 1.0))


def _views(tracked: TrackedClip) -> list[tuple[RGBImage, DetectedFace]]:
    frames = tracked.with_face
    if not frames:
        return []
    chosen = [frames[i] for i in np.linspace(0, len(frames) - 1, min(_FRAMES, len(frames))).round().astype(int)]
    return [(tracked.pixels(frame.index), frame.face) for frame in chosen if frame.face is not None]
