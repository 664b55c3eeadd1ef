"""Signs of injection: the frames do not come from a live camera.

No sign proves a camera; each is a trace of careless injection. The client's report of its camera is only a signal for
the fused score and rejects nobody by itself: browsers and honest devices report odd things too.
"""

from dataclasses import replace
from datetime import datetime
from itertools import combinations, pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline import portrait_copy
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.liveness.challenge import Challenge
from idproof.pipeline.liveness.frames import CameraReport, Clip, Frame
from idproof.pipeline.types import CheckResult, Outcome, Status

TIMING, REPEATS, NOISE = "liveness_timing", "liveness_repeats", "liveness_noise"
CAMERA, PORTRAIT, FRESH = "liveness_camera", "liveness_portrait_copy", "liveness_fresh"

# Chosen by hand on rendered tuning data; no outside source, unless another is named.
_THUMBNAIL = (96, 128)
_MAX_REPEATED_SHARE = 0.25  # of the frames; a loop repeats more than half of them
_MIN_GAP_MS, _FRAME_RATES = 4.0, (1.0, 250.0)  # 250 frames per second is 4 ms per frame
_EQUAL_GAPS_MS = 0.01  # spread of all gaps below which a program made them
_MIN_OPEN_MS = 8.0  # a camera must power its sensor and settle its exposure
_ASPECT_TOLERANCE, _AREA_TOLERANCE, _RATE_TOLERANCE = 0.02, 1.02, 1.2
_SCORE_PER_SIGN, _MIN_CAMERA_SCORE = 0.25, 0.25
_NOISE_FRAMES = 6
_LIT_GREY = (30, 225)  # neither dark nor overexposed
_MAX_NOISE = 4.0  # grey levels; telephones in a dim room reach 2 to 3 before their noise reduction
_SMOOTH_PERCENTILE = 40  # of the roughness: the smoother part of the picture


def timing(clip: Clip) -> CheckResult:
    """`liveness_timing`: number of contradictions in times and frame numbers; any of them fails.

    No camera produces them. They are times or numbers that do not grow, frames closer than 4 ms, a rate outside 1..250
    frames per second, and gaps that are equal to a hundredth of a millisecond. One frame that was delivered twice may
    keep its time and number. Reason `frame_timing_impossible`.
    """
    frames = _without_copy(clip.frames)
    times = [frame.captured_ms for frame in frames]
    numbers = [frame.number for frame in frames]
    gaps = np.array([later - earlier for earlier, later in pairwise(times)])
    counts = np.array([later - earlier for earlier, later in pairwise(numbers)])
    wrong = int((gaps < _MIN_GAP_MS).sum()) + int((counts < 1).sum()) + int(not np.isfinite(times).all())
    wrong += int(np.ptp(gaps) < _EQUAL_GAPS_MS)
    if gaps.sum() > 0:
        wrong += int(not _FRAME_RATES[0] <= 1000 * counts.sum() / gaps.sum() <= _FRAME_RATES[1])
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
    """`liveness_repeats`: smallest difference of any two frames, grey levels at 96 × 128, one frame left out.

    A camera in a hand never takes the same picture twice, but a browser or an encoder under load now and then delivers
    one frame twice: so the frame whose absence helps most is left out. Below the limit the check is in doubt, and it
    fails when more than a quarter of the frames repeat earlier ones, as in a looped recording, whatever encoder it went
    through. Reason `frames_repeat`.
    """
    small = [_thumbnail(frame.pixels) for frame in clip.frames]
    apart = np.full((len(small), len(small)), np.inf)
    for one, other in combinations(range(len(small)), 2):
        apart[one, other] = float(np.abs(small[one] - small[other]).mean())
    twice = np.unravel_index(int(apart.argmin()), apart.shape)
    smallest = max(float(_without(apart, int(frame)).min()) for frame in twice)
    result = calibration.at_least(REPEATS, smallest, unit="grey levels", reason="frames_repeat")
    if result.outcome is not Outcome.FAIL:
        return result
    repeated = int((apart.min(axis=0) < calibration.low(REPEATS)).sum())
    few = repeated <= _MAX_REPEATED_SHARE * len(small)
    return replace(result, outcome=Outcome.DOUBT) if few else result


def noise(clip: Clip, calibration: Calibration) -> CheckResult:
    """`liveness_noise`: noise from pixel to pixel where the picture is smooth.

    The value is the median over frames, in grey levels. More than 4, where no bona fide clip has as much, is in doubt
    with `noise_not_of_a_camera`; it never fails. There is no lower limit: noise reduction and strong compression leave
    telephones' frames with none. Could not be assessed, with `noise_not_seen`, when no frame has a smooth area that is
    neither dark nor overexposed.
    """
    chosen = clip.frames[:: max(1, len(clip.frames) // _NOISE_FRAMES)]
    values = [value for frame in chosen if (value := _noise(frame.pixels)) is not None]
    if not values:
        return CheckResult.not_assessed(NOISE, "noise_not_seen")
    result = calibration.at_most(NOISE, float(np.median(values)), unit="grey levels", reason="noise_not_of_a_camera")
    if result.outcome is not Outcome.FAIL:
        return result
    if float(np.median(values)) <= _MAX_NOISE:  # little light makes any camera this noisy
        return replace(result, outcome=Outcome.PASS, reason=None, limit=_MAX_NOISE)
    return replace(result, outcome=Outcome.DOUBT, limit=_MAX_NOISE)


def camera(clip: Clip) -> CheckResult:
    """`liveness_camera`: number of signs of a virtual camera, as a score; it always passes.

    Compares the requested format, the reported format, the frames that arrive and the time to open the camera. A
    missing report is no sign.
    """
    signs = _signs(clip.camera, clip) if clip.camera else 0
    return CheckResult(
        name=CAMERA,
        status=Status.ASSESSED,
        outcome=Outcome.PASS,
        value=float(signs),
        unit="signs",
        score=max(_MIN_CAMERA_SCORE, 1 - _SCORE_PER_SIGN * signs),
    )


def copies_portrait(faces: list[RGBImage], portrait: RGBImage) -> CheckResult:
    """`liveness_portrait_copy`: likeness of the frames to the card's own portrait as a picture (`portrait_copy`).

    Args:
        faces: aligned faces of frames, (112, 112, 3).
        portrait: the aligned face on the card.

    Returns:
        Fails or is in doubt with `frame_is_card_portrait`.
    """
    if not faces:
        return CheckResult.not_assessed(PORTRAIT, "face_not_seen_throughout")
    return portrait_copy.check(PORTRAIT, "frame_is_card_portrait", faces, portrait)


def fresh(challenge: Challenge, received_at: datetime) -> CheckResult:
    """`liveness_fresh`: seconds left before expiry when the frames arrived; fails with `challenge_expired`."""
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


def _without_copy(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """Returns the frames without the first one that is the frame before it, delivered once more."""
    for place, (before, frame) in enumerate(pairwise(frames), start=1):
        if (frame.captured_ms == before.captured_ms or frame.number == before.number) and frame.copies(before):
            return frames[:place] + frames[place + 1 :]
    return frames


def _without(apart: NDArray[np.float64], frame: int) -> NDArray[np.float64]:
    return np.delete(np.delete(apart, frame, axis=0), frame, axis=1)


def _thumbnail(pixels: RGBImage) -> NDArray[np.float32]:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, _THUMBNAIL, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _noise(pixels: RGBImage) -> float | None:
    """Returns the standard deviation of noise in smooth areas (Immerkær, "Fast noise variance estimation", 1996)."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
    response = np.abs(cv2.filter2D(grey, -1, kernel))[2:-2, 2:-2]
    rough = cv2.blur(np.abs(cv2.Sobel(cv2.GaussianBlur(grey, (0, 0), 2.0), cv2.CV_32F, 1, 1)), (9, 9))[2:-2, 2:-2]
    lit = (grey[2:-2, 2:-2] > _LIT_GREY[0]) & (grey[2:-2, 2:-2] < _LIT_GREY[1])
    smooth = lit & (rough <= np.percentile(rough, _SMOOTH_PERCENTILE))
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
            min(abs(ratio - 1), abs(turned - 1)) > _ASPECT_TOLERANCE,
            width * height > _AREA_TOLERANCE * reported[0] * reported[1],
            rate > _RATE_TOLERANCE * reported[2],
            report.open_ms < _MIN_OPEN_MS,
        )
    )
