"""Check that the eyes were closed or the mouth was opened when asked, which a still picture does not show.

A face that is printed and bent, or turned, warped and lit by software out of one picture, keeps its open eyes and its
closed mouth. Lids and lips are measured against the same person's own before the first action, since the opening of
eyes differs between people by a factor of two.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import FaceLandmarker, FaceMesh, RGBImage
from idproof.pipeline.liveness.challenge import FEATURE_ACTIONS, NEUTRAL_MS, Action, Challenge, Step
from idproof.pipeline.liveness.face_tracking import TrackedClip, TrackedFrame
from idproof.pipeline.types import CheckResult, Outcome, Status

NAME = "liveness_eyes_mouth"

# Chosen by hand: real pictures give 0.06 to 0.09 for closed eyes, 0.2 to 0.3 for open ones, and 0.2 to 0.3 for open
# mouths; the rest by rendered people and stills of the split `tuning`.
_FULL_CLOSURE = 0.5  # share of the person's own opening by which closed eyes are less open
_FULL_OPENING = 0.25  # of the mouth's width, by which an open mouth is more open
_MIN_SHARE = 0.15
_MOUTH_SHARE = 1.0  # of an opened mouth, from which closed eyes do not count: a recording of both would answer either
_BEST_FRAMES = 2  # of a step: one alone may be noise
_LEAST_CLOSING = 0.075  # of the eye's width, for the whole of it: the networks' noise is the same for narrow eyes
_MIN_EYES = 0.09  # own opening below which closing cannot be measured
_MAX_MOUTH = 0.4  # own opening above which a mouth hardly opens further
_MAX_YAW_DEG = 15.0  # away from the own straight pose, by landmarks; a face turned aside shows other openings
_OWN_FRAMES = 2  # before the first action
_MAX_LIKENESS = {Action.BLINK: 0.97, Action.OPEN_MOUTH: 0.95}
"""Correlation of the eyes or the mouth with those before the first action, from which they are one picture: the second
least of a step's frames is 0.98 to 1 and 0.96 to 1 in stills (74 and 47 clips), 0.44 to 0.96 and 0.32 to 0.92 in people
(46 and 32)."""
_CORNERS = {Action.BLINK: ((33, 133), (362, 263)), Action.OPEN_MOUTH: ((61, 291),)}
"""Points of MediaPipe's face model at both ends of each eye, and of the mouth."""
_PART_PX = {Action.BLINK: (32, 20), Action.OPEN_MOUTH: (32, 32)}
_WIDTH_PX, _REACH_PX = 20, 2  # of an eye or a mouth in its part, and by which its place is uncertain
_LEAST_CONTRAST = 1.0  # standard deviation in grey levels, below which a part shows nothing that could change

Parts = list[NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Openings:
    """Mean opening of both eyes, and opening of the mouth, as shares of their widths."""

    eyes: float
    mouth: float


@dataclass(frozen=True, repr=False)
class _Look:
    """Landmarks of one frame; the eyes are measured when they are asked for."""

    frame: TrackedFrame
    image: RGBImage
    mesh: FaceMesh
    landmarker: FaceLandmarker

    @cached_property
    def eyes(self) -> float:
        return float(np.mean([eye.opening for eye in self.landmarker.eyes(self.image, self.mesh)]))

    @property
    def mouth(self) -> float:
        return self.mesh.mouth_opening


def check(
    tracked: TrackedClip,
    challenge: Challenge,
    landmarker: FaceLandmarker | None,
    give_eyes: Callable[[float], None] | None = None,
) -> CheckResult | None:
    """`liveness_eyes_mouth`: share of the asked closing or opening, 1 for the whole of it; the least over all steps.

    Two frames of a step have to show it, and the lesser of the two best counts. A frame shows it only where the picture
    of the eyes or the mouth has changed as well: landmarks alone vary in a still. In doubt with
    `eyes_mouth_not_followed` below 0.15: it never rejects, since the networks' errors on an operator's own
    applicants are unknown. Not part of the fused score. `give_eyes` is given the person's own opening of the eyes.

    Returns:
        None when the challenge asks for neither. Could not be assessed without networks of landmarks, when a step shows
        no straight face, and when the person's own eyes or mouth leave nothing to measure.
    """
    steps = [step for step in challenge.steps if step.action in FEATURE_ACTIONS]
    if not steps:
        return None
    before = tracked.between(0, NEUTRAL_MS)[:_OWN_FRAMES]
    own = [] if landmarker is None else list(_looks(tracked, before, landmarker))
    if own and give_eyes is not None:
        give_eyes(max(look.eyes for look in own))
    shares = [None if landmarker is None or not own else _share(tracked, step, own, landmarker) for step in steps]
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


def _share(tracked: TrackedClip, step: Step, own: Sequence[_Look], landmarker: FaceLandmarker) -> float | None:
    """Returns the lesser share of the step's two best frames; None where they cannot be measured."""
    # The most open eyes and the least open mouth: somebody may blink or speak in one of the frames.
    usual = Openings(max(look.eyes for look in own), min(look.mouth for look in own))
    if not (usual.eyes >= _MIN_EYES if step.action is Action.BLINK else usual.mouth <= _MAX_MOUTH):
        return None
    own_parts = [_parts(look, step.action) for look in own]
    shares: list[float] = []
    for look in _looks(tracked, _straight(tracked, step, [look.frame for look in own]), landmarker):
        shown = _shown(step.action, look, usual)
        if shown >= _MIN_SHARE and not _changed(step.action, _parts(look, step.action), own_parts):
            shown = 0.0
        shares.append(shown)
        if sum(share >= 1 for share in shares) == _BEST_FRAMES:
            break
    return sorted(shares, reverse=True)[_BEST_FRAMES - 1] if len(shares) >= _BEST_FRAMES else None


def _parts(look: _Look, action: Action) -> Parts:
    """Returns the eyes or the mouth of a frame, grey, upright and of one size."""
    points, size = look.mesh.points, _PART_PX[action]
    return [_part(look.image, points[one], points[other], size) for one, other in _CORNERS[action]]


def _part(
    image: RGBImage, one: NDArray[np.float32], other: NDArray[np.float32], size: tuple[int, int]
) -> NDArray[np.float32]:
    across = (other - one).astype(np.float64)
    if not across.any():
        across = np.array([1.0, 0.0])
    scale = across / _WIDTH_PX
    matrix = np.array([[scale[0], -scale[1]], [scale[1], scale[0]]])
    middle = (one + other) / 2 - matrix @ ((np.array(size) - 1) / 2)
    part = cv2.warpAffine(
        image,
        np.column_stack([matrix, middle]),
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), 1.0), dtype=np.float32)


def _changed(action: Action, seen: Parts, own: Sequence[Parts]) -> bool:
    """Returns whether both eyes, on average, or the mouth look otherwise than in each of the person's own frames."""
    likest = [max(_likeness(part, before[place]) for before in own) for place, part in enumerate(seen)]
    return float(np.mean(likest)) <= _MAX_LIKENESS[action]


def _likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Returns the greatest correlation over small shifts; 1 where one of the two shows nothing."""
    inner = one[_REACH_PX:-_REACH_PX, _REACH_PX:-_REACH_PX]
    if min(float(inner.std()), float(other.std())) < _LEAST_CONTRAST:
        return 1.0
    return float(cv2.matchTemplate(other, inner, cv2.TM_CCOEFF_NORMED).max())


def _looks(tracked: TrackedClip, frames: Sequence[TrackedFrame], landmarker: FaceLandmarker) -> Iterator[_Look]:
    """Finds the landmarks of frames with a face."""
    for frame in frames:
        if frame.face is not None:
            image = tracked.pixels(frame.index)
            yield _Look(frame, image, landmarker.mesh(image, frame.face), landmarker)


def _straight(tracked: TrackedClip, step: Step, before: Sequence[TrackedFrame]) -> list[TrackedFrame]:
    """Returns the frames of a step in which the head is not turned aside, those of its middle first."""
    yaw = float(np.median([frame.pose.yaw for frame in before if frame.pose is not None]))
    frames = tracked.between(step.start_ms, step.end_ms)
    straight = [frame for frame in frames if frame.pose is not None and abs(frame.pose.yaw - yaw) < _MAX_YAW_DEG]
    middle = (step.start_ms + step.end_ms) / 2
    return sorted(straight, key=lambda frame: abs(tracked.clip.frames[frame.index].captured_ms - middle))


def _shown(action: Action, seen: _Look, usual: Openings) -> float:
    """Returns the share of the action in one frame.

    Closed eyes do not count under an open mouth. The other way round they do, since many people close the eyes when
    they open the mouth wide: then somebody who does both at once answers one of the two, and not either.
    """
    opened = (seen.mouth - usual.mouth) / _FULL_OPENING
    if action is Action.OPEN_MOUTH:
        return opened
    closed = (usual.eyes - seen.eyes) / max(_FULL_CLOSURE * usual.eyes, _LEAST_CLOSING)
    return closed if opened < _MOUTH_SHARE else 0.0
