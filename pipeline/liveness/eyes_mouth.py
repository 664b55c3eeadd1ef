"""Check that the eyes were closed or the mouth was opened when asked, which a still picture does not show.

A face that is printed and bent, or turned, warped and lit by software out of one picture, keeps its open eyes and its
closed mouth. Lids and lips are measured against the same person's own before the first action, since the opening of
eyes differs between people by a factor of two.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from idproof.models.types import FaceLandmarker
from idproof.pipeline.liveness.challenge import FEATURE_ACTIONS, NEUTRAL_MS, Action, Challenge, Step
from idproof.pipeline.liveness.face_tracking import TrackedClip, TrackedFrame
from idproof.pipeline.types import CheckResult, Outcome, Status

NAME = "liveness_eyes_mouth"

# Chosen by hand: real pictures give 0.06 to 0.09 for closed eyes, 0.2 to 0.3 for open ones, and 0.2 to 0.3 for open
# mouths; the least share and the tolerated pose by rendered people and stills of the split `tuning`.
_FULL_CLOSURE = 0.5  # share of the person's own opening by which closed eyes are less open
_FULL_OPENING = 0.25  # of the mouth's width, by which an open mouth is more open
_MIN_SHARE = 0.3
_OTHER_SHARE = 1.0  # of the action that was not asked for: a recording that does both would answer either
_BEST_FRAMES = 2  # of a step: one alone may be noise
_MIN_EYES = 0.12  # own opening below which closing can hardly be measured
_MAX_MOUTH = 0.4  # own opening above which a mouth hardly opens further
_MAX_YAW_DEG = 15.0  # away from the own straight pose, by landmarks; a face turned aside shows other openings
_OWN_FRAMES = 2  # before the first action
_TINY = 1e-6  # against a division by nothing


@dataclass(frozen=True, slots=True)
class Openings:
    """Mean opening of both eyes, and opening of the mouth, as shares of their widths."""

    eyes: float
    mouth: float


def check(tracked: TrackedClip, challenge: Challenge, landmarker: FaceLandmarker | None) -> CheckResult | None:
    """`liveness_eyes_mouth`: share of the asked closing or opening, 1 for the whole of it; the least over all steps.

    Two frames of a step have to show it, and the lesser of the two best counts. In doubt with
    `eyes_mouth_not_followed` below three tenths: it never rejects, since the networks' errors on an operator's own
    applicants are unknown. Not part of the fused score.

    Returns:
        None when the challenge asks for neither. Could not be assessed without networks of landmarks, when a step shows
        no straight face, and when the person's own eyes or mouth leave nothing to measure.
    """
    steps = [step for step in challenge.steps if step.action in FEATURE_ACTIONS]
    if not steps:
        return None
    shares = [None if landmarker is None else _share(tracked, step, landmarker) for step in steps]
    known = [share for share in shares if share is not None]
    if len(known) < len(steps):
        return CheckResult.not_assessed(NAME, "eyes_mouth_not_seen")
    least = min(known)
    return CheckResult(
        name=NAME,
        status=Status.ASSESSED,
        outcome=Outcome.PASS if least >= _MIN_SHARE else Outcome.DOUBT,
        value=round(least, 5),
        unit="share of the action",
        score=round(float(np.clip(least, 0, 1)), 5),
        reason=None if least >= _MIN_SHARE else "eyes_mouth_not_followed",
        limit=_MIN_SHARE,
    )


def _share(tracked: TrackedClip, step: Step, landmarker: FaceLandmarker) -> float | None:
    """Returns the lesser share of the step's two best frames; None where they cannot be measured."""
    before = tracked.between(0, NEUTRAL_MS)[:_OWN_FRAMES]
    own = [measure(tracked, frame, landmarker) for frame in before]
    if not own:
        return None
    # The most open eyes and the least open mouth: somebody may blink or speak in one of the frames.
    usual = Openings(max(entry.eyes for entry in own), min(entry.mouth for entry in own))
    if not (usual.eyes >= _MIN_EYES if step.action is Action.BLINK else usual.mouth <= _MAX_MOUTH):
        return None
    shares: list[float] = []
    for frame in _straight(tracked, step, before):
        shares.append(_shown(step.action, measure(tracked, frame, landmarker), usual))
        if sum(share >= 1 for share in shares) == _BEST_FRAMES:
            break
    return sorted(shares, reverse=True)[_BEST_FRAMES - 1] if len(shares) >= _BEST_FRAMES else None


def measure(tracked: TrackedClip, frame: TrackedFrame, landmarker: FaceLandmarker) -> Openings:
    """Measures a frame with a face."""
    if frame.face is None:
        raise ValueError("a frame that is measured has a face")
    image = tracked.pixels(frame.index)
    mesh = landmarker.mesh(image, frame.face)
    return Openings(float(np.mean([eye.opening for eye in landmarker.eyes(image, mesh)])), mesh.mouth_opening)


def _straight(tracked: TrackedClip, step: Step, before: Sequence[TrackedFrame]) -> list[TrackedFrame]:
    """Returns the frames of a step in which the head is not turned aside, those of its middle first."""
    yaw = float(np.median([frame.pose.yaw for frame in before if frame.pose is not None]))
    frames = tracked.between(step.start_ms, step.end_ms)
    straight = [frame for frame in frames if frame.pose is not None and abs(frame.pose.yaw - yaw) < _MAX_YAW_DEG]
    middle = (step.start_ms + step.end_ms) / 2
    return sorted(straight, key=lambda frame: abs(tracked.clip.frames[frame.index].captured_ms - middle))


def _shown(action: Action, seen: Openings, usual: Openings) -> float:
    """Returns the share of the action in one frame; none where the other action is shown as well."""
    closed = (1 - seen.eyes / max(usual.eyes, _TINY)) / _FULL_CLOSURE
    opened = (seen.mouth - usual.mouth) / _FULL_OPENING
    asked, other = (closed, opened) if action is Action.BLINK else (opened, closed)
    return asked if other < _OTHER_SHARE else 0.0
