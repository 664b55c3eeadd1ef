"""Were the actions done, in order and in time, and by a head rather than by something flat?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain, pairwise

import numpy as np

from idproof.models.types import Embeddings
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.liveness.challenge import NEUTRAL_MS, Action, Challenge
from idproof.pipeline.liveness.face_tracking import Watched
from idproof.pipeline.liveness.head_motion import Moved, moved
from idproof.pipeline.liveness.head_pose import STRAIGHT, HeadPose
from idproof.pipeline.types import CheckResult, Outcome

ACTIONS, RIGID, CONTINUOUS = "liveness_actions", "liveness_depth", "liveness_continuity"
SAME, SELFIE = "liveness_same_person", "liveness_selfie"

_BY_LANDMARKS, _BY_POINTS = {"yaw": 12.0, "pitch": 5.0}, {"yaw": 20.0, "pitch": 12.0}
"""Degrees, relative to looking straight ahead, that count as the whole of an action, as seen by five landmarks, which
show nods weakly, and by followed points."""
_BEST = 2  # frames of a step
_LEAST_DONE = 0.2  # below it an action was not done, whatever bona fide clips measured
_FULL_CLOSER = 0.12  # share by which the face grows
_ROTATIONS = frozenset({Action.TURN_LEFT, Action.TURN_RIGHT, Action.LOOK_UP, Action.LOOK_DOWN})
_LEAST_TURN_DEG = 6.0
_PROFILE_DEG = 60.0  # by landmarks, which show turns half as far again; nobody who looks ahead is beyond 50


@dataclass(frozen=True)
class Answered:
    """How a face moved over a challenge, by points followed from the first frame.

    Attributes:
        aside_deg: how far the first frame's face is turned to the side, by landmarks.
        neutral: poses before the first step.
        steps: for each step its frames with a face.
    """

    aside_deg: float
    neutral: list[HeadPose]
    steps: list[list[Moved]]


def answered(watched: Watched, challenge: Challenge) -> Answered | None:
    """None when no frame before the first step shows a face."""
    neutral = watched.between(0, NEUTRAL_MS)
    if not neutral or neutral[0].pose is None:
        return None
    seen = [watched.between(step.start_ms, step.end_ms) for step in challenge.steps]
    others = moved(watched, neutral[0], [*neutral[1:], *chain.from_iterable(seen)])
    later = iter(others[len(neutral) - 1 :])
    before = [STRAIGHT, *(entry.pose for entry in others[: len(neutral) - 1])]
    return Answered(abs(neutral[0].pose.yaw), before, [[next(later) for _ in frames] for frames in seen])


def actions(answer: Answered | None, challenge: Challenge, calibration: Calibration) -> CheckResult:
    """`liveness_actions`: the least done of all steps, 1 for the whole of an action.

    A step counts what its two best frames show beyond the neutral ones, less what they show of other actions.
    Fails with `challenge_not_followed`; could not be assessed when a step has no
    frame with a face.
    """
    if answer is None:
        return CheckResult.not_assessed(ACTIONS, "face_not_seen_throughout")
    done = []
    for step, frames in zip(challenge.steps, answer.steps, strict=True):
        if not frames or step.action not in (*_ROTATIONS, Action.COME_CLOSER):
            return CheckResult.not_assessed(ACTIONS, "face_not_seen_throughout")
        done.append(_done(step.action, [entry.pose for entry in frames], answer.neutral))
    result = calibration.at_least(ACTIONS, min(done), unit="share of the action", reason="challenge_not_followed")
    if min(done) >= _LEAST_DONE or result.outcome is Outcome.FAIL:
        return result
    return replace(result, outcome=Outcome.FAIL, reason="challenge_not_followed", limit=_LEAST_DONE)


def depth(answer: Answered | None, challenge: Challenge, calibration: Calibration) -> CheckResult | None:
    """`liveness_depth`: how much better a generic face explains the followed points than any plane does.

    For each turned frame points over the face are explained twice, with eight free numbers each: by a homography, and
    by a face of generic depth before a camera without perspective (affine in x, y and z). The value is the natural
    logarithm of the planar residual over the solid one, the median over frames. Fails with `face_flat`.

    Returns:
        None when the challenge asks for no turn: a head that only approaches hardly differs from a plane. Could not be
        assessed when the first frame shows a profile.
    """
    if not any(step.action in _ROTATIONS for step in challenge.steps):
        return None
    if answer is None:
        return CheckResult.not_assessed(RIGID, "face_not_seen_throughout")
    if answer.aside_deg > _PROFILE_DEG:  # a generic face cannot be laid over a profile
        return CheckResult.not_assessed(RIGID, "face_not_followed")
    gains = [
        entry.gain
        for step, frames in zip(challenge.steps, answer.steps, strict=True)
        for entry in frames
        if step.action in _ROTATIONS and entry.gain is not None and entry.turned_deg > _LEAST_TURN_DEG
    ]
    if not gains:
        return CheckResult.not_assessed(RIGID, "face_not_followed")
    return calibration.at_least(RIGID, float(np.median(gains)), unit="log residual", reason="face_flat")


def same_person(templates: Embeddings, calibration: Calibration) -> CheckResult:
    """`liveness_same_person`: the least cosine of templates of neighbouring frames; fails with `person_changes`."""
    if len(templates) < 2:
        return CheckResult.not_assessed(SAME, "face_not_seen_throughout")
    least = min(float(one @ other) for one, other in pairwise(templates))
    return calibration.at_least(SAME, least, unit="cosine", reason="person_changes")


def same_as_selfie(templates: Embeddings, selfie: Embeddings, accept: float, refer: float) -> CheckResult:
    """`liveness_selfie`: the best cosine of any frame with the selfie, at the face comparison's own thresholds.

    The frames are of one person by `liveness_same_person`; this says that it is the selfie's. Fails below `refer`
    (`frames_of_another_person`), is in doubt below `accept`.
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


def continuity(watched: Watched, calibration: Calibration) -> CheckResult:
    """`liveness_continuity`: share of frames in which a single face is seen; fails with `face_lost`."""
    share = len(watched.found) / len(watched.seen)
    return calibration.at_least(CONTINUOUS, share, unit="share of frames", reason="face_lost")


def _done(action: Action, poses: list[HeadPose], neutral: list[HeadPose]) -> float:
    """The mean of the two frames that show it best: one alone may be noise, or the head on its way back."""
    straight = _straight(neutral)
    shown = sorted((_shown(action, pose, straight, _BY_POINTS) for pose in poses), reverse=True)
    return float(np.mean(shown[:_BEST]))


def shown_now(action: Action, pose: HeadPose, neutral: list[HeadPose]) -> float:
    """How much of an action one frame's landmarks show beyond neutral ones, 1 for the whole: for guidance alone."""
    return _shown(action, pose, _straight(neutral), _BY_LANDMARKS, nods=0.5)


def _straight(neutral: list[HeadPose]) -> dict[str, float]:
    return {name: float(np.median([getattr(seen, name) for seen in neutral])) for name in ("yaw", "pitch", "scale")}


def _shown(
    action: Action, pose: HeadPose, straight: Mapping[str, float], axes: Mapping[str, float], nods: float = 1.0
) -> float:
    """How much of the action one frame shows, less half of what it shows of others beyond twice as much.

    `nods` is how much a nod counts among others: for landmarks half, which show it with as much noise as signal.
    """
    yaw, pitch = ((getattr(pose, name) - straight[name]) / axes[name] for name in ("yaw", "pitch"))
    closer = (pose.scale / straight["scale"] - 1) / _FULL_CLOSER
    nodded = nods * abs(pitch)
    shares: dict[Action, tuple[float, float]] = {
        Action.TURN_LEFT: (yaw, max(nodded, closer)),
        Action.TURN_RIGHT: (-yaw, max(nodded, closer)),
        Action.LOOK_UP: (pitch, max(abs(yaw), closer)),
        Action.LOOK_DOWN: (-pitch, max(abs(yaw), closer)),
        Action.COME_CLOSER: (closer, max(abs(yaw), nodded)),
    }
    wanted, strayed = shares[action]
    return wanted - 0.5 * max(0.0, strayed - 2 * max(wanted, 0.0))
