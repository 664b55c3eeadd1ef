"""Were the actions done, in order and in time, and by a head rather than by something flat?"""

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import Embeddings
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.liveness.challenge import NEUTRAL_MS, Action, Challenge
from idproof.pipeline.liveness.pose import FACE_MM, HeadPose
from idproof.pipeline.liveness.watch import Seen, Watched, follow
from idproof.pipeline.types import CheckResult, Outcome

ACTIONS, RIGID, CONTINUOUS = "liveness_actions", "liveness_depth", "liveness_continuity"
SAME, SELFIE = "liveness_same_person", "liveness_selfie"

_AXES = {"yaw": 12.0, "pitch": 5.0}
"""Degrees, relative to looking straight ahead, that count as the whole of an action; five points show nods weakly."""
_BEST = 2  # frames of a step
_LEAST_DONE = 0.2  # below it an action was not done, whatever bona fide clips measured
_FULL_CLOSER = 0.12  # share by which the face grows
_ROTATIONS = frozenset({Action.TURN_LEFT, Action.TURN_RIGHT, Action.LOOK_UP, Action.LOOK_DOWN})
_LEAST_POINTS = 14
_LEAST_TURN_DEG = 6.0


def actions(watched: Watched, challenge: Challenge, calibration: Calibration) -> CheckResult:
    """`liveness_actions`: the least done of all steps, 1 for the whole of an action.

    A step counts what its two best frames show beyond the neutral ones, less what they show of other actions.
    Fails with `challenge_not_followed`; could not be assessed when a step has no
    frame with a face.
    """
    neutral = [entry.pose for entry in watched.between(0, NEUTRAL_MS) if entry.pose]
    if not neutral:
        return CheckResult.not_assessed(ACTIONS, "face_not_seen_throughout")
    done = []
    for step in challenge.steps:
        poses = [entry.pose for entry in watched.between(step.start_ms, step.end_ms) if entry.pose]
        if not poses or step.action not in (*_ROTATIONS, Action.COME_CLOSER):
            return CheckResult.not_assessed(ACTIONS, "face_not_seen_throughout")
        done.append(_done(step.action, poses, neutral))
    result = calibration.at_least(ACTIONS, min(done), unit="share of the action", reason="challenge_not_followed")
    if min(done) >= _LEAST_DONE or result.outcome is Outcome.FAIL:
        return result
    return replace(result, outcome=Outcome.FAIL, reason="challenge_not_followed", limit=_LEAST_DONE)


def depth(watched: Watched, challenge: Challenge, calibration: Calibration) -> CheckResult | None:
    """`liveness_depth`: how much better a generic face explains the followed points than any plane does.

    For each turned frame points over the face are explained twice, with eight free numbers each: by a homography, and
    by a face of generic depth before a camera without perspective (affine in x, y and z). The value is the natural
    logarithm of the planar residual over the solid one, the median over frames. Fails with `face_flat`.

    Returns:
        None when the challenge asks for no turn: a head that only approaches hardly differs from a plane.
    """
    steps = [step for step in challenge.steps if step.action in _ROTATIONS]
    if not steps:
        return None
    neutral = watched.between(0, NEUTRAL_MS)
    if not neutral or neutral[0].pose is None or neutral[0].face is None:
        return CheckResult.not_assessed(RIGID, "face_not_seen_throughout")
    start = neutral[0]
    turned = [entry for step in steps for entry in watched.between(step.start_ms, step.end_ms) if _turned(start, entry)]
    gains = [
        gain for _, points, there in follow(watched, start, turned) if (gain := _gain(start, points, there)) is not None
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
    straight = {name: float(np.median([getattr(pose, name) for pose in neutral])) for name in ("yaw", "pitch", "scale")}
    shown = sorted((_shown(action, pose, straight) for pose in poses), reverse=True)
    return float(np.mean(shown[:_BEST]))


def shown_now(action: Action, pose: HeadPose, neutral: list[HeadPose]) -> float:
    """How much of an action one frame shows beyond neutral ones, 1 for the whole of it: for guidance alone."""
    straight = {name: float(np.median([getattr(seen, name) for seen in neutral])) for name in ("yaw", "pitch", "scale")}
    return _shown(action, pose, straight)


def _shown(action: Action, pose: HeadPose, straight: dict[str, float]) -> float:
    """How much of the action one frame shows, less half of what it shows of others beyond twice as much."""
    yaw, pitch = ((getattr(pose, name) - straight[name]) / _AXES[name] for name in ("yaw", "pitch"))
    closer = (pose.scale / straight["scale"] - 1) / _FULL_CLOSER
    nodded = abs(pitch) / 2  # five points show nods with as much noise as signal
    shares: dict[Action, tuple[float, float]] = {
        Action.TURN_LEFT: (yaw, max(nodded, closer)),
        Action.TURN_RIGHT: (-yaw, max(nodded, closer)),
        Action.LOOK_UP: (pitch, max(abs(yaw), closer)),
        Action.LOOK_DOWN: (-pitch, max(abs(yaw), closer)),
        Action.COME_CLOSER: (closer, max(abs(yaw), nodded)),
    }
    wanted, strayed = shares[action]
    return wanted - 0.5 * max(0.0, strayed - 2 * max(wanted, 0.0))


def _turned(start: Seen, entry: Seen) -> bool:
    if start.pose is None or entry.pose is None:
        return False
    return float(np.hypot(entry.pose.yaw - start.pose.yaw, entry.pose.pitch - start.pose.pitch)) > _LEAST_TURN_DEG


def _gain(start: Seen, points: NDArray[np.float32], there: NDArray[np.float32]) -> float | None:
    if len(points) < _LEAST_POINTS or start.face is None:
        return None
    eyes = start.face.inter_eye_distance
    solid = np.column_stack([points, _generic_depth(start, points), np.ones(len(points))])
    solid[:, :3] /= eyes
    matrix = _robust(solid, np.asarray(there / eyes, dtype=np.float64))
    homography, _ = cv2.findHomography(points, there, cv2.LMEDS)
    if homography is None:
        return None
    flat = cv2.perspectiveTransform(points[:, None], homography)[:, 0]
    of_plane = float(np.median(np.linalg.norm(flat - there, axis=1)) / eyes)
    of_solid = float(np.median(np.linalg.norm(solid @ matrix - there / eyes, axis=1)))
    return float(np.log((of_plane + 0.002) / (of_solid + 0.002)))


def _robust(known: NDArray[np.float64], wanted: NDArray[np.float64], rounds: int = 4) -> NDArray[np.float64]:
    """Least squares that points far off count less for (iteratively reweighted, Cauchy's weights)."""
    weight = np.ones(len(known))
    for _ in range(rounds):
        matrix, *_ = np.linalg.lstsq(known * weight[:, None], wanted * weight[:, None], rcond=None)
        residual = np.linalg.norm(known @ matrix - wanted, axis=1)
        weight = np.sqrt(1 / (1 + (residual / max(1.5 * float(np.median(residual)), 1e-4)) ** 2))
    return np.asarray(matrix)


def _generic_depth(start: Seen, points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Depth in pixels of points on the face: an ellipsoid with a nose, laid over the landmarks."""
    if start.face is None:
        raise ValueError("depth belongs to a face")
    known = np.column_stack([start.face.landmarks, np.ones(5)])
    matrix, *_ = np.linalg.lstsq(known, FACE_MM[:, :2], rcond=None)
    x, y = (np.column_stack([points, np.ones(len(points))]) @ matrix).T
    head = 80 * np.sqrt(np.clip(1 - (x / 82) ** 2 - ((y - 0) / 112) ** 2, 0, 1))
    nose = 22 * np.exp(-((x / 12) ** 2) - (y / np.where(y < 0, 26, 10)) ** 2)
    eyes = start.face.inter_eye_distance
    return np.asarray((head + nose) * eyes / 63.0)
