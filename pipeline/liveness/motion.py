"""Checks of motion: the actions were done in order and in time, by a solid head, by one person.

Whether the frames show the person of the selfie is checked here as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise

import numpy as np

from idproof.models.types import Embeddings
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.liveness.challenge import NEUTRAL_MS, ROTATIONS, Action, Challenge
from idproof.pipeline.liveness.face_tracking import TrackedClip, TrackedFrame
from idproof.pipeline.liveness.head_motion import HeadMotion, measure_head_motion
from idproof.pipeline.liveness.head_pose import STRAIGHT, HeadPose
from idproof.pipeline.types import CheckResult, Outcome

ACTIONS, RIGID, CONTINUOUS = "liveness_actions", "liveness_depth", "liveness_continuity"
SAME, SELFIE = "liveness_same_person", "liveness_selfie"

# Chosen by hand on rendered tuning people; no outside source. The limits of the checks are calibrated
# (`idproof bench calibrate liveness`).
_FULL_DEG_BY_LANDMARKS, _FULL_DEG_BY_POINTS = {"yaw": 12.0, "pitch": 5.0}, {"yaw": 20.0, "pitch": 12.0}
"""Degrees from looking straight ahead that count as the whole of an action, as measured by five landmarks, which show
nods weakly, and by followed points."""
_FULL_APPROACH = 0.12  # share by which the face grows
_BEST_FRAMES = 2  # of a step
_MIN_ACTION_SHARE = 0.4
"""Below it an action was not done, whatever the calibration says. Chosen by hand below the least share of 377 bona fide
clips of the calibrations (0.50), after a clip of other actions of the split test had passed with 0.36."""
_MIN_TURN_DEG = 6.0  # of a frame that `liveness_depth` uses
_PROFILE_DEG = 60.0  # by landmarks, which show turns half as large again; nobody who looks ahead is beyond 50
_OTHER_ACTION_TOLERANCE, _OTHER_ACTION_PENALTY = 2.0, 0.5
_NOD_WEIGHT_BY_LANDMARKS = 0.5  # landmarks show nods with as much noise as signal

_MIRRORED = {Action.TURN_LEFT: Action.TURN_RIGHT, Action.TURN_RIGHT: Action.TURN_LEFT}


@dataclass(frozen=True)
class MeasuredResponse:
    """Motion of a face over a challenge, by points followed from the first frame.

    Attributes:
        aside_deg: how far the first frame's face is turned to the side, by landmarks.
        neutral: poses before the first step.
        steps: for each step of the head its frames with a face.
        before: the frames with a face before the first step.
    """

    aside_deg: float
    neutral: list[HeadPose]
    steps: list[list[HeadMotion]]
    before: list[TrackedFrame]


def measure_response(tracked: TrackedClip, challenge: Challenge) -> MeasuredResponse | None:
    """Measures the motion in each step; None when no frame before the first step shows a face."""
    neutral = tracked.between(0, NEUTRAL_MS)
    if not neutral or neutral[0].pose is None:
        return None
    steps = [tracked.between(step.start_ms, step.end_ms) for step in challenge.head_steps]
    motions = measure_head_motion(tracked, neutral[0], [*neutral[1:], *chain.from_iterable(steps)])
    later = iter(motions[len(neutral) - 1 :])
    poses = [STRAIGHT, *(motion.pose for motion in motions[: len(neutral) - 1])]
    moved = [[next(later) for _ in frames] for frames in steps]
    return MeasuredResponse(abs(neutral[0].pose.yaw), poses, moved, neutral)


def actions(response: MeasuredResponse | None, challenge: Challenge, calibration: Calibration) -> CheckResult:
    """`liveness_actions`: the smallest share of an action over all steps of the head, 1 for the whole action.

    A step counts the motion of its two best frames beyond the neutral ones, less the motion of other actions in them.
    Fails with `challenge_not_followed`. Is in doubt with `frames_mirrored` when the actions were done with left and
    right exchanged: some front cameras deliver a mirror image. Could not be assessed when a step has no frame with a
    face.
    """
    if response is None:
        return CheckResult.not_assessed(ACTIONS, "face_not_seen_throughout")
    asked = [step.action for step in challenge.head_steps]
    if not all(response.steps):
        return CheckResult.not_assessed(ACTIONS, "face_not_seen_throughout")
    result = _judge_actions(asked, response, calibration)
    if result.outcome is not Outcome.FAIL:
        return result
    exchanged = [_MIRRORED.get(action, action) for action in asked]
    if _judge_actions(exchanged, response, calibration).outcome is Outcome.PASS:
        return replace(result, outcome=Outcome.DOUBT, reason="frames_mirrored")
    return result


def _judge_actions(asked: Sequence[Action], response: MeasuredResponse, calibration: Calibration) -> CheckResult:
    """Judges the smallest share of these actions; every step has a frame with a face."""
    steps = zip(asked, response.steps, strict=True)
    least = min(_step_share(action, [frame.pose for frame in frames], response.neutral) for action, frames in steps)
    result = calibration.at_least(ACTIONS, least, unit="share of the action", reason="challenge_not_followed")
    if least >= _MIN_ACTION_SHARE or result.outcome is Outcome.FAIL:
        return result
    return replace(result, outcome=Outcome.FAIL, reason="challenge_not_followed", limit=_MIN_ACTION_SHARE)


def depth(response: MeasuredResponse | None, challenge: Challenge, calibration: Calibration) -> CheckResult | None:
    """`liveness_depth`: how much better a generic face explains the followed points than any plane does.

    For each turned frame points on the face are explained twice, with eight free numbers each: by a homography, and by
    a face of generic depth before a camera without perspective (affine in x, y and z). The value is the natural
    logarithm of the planar residual over the solid one, the median over frames. Fails with `face_flat`.

    Returns:
        None when the challenge asks for no turn: the motion of an approaching head hardly differs from a plane's.
        Could not be assessed when the first frame shows a profile.
    """
    if not any(step.action in ROTATIONS for step in challenge.steps):
        return None
    if response is None:
        return CheckResult.not_assessed(RIGID, "face_not_seen_throughout")
    if response.aside_deg > _PROFILE_DEG:  # a generic face cannot be placed on a profile
        return CheckResult.not_assessed(RIGID, "face_not_followed")
    gains = [
        frame.gain
        for step, frames in zip(challenge.head_steps, response.steps, strict=True)
        for frame in frames
        if step.action in ROTATIONS and frame.gain is not None and frame.turned_deg > _MIN_TURN_DEG
    ]
    if not gains:
        return CheckResult.not_assessed(RIGID, "face_not_followed")
    return calibration.at_least(RIGID, float(np.median(gains)), unit="log residual", reason="face_flat")


def same_person(templates: Embeddings, calibration: Calibration) -> CheckResult:
    """`liveness_same_person`: the smallest cosine of templates of neighbouring frames; fails with `person_changes`."""
    if len(templates) < 2:
        return CheckResult.not_assessed(SAME, "face_not_seen_throughout")
    smallest = min(float(one @ other) for one, other in pairwise(templates))
    return calibration.at_least(SAME, smallest, unit="cosine", reason="person_changes")


def same_as_selfie(templates: Embeddings, selfie: Embeddings, accept: float, refer: float) -> CheckResult:
    """`liveness_selfie`: the best cosine of any frame with the selfie, at the thresholds of the face comparison.

    `liveness_same_person` says that the frames show one person; this check says that it is the person of the selfie.
    Fails below `refer`, is in doubt below `accept`, both with `frames_of_another_person`.
    """
    if len(templates) == 0:
        return CheckResult.not_assessed(SELFIE, "face_not_seen_throughout")
    best = float((templates @ selfie.T).max())
    return CheckResult.compared(
        SELFIE,
        best,
        accept=accept,
        refer=refer,
        score=float(np.clip((best + 1) / 2, 0, 1)),
        doubt="frames_of_another_person",
        fail="frames_of_another_person",
    )


def continuity(tracked: TrackedClip, calibration: Calibration) -> CheckResult:
    """`liveness_continuity`: share of frames that show a single face; fails with `face_lost`."""
    share = len(tracked.with_face) / len(tracked.frames)
    return calibration.at_least(CONTINUOUS, share, unit="share of frames", reason="face_lost")


def action_progress(action: Action, pose: HeadPose, neutral: list[HeadPose]) -> float:
    """Returns the share of an action of the head that one frame's landmarks show, 1 for the whole; for guidance."""
    return _shown(action, pose, _straight(neutral), _FULL_DEG_BY_LANDMARKS, nod_weight=_NOD_WEIGHT_BY_LANDMARKS)


def _step_share(action: Action, poses: list[HeadPose], neutral: list[HeadPose]) -> float:
    """Returns the mean of the two best frames: one alone may be noise, or the head on its way back."""
    straight = _straight(neutral)
    shown = sorted((_shown(action, pose, straight, _FULL_DEG_BY_POINTS) for pose in poses), reverse=True)
    return float(np.mean(shown[:_BEST_FRAMES]))


def _straight(neutral: list[HeadPose]) -> dict[str, float]:
    return {name: float(np.median([getattr(pose, name) for pose in neutral])) for name in ("yaw", "pitch", "scale")}


def _shown(
    action: Action,
    pose: HeadPose,
    straight: Mapping[str, float],
    full_deg: Mapping[str, float],
    nod_weight: float = 1.0,
) -> float:
    """Returns the share of the action in one frame, less half of what other actions show beyond twice that share.

    `nod_weight` is the weight of a nod among other actions.
    """
    yaw, pitch = ((getattr(pose, name) - straight[name]) / full_deg[name] for name in ("yaw", "pitch"))
    closer = (pose.scale / straight["scale"] - 1) / _FULL_APPROACH
    nod = nod_weight * abs(pitch)
    shares: dict[Action, tuple[float, float]] = {
        Action.TURN_LEFT: (yaw, max(nod, closer)),
        Action.TURN_RIGHT: (-yaw, max(nod, closer)),
        Action.LOOK_UP: (pitch, max(abs(yaw), closer)),
        Action.LOOK_DOWN: (-pitch, max(abs(yaw), closer)),
        Action.COME_CLOSER: (closer, max(abs(yaw), nod)),
    }
    asked, other = shares[action]
    return asked - _OTHER_ACTION_PENALTY * max(0.0, other - _OTHER_ACTION_TOLERANCE * max(asked, 0.0))
