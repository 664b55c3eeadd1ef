"""Did these frames come out of a camera just now? Signs that they were put in its place.

None of them proves a camera; each is what careless injection leaves behind. What a client says of its camera is a
signal for the fused score and never a gate of its own: browsers and honest devices say odd things too.
"""

from datetime import datetime
from itertools import combinations, pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.liveness.challenge import Challenge
from idproof.pipeline.liveness.frames import CameraReport, Clip
from idproof.pipeline.types import CheckResult, Outcome, Status

TIMING, REPEATS, NOISE = "liveness_timing", "liveness_repeats", "liveness_noise"
CAMERA, PORTRAIT, FRESH = "liveness_camera", "liveness_portrait_copy", "liveness_fresh"

_THUMB = (96, 128)
_LEAST_GAP_MS, _RATES = 4.0, (1.0, 250.0)
_FASTEST_OPEN_MS = 8.0  # hardware needs to power a sensor and to settle its exposure
_SAME_PICTURE, _ALIKE = 0.90, 0.84
"""Of 400 pairs of different LFW photographs of one person 396 are below 0.78 and none above 0.86 (LFW holds shots of
one moment). Of 400 photographs that were turned, scaled, blurred and noised, and compared with themselves, half are
above 0.94 and 95 % above 0.87."""
_SHIFT = 4  # pixels of the aligned face by which two pictures of it may be out of register


def timing(clip: Clip) -> CheckResult:
    """`liveness_timing`: how many things about times and numbers no camera does; any of them fails.

    Times or numbers that do not grow, frames closer than 4 ms, a rate outside 1..250 frames a second, or exactly equal
    gaps between all frames, to a hundredth of a millisecond. Reason `frame_timing_impossible`.
    """
    times = [frame.captured_ms for frame in clip.frames]
    numbers = [frame.number for frame in clip.frames]
    gaps = np.array([later - earlier for earlier, later in pairwise(times)])
    counts = np.array([later - earlier for earlier, later in pairwise(numbers)])
    wrong = int((gaps < _LEAST_GAP_MS).sum()) + int((counts < 1).sum()) + int(not np.isfinite(times).all())
    wrong += int(np.ptp(gaps) < 0.01)
    if gaps.sum() > 0:
        wrong += int(not _RATES[0] <= 1000 * counts.sum() / gaps.sum() <= _RATES[1])
    return CheckResult(
        name=TIMING,
        status=Status.ASSESSED,
        outcome=Outcome.FAIL if wrong else Outcome.PASS,
        value=float(wrong),
        unit="contradictions",
        score=1.0 if not wrong else 0.0,
        reason="frame_timing_impossible" if wrong else None,
        limit=0.0,
    )


def repeats(clip: Clip, calibration: Calibration) -> CheckResult:
    """`liveness_repeats`: the least difference of any two frames, grey levels at 96 × 128; fails with `frames_repeat`.

    A camera held by a hand never gives the same picture twice; a loop does, whatever encoder it went through.
    """
    small = [_thumb(frame.pixels) for frame in clip.frames]
    least = min(float(np.abs(one - other).mean()) for one, other in combinations(small, 2))
    return calibration.at_least(REPEATS, least, unit="grey levels", reason="frames_repeat")


def noise(clip: Clip, calibration: Calibration) -> CheckResult:
    """`liveness_noise`: what changes from pixel to pixel between neighbouring frames where the picture is smooth.

    The noise of a sensor is new in each frame; that of an animated photograph moves with it, or is missing. The value
    is the median over frames, in grey levels; outside what cameras show it fails with `noise_not_of_a_camera`. Could
    not be assessed, with `noise_not_seen`, when no frame has anything smooth that is neither dark nor glaring.
    """
    looked_at = clip.frames[:: max(1, len(clip.frames) // 6)]
    values = [value for frame in looked_at if (value := _noise(frame.pixels)) is not None]
    if not values:
        return CheckResult.not_assessed(NOISE, "noise_not_seen")
    return calibration.within(NOISE, float(np.median(values)), unit="grey levels", reason="noise_not_of_a_camera")


def camera(clip: Clip) -> CheckResult:
    """`liveness_camera`: signs of a virtual camera, as a score; it passes whatever it finds.

    Compared are what was asked for, what the camera reports, what arrives and how soon; nothing told is no sign.
    """
    signs = _signs(clip.camera, clip) if clip.camera else 0
    return CheckResult(
        name=CAMERA,
        status=Status.ASSESSED,
        outcome=Outcome.PASS,
        value=float(signs),
        unit="signs",
        score=max(0.25, 1 - 0.25 * signs),
    )


def portrait_copy(faces: list[RGBImage], portrait: RGBImage) -> CheckResult:
    """`liveness_portrait_copy`: is a frame the card's own portrait, as a picture?

    Args:
        faces: aligned faces of frames, (112, 112, 3).
        portrait: the aligned face on the card.

    Returns:
        The greatest correlation of fine structure of any frame with the portrait, registered to the pixel; fails or is
        in doubt with `frame_is_card_portrait`.
    """
    if not faces:
        return CheckResult.not_assessed(PORTRAIT, "face_not_seen_throughout")
    printed = _structure(portrait)
    inner = printed[24 - _SHIFT : 104 + _SHIFT, 20 - _SHIFT : 92 + _SHIFT]
    likeness = [
        float(cv2.matchTemplate(inner, _structure(face)[24:104, 20:92], cv2.TM_CCOEFF_NORMED).max()) for face in faces
    ]
    value = max(likeness)
    outcome = Outcome.FAIL if value > _SAME_PICTURE else Outcome.DOUBT if value > _ALIKE else Outcome.PASS
    return CheckResult(
        name=PORTRAIT,
        status=Status.ASSESSED,
        outcome=outcome,
        value=round(value, 4),
        unit="correlation",
        score=float(np.clip(1 - value, 0, 1)),
        reason=None if outcome is Outcome.PASS else "frame_is_card_portrait",
        limit=_ALIKE,
    )


def fresh(challenge: Challenge, received_at: datetime) -> CheckResult:
    """`liveness_fresh`: seconds left when the frames arrived; fails with `challenge_expired`."""
    left = (challenge.expires_at - received_at).total_seconds()
    late = challenge.expired(received_at)
    return CheckResult(
        name=FRESH,
        status=Status.ASSESSED,
        outcome=Outcome.FAIL if late else Outcome.PASS,
        value=round(left, 1),
        unit="seconds",
        score=0.0 if late else 1.0,
        reason="challenge_expired" if late else None,
        limit=0.0,
    )


def _thumb(pixels: RGBImage) -> NDArray[np.float32]:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, _THUMB, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _noise(pixels: RGBImage) -> float | None:
    """Standard deviation of noise where there is little else (Immerkær, "Fast noise variance estimation", 1996)."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
    response = np.abs(cv2.filter2D(grey, -1, kernel))[2:-2, 2:-2]
    rough = cv2.blur(np.abs(cv2.Sobel(cv2.GaussianBlur(grey, (0, 0), 2.0), cv2.CV_32F, 1, 1)), (9, 9))[2:-2, 2:-2]
    lit = (grey[2:-2, 2:-2] > 30) & (grey[2:-2, 2:-2] < 225)
    smooth = lit & (rough <= np.percentile(rough, 40))
    return float(np.sqrt(np.pi / 2) / 6 * response[smooth].mean()) if smooth.any() else None


def _signs(report: CameraReport, clip: Clip) -> int:
    height, width, _ = clip.frames[0].pixels.shape
    reported = report.reported
    ratio = (reported[0] / max(reported[1], 1)) / (width / height)
    turned = (reported[1] / max(reported[0], 1)) / (width / height)
    span = clip.frames[-1].captured_ms - clip.frames[0].captured_ms
    rate = 1000 * (clip.frames[-1].number - clip.frames[0].number) / span if span > 0 else 0.0
    return sum(
        (
            report.requested[:2] != reported[:2] and report.requested[:2] != reported[1::-1],
            min(abs(ratio - 1), abs(turned - 1)) > 0.02,
            width * height > 1.02 * reported[0] * reported[1],
            rate > 1.2 * reported[2],
            report.open_ms < _FASTEST_OPEN_MS,
        )
    )


def _structure(face: RGBImage) -> NDArray[np.float32]:
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), 1.2) - cv2.GaussianBlur(grey, (0, 0), 5.0))
