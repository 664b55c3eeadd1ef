"""The face in each frame of a clip, its pose, and points followed from one frame to others."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import DetectedFace, FaceDetector, RGBImage
from idproof.pipeline.applicant_face import choose_applicant, overlaps
from idproof.pipeline.liveness.frames import Clip, Frame
from idproof.pipeline.liveness.head_pose import HeadPose, estimate_pose

_TURNS = (1, 3, 2)  # quarter turns against the clock
_TURNED_FRAMES = 4  # tried in each turn. Chosen by hand for the time; no outside source
# Point selection and optical flow: chosen by hand on tuning data; no outside source.
_MAX_POINTS = 90
_MIN_CORNER_QUALITY = 0.01  # of the strongest corner's response
_MIN_SPACING = 0.045  # of the face's width
_MIN_SPACING_PX = 3.0
_FACE_ELLIPSE = 0.52  # semi-axes of the area that points are taken from, of the face box's sides
_FLOW_WINDOW_PX = (17, 17)
_FLOW_PYRAMID_LEVELS = 2
_MAX_ROUND_TRIP_PX = 1.0  # of a point that is followed to the other frame and back


@dataclass(frozen=True, slots=True)
class TrackedFrame:
    """One frame and the face in it.

    Attributes:
        index: in the clip.
        face: the applicant's; None when there is no face, or none is clearly the applicant's.
        pose: of the face.
        copied: it is the frame before, delivered once more: it shows nothing of its own time.
    """

    index: int
    face: DetectedFace | None
    pose: HeadPose | None = None
    copied: bool = False


@dataclass(frozen=True)
class TrackedClip:
    """A clip and the face in each of its frames."""

    clip: Clip = field(repr=False)
    frames: tuple[TrackedFrame, ...]

    @property
    def with_face(self) -> list[TrackedFrame]:
        """The frames with a face."""
        return [frame for frame in self.frames if frame.face is not None]

    def pixels(self, index: int) -> RGBImage:
        """The picture of one frame."""
        return self.clip.frames[index].pixels

    def between(self, start_ms: float, end_ms: float) -> list[TrackedFrame]:
        """The frames with a face, without copies, that were captured from `start_ms` until before `end_ms`."""
        own = [frame for frame in self.with_face if not frame.copied]
        return [frame for frame in own if start_ms <= self.clip.frames[frame.index].captured_ms < end_ms]


@contextmanager
def track_faces(clip: Clip, detector: FaceDetector) -> Iterator[TrackedClip]:
    """Finds the face in each frame, of a clip that a device delivered lying on its side too.

    A detector finds an upright face most surely. Where the first frame shows a surer face in a quarter or half turn, a
    few more frames are tried, and the clip is turned as their faces are surest. Turned pictures are copies, which are
    overwritten at the end of the block.
    """
    with _upright(clip, _turns(clip, detector)) as upright:
        yield _find_faces(upright, detector)


def _turns(clip: Clip, detector: FaceDetector) -> int:
    """Returns the quarter turns that bring the faces upright."""
    first = clip.frames[:1]
    as_sent = _sureness(first, 0, detector)
    if all(_sureness(first, turns, detector) <= as_sent for turns in _TURNS):
        return 0
    few = clip.frames[:: max(1, len(clip.frames) // _TURNED_FRAMES)]
    return max((0, *_TURNS), key=lambda turns: _sureness(few, turns, detector))


def _sureness(frames: Sequence[Frame], turns: int, detector: FaceDetector) -> float:
    """Returns the sum of the scores of each frame's largest face, in this turn."""
    total = 0.0
    for frame in frames:
        with _turned(frame.pixels, turns) as image:
            faces = detector.detect(image)
        total += faces[0].score if faces else 0.0
    return total


@contextmanager
def _upright(clip: Clip, turns: int) -> Iterator[Clip]:
    if not turns:
        yield clip
        return
    with ExitStack() as copies:
        turned = [replace(f, pixels=copies.enter_context(_turned(f.pixels, turns))) for f in clip.frames]
        yield replace(clip, frames=tuple(turned))


def _find_faces(clip: Clip, detector: FaceDetector) -> TrackedClip:
    frames: list[TrackedFrame] = []
    last: DetectedFace | None = None
    for index, frame in enumerate(clip.frames):
        face = _applicant_face(frame.pixels, detector, last)
        last = face or last
        pose = estimate_pose(face.landmarks) if face is not None else None
        copied = index > 0 and frame.copies(clip.frames[index - 1])
        frames.append(TrackedFrame(index, face, pose, copied))
    return TrackedClip(clip, tuple(frames))


def _applicant_face(image: RGBImage, detector: FaceDetector, last: DetectedFace | None) -> DetectedFace | None:
    """Returns the applicant's face, or None.

    Among several faces, the one that is most prominent now has to be where the applicant's was last: otherwise frames
    could show one face to the checks of motion, and another face to the comparison with the selfie.
    """
    faces = detector.detect(image)
    chosen = choose_applicant(image, faces).face
    moved = len(faces) > 1 and chosen is not None and last is not None and not overlaps(chosen, last)
    return None if moved else chosen


@contextmanager
def _turned(image: RGBImage, quarters: int) -> Iterator[RGBImage]:
    """Yields a turned copy and overwrites it afterwards."""
    copy = np.rot90(image, quarters).copy()
    try:
        yield copy
    finally:
        copy.fill(0)


def track_points(
    tracked: TrackedClip, start: TrackedFrame, others: Sequence[TrackedFrame]
) -> list[tuple[TrackedFrame, NDArray[np.float32], NDArray[np.float32]]]:
    """Follows points on the face of one frame to other frames.

    Sparse optical flow (Lucas and Kanade 1981, pyramids after Bouguet 2000). The search for each point starts where an
    affine map between both frames' landmarks puts it. A point is used only when following it back ends near its start.

    Returns:
        For each of `others` with a face: the frame, the points (n, 2) in `start`, and the same points (n, 2) in it.
    """
    if start.face is None:
        return []
    grey = cv2.cvtColor(tracked.pixels(start.index), cv2.COLOR_RGB2GRAY)
    mask = np.zeros_like(grey)
    x, y, width, height = (round(value) for value in start.face.box)
    middle = (x + width // 2, y + height // 2)
    axes = (round(width * _FACE_ELLIPSE), round(height * _FACE_ELLIPSE))
    cv2.ellipse(mask, middle, axes, 0, 0, 360, 255, -1)
    spacing = max(_MIN_SPACING_PX, _MIN_SPACING * width)
    points = cv2.goodFeaturesToTrack(grey, _MAX_POINTS, _MIN_CORNER_QUALITY, spacing, mask=mask)
    if points is None:
        return []
    return [
        (other, *_follow(grey, tracked, start.face, other, other.face, points))
        for other in others
        if other.face is not None
    ]


def _follow(
    grey: NDArray[np.uint8],
    tracked: TrackedClip,
    face: DetectedFace,
    other: TrackedFrame,
    other_face: DetectedFace,
    points: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    other_grey = cv2.cvtColor(tracked.pixels(other.index), cv2.COLOR_RGB2GRAY)
    guess = _map_by_landmarks(face.landmarks, other_face.landmarks, points.reshape(-1, 2)).reshape(-1, 1, 2)
    found, forward_ok = _optical_flow(grey, other_grey, points, guess)
    back, backward_ok = _optical_flow(other_grey, grey, found, points)
    usable = (forward_ok & backward_ok).ravel().astype(bool)
    usable &= np.linalg.norm(back - points, axis=2).ravel() < _MAX_ROUND_TRIP_PX
    return points.reshape(-1, 2)[usable], found.reshape(-1, 2)[usable]


def _optical_flow(one: Any, other: Any, points: NDArray[np.float32], guess: NDArray[np.float32]) -> tuple[Any, Any]:
    found, ok, _ = cv2.calcOpticalFlowPyrLK(
        one,
        other,
        points,
        guess.copy(),
        winSize=_FLOW_WINDOW_PX,
        maxLevel=_FLOW_PYRAMID_LEVELS,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return found, ok


def _map_by_landmarks(
    source: NDArray[np.float32], target: NDArray[np.float32], points: NDArray[np.float32]
) -> NDArray[np.float32]:
    homogeneous = np.column_stack([source, np.ones(len(source))])
    matrix, *_ = np.linalg.lstsq(homogeneous, target, rcond=None)
    return np.asarray(np.column_stack([points, np.ones(len(points))]) @ matrix, dtype=np.float32)
