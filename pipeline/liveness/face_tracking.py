"""What is seen in a clip before anything is judged: the face in each frame, its pose, and points followed over it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import DetectedFace, FaceDetector, RGBImage
from idproof.pipeline.config import RIVAL_AREA
from idproof.pipeline.liveness.frames import Clip
from idproof.pipeline.liveness.head_pose import HeadPose, estimate

_POINTS, _QUALITY, _APART = 90, 0.01, 0.045
_WINDOW, _GUESSED = (17, 17), cv2.OPTFLOW_USE_INITIAL_FLOW
_BACK_PX = 1.0  # of a point followed there and back again


@dataclass(frozen=True, slots=True)
class Seen:
    """One frame, looked at.

    Attributes:
        place: in the clip.
        face: the largest face, or None when there is none or a rival of comparable size.
        pose: of the face.
    """

    place: int
    face: DetectedFace | None
    pose: HeadPose | None = None


@dataclass(frozen=True)
class Watched:
    """A clip and the face in each of its frames."""

    clip: Clip = field(repr=False)
    seen: tuple[Seen, ...]

    @property
    def found(self) -> list[Seen]:
        """The frames with a face."""
        return [entry for entry in self.seen if entry.face is not None]

    def pixels(self, place: int) -> RGBImage:
        """Of one frame."""
        return self.clip.frames[place].pixels

    def between(self, start_ms: float, end_ms: float) -> list[Seen]:
        """The frames with a face that were taken in this time."""
        return [e for e in self.found if start_ms <= self.clip.frames[e.place].captured_ms < end_ms]


def watch(clip: Clip, detector: FaceDetector) -> Watched:
    """Find the face in each frame."""
    seen = []
    for place, frame in enumerate(clip.frames):
        faces = detector.detect(frame.pixels)
        alone = faces and (len(faces) == 1 or faces[1].area < RIVAL_AREA * faces[0].area)
        seen.append(Seen(place, faces[0], estimate(faces[0].landmarks)) if alone else Seen(place, None))
    return Watched(clip, tuple(seen))


def follow(
    watched: Watched, start: Seen, others: Sequence[Seen]
) -> list[tuple[Seen, NDArray[np.float32], NDArray[np.float32]]]:
    """Points over the face of one frame, found again in others: (frame, points (n, 2) then, points (n, 2) there).

    Sparse optical flow (Lucas and Kanade 1981, pyramids after Bouguet 2000), started from where the landmarks' own
    similarity puts each point, kept when it comes back to its start.
    """
    if start.face is None:
        return []
    grey = cv2.cvtColor(watched.pixels(start.place), cv2.COLOR_RGB2GRAY)
    mask = np.zeros_like(grey)
    x, y, width, height = (round(value) for value in start.face.box)
    middle, axes = (x + width // 2, y + height // 2), (round(width * 0.52), round(height * 0.52))
    cv2.ellipse(mask, middle, axes, 0, 0, 360, 255, -1)
    points = cv2.goodFeaturesToTrack(grey, _POINTS, _QUALITY, max(3.0, _APART * width), mask=mask)
    if points is None:
        return []
    return [(other, *_tracked(grey, watched, start.face, other, points)) for other in others if other.face is not None]


def _tracked(
    grey: NDArray[np.uint8], watched: Watched, face: DetectedFace, other: Seen, points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    assert other.face is not None  # noqa: S101 - `follow` leaves the others out
    there = cv2.cvtColor(watched.pixels(other.place), cv2.COLOR_RGB2GRAY)
    guess = _affine(face.landmarks, other.face.landmarks, points.reshape(-1, 2)).reshape(-1, 1, 2)
    found, good = _flow(grey, there, points, guess)
    back, returned = _flow(there, grey, found, points)
    kept = (good & returned).ravel().astype(bool)
    kept &= np.linalg.norm(back - points, axis=2).ravel() < _BACK_PX
    return points.reshape(-1, 2)[kept], found.reshape(-1, 2)[kept]


def _flow(one: Any, other: Any, points: NDArray[np.float32], guess: NDArray[np.float32]) -> tuple[Any, Any]:
    found, good, _ = cv2.calcOpticalFlowPyrLK(
        one, other, points, guess.copy(), winSize=_WINDOW, maxLevel=2, flags=_GUESSED
    )
    return found, good


def _affine(
    source: NDArray[np.float32], target: NDArray[np.float32], points: NDArray[np.float32]
) -> NDArray[np.float32]:
    known = np.column_stack([source, np.ones(len(source))])
    matrix, *_ = np.linalg.lstsq(known, target, rcond=None)
    return np.asarray(np.column_stack([points, np.ones(len(points))]) @ matrix, dtype=np.float32)
