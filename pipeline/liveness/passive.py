"""Print and display give themselves away in single frames: a small network, and three measures anybody can follow."""

from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import DetectedFace, PassiveEnsemble, RGBImage
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.liveness import crops
from idproof.pipeline.liveness.face_tracking import Watched
from idproof.pipeline.spectrum import highest_peak
from idproof.pipeline.types import CheckResult, Outcome, Status

TEXTURE, GRID, EDGE, BLACK = "liveness_texture", "liveness_grid", "liveness_sheet_edge", "liveness_gamut"
ENSEMBLE = "liveness_ensemble"
_FRAMES = 5


class SpoofNetwork(Protocol):
    """Tells skin from print and display."""

    def logits(self, skin: list[RGBImage], context: list[RGBImage]) -> NDArray[np.float32]:
        """One a face, higher for bona fide."""
        ...


def check(watched: Watched, network: SpoofNetwork, calibration: Calibration) -> list[CheckResult]:
    """Four checks over a few frames spread over the clip, each the median.

    - `liveness_texture`: the network's logit; `texture_of_print_or_display`;
    - `liveness_grid`: strongest isolated peak in the spectrum of skin, robust deviations; `grid_on_skin`;
    - `liveness_sheet_edge`: longest straight edge outside the face, share of the picture's width; `sheet_edge_seen`;
    - `liveness_gamut`: how deep the darks of the face are, 0..1 of its range; `gamut_of_print_or_display`.
    """
    names = (TEXTURE, GRID, EDGE, BLACK)
    views = _views(watched)
    if not views:
        return [CheckResult.not_assessed(name, "face_not_seen_throughout") for name in names]
    skin = [crops.skin(image, face) for image, face in views]
    context = [crops.context(image, face) for image, face in views]
    logit = float(np.median(network.logits(skin, context)))
    peak = float(np.median([grid_peak(image, face) for image, face in views]))
    edge = float(np.median([straight_edge(image, face) for image, face in views[:3]]))
    black = float(np.median([darks(image, face) for image, face in views]))
    return [
        calibration.at_least(TEXTURE, logit, unit="logit", reason="texture_of_print_or_display"),
        calibration.at_most(GRID, peak, unit="robust deviations", reason="grid_on_skin"),
        calibration.at_most(EDGE, edge, unit="share of the width", reason="sheet_edge_seen"),
        calibration.at_most(BLACK, black, unit="share of the range", reason="gamut_of_print_or_display"),
    ]


def by_ensemble(watched: Watched, ensemble: PassiveEnsemble) -> CheckResult:
    """`liveness_ensemble`: mean probability of `real` over a few frames, by networks that an operator brought.

    Judged by their publisher's own rule, that no other class is likelier in most of the frames; fails with
    `texture_of_print_or_display`. No part of the fused score: nothing here says what bona fide clips give them.
    """
    views = _views(watched)
    if not views:
        return CheckResult.not_assessed(ENSEMBLE, "face_not_seen_throughout")
    seen = [ensemble.reality(image, face) for image, face in views]
    real = float(np.mean([probability for probability, _ in seen]))
    passed = 2 * sum(likeliest for _, likeliest in seen) > len(seen)
    return CheckResult(
        name=ENSEMBLE,
        status=Status.ASSESSED,
        outcome=Outcome.PASS if passed else Outcome.FAIL,
        value=round(real, 5),
        unit="probability",
        score=round(real, 5),
        reason=None if passed else "texture_of_print_or_display",
    )


def grid_peak(image: RGBImage, face: DetectedFace) -> float:
    """Height of the strongest isolated peak at high frequencies, in robust deviations."""
    patch = crops.skin(image, face).astype(np.float32)
    window = np.outer(np.hanning(crops.SIDE), np.hanning(crops.SIDE)).astype(np.float32)
    channels = [patch[..., i] - cv2.GaussianBlur(patch[..., i], (0, 0), 3.0) for i in range(3)]
    spectrum = np.mean([np.log1p(np.abs(np.fft.fftshift(np.fft.fft2(c * window)))) for c in channels], axis=0)
    axis = np.fft.fftshift(np.fft.fftfreq(crops.SIDE))
    # JPEG's blocks of eight make peaks of their own on the axes.
    high = (np.hypot(*np.meshgrid(axis, axis)) > 0.15) & (np.abs(axis)[:, None] > 0.02) & (np.abs(axis)[None] > 0.02)
    return highest_peak(spectrum.astype(np.float32), high)


def straight_edge(image: RGBImage, face: DetectedFace) -> float:
    """Length of the longest straight line well outside the face, 0.. of the picture's width."""
    small = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    edges = cv2.Canny(cv2.GaussianBlur(small, (0, 0), 1.5), 25, 70)
    x, y, width, height = (value / 2 for value in face.box)
    middle = (round(x + width / 2), round(y + height / 2))
    cv2.ellipse(edges, middle, (round(width * 0.85), round(height * 0.85)), 0, 0, 360, 0, -1)
    least = small.shape[1] // 4
    lines = cv2.HoughLinesP(edges, 1, np.pi / 180, least // 2, minLineLength=least, maxLineGap=4)
    if lines is None:
        return 0.0
    ends = lines.reshape(-1, 4).astype(np.float64)
    return float(np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]).max() / small.shape[1])


def darks(image: RGBImage, face: DetectedFace) -> float:
    """Where the darkest fiftieth of the face lies between black and its brightest fiftieth; paper and glass lift it."""
    x, y, width, height = (max(0, round(value)) for value in face.box)
    part = cv2.cvtColor(image[y : y + max(height, 1), x : x + max(width, 1)], cv2.COLOR_RGB2GRAY)
    low, high = np.percentile(part, (2, 98))
    return float(low / max(float(high), 1.0))


def _views(watched: Watched) -> list[tuple[RGBImage, DetectedFace]]:
    found = watched.found
    if not found:
        return []
    chosen = [found[i] for i in np.linspace(0, len(found) - 1, min(_FRAMES, len(found))).round().astype(int)]
    return [(watched.pixels(entry.place), entry.face) for entry in chosen if entry.face is not None]
