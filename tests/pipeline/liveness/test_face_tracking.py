"""Turned copies of a clip are overwritten, and a frame that was delivered twice counts once."""

from dataclasses import replace

import numpy as np
import pytest

from idproof.models.types import DetectedFace, RGBImage
from idproof.pipeline.liveness.face_tracking import track_faces
from idproof.pipeline.liveness.frames import Clip, Frame

LANDMARKS = np.array([[100, 100], [140, 100], [120, 125], [105, 150], [135, 150]], np.float32)
COUNT = 16


class ByCorner:
    """Finds a surer face the brighter the upper left corner is, and keeps the pictures that it was given."""

    def __init__(self, fails_after: int = 10_000) -> None:
        self.seen: list[RGBImage] = []
        self._fails_after = fails_after

    def detect(self, image: RGBImage) -> list[DetectedFace]:
        """Returns one face."""
        self.seen.append(image)
        if len(self.seen) > self._fails_after:
            raise RuntimeError("stopped")
        return [DetectedFace((80.0, 70.0, 80.0, 110.0), LANDMARKS, 0.1 + float(image[0, 0, 0]) / 300)]


def clip(turns: int = 0) -> Clip:
    """Frames that are bright in the upper left corner, then turned."""
    frames = []
    for number in range(COUNT):
        pixels = np.random.default_rng(number).integers(50, 90, (240, 320, 3), dtype=np.uint8)
        pixels[:9, :9] = 250
        frames.append(Frame(np.ascontiguousarray(np.rot90(pixels, turns)), 100.0 * number, number))
    return Clip(tuple(frames))


def copies(detector: ByCorner, sent: Clip) -> list[RGBImage]:
    own = {id(frame.pixels) for frame in sent.frames}
    return [picture for picture in detector.seen if id(picture) not in own]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_turned_copies_are_overwritten_and_the_clip_is_not(turns: int) -> None:
    sent, detector = clip(turns), ByCorner()
    before = [frame.pixels.copy() for frame in sent.frames]
    with track_faces(sent, detector) as tracked:
        assert all(tracked.pixels(place)[0, 0, 0] == 250 for place in range(COUNT))
        assert (tracked.clip is sent) == (turns == 0)
    assert len(copies(detector, sent)) >= 4
    assert not any(picture.any() for picture in copies(detector, sent))
    assert all(np.array_equal(frame.pixels, kept) for frame, kept in zip(sent.frames, before, strict=True))


@pytest.mark.parametrize("calls", [0, 2, 5, 22, 30])
def test_turned_copies_are_overwritten_when_the_detector_fails(calls: int) -> None:
    sent, detector = clip(turns=1), ByCorner(fails_after=calls)
    with pytest.raises(RuntimeError, match="stopped"), track_faces(sent, detector):
        pass
    assert copies(detector, sent)
    assert not any(picture.any() for picture in copies(detector, sent))


def test_turned_copies_are_overwritten_when_an_examination_fails() -> None:
    sent, detector = clip(turns=3), ByCorner()
    with pytest.raises(RuntimeError, match="stopped"), track_faces(sent, detector):
        raise RuntimeError("stopped")
    assert not any(picture.any() for picture in copies(detector, sent))


def test_a_frame_delivered_twice_counts_once_in_its_time() -> None:
    sent = clip()
    frames = list(sent.frames)
    frames[4], frames[8] = (replace(frames[place], pixels=frames[place - 1].pixels) for place in (4, 8))
    with track_faces(replace(sent, frames=tuple(frames)), ByCorner()) as tracked:
        assert [frame.index for frame in tracked.frames if frame.copied] == [4, 8]
        assert [frame.index for frame in tracked.between(0, 100.0 * COUNT)] == [
            place for place in range(COUNT) if place not in (4, 8)
        ]


class TwoFaces:
    """Finds a face in the middle, and from the eighth picture on another one there while the first is at the edge."""

    def __init__(self, exchanged: bool) -> None:
        self._exchanged, self._calls = exchanged, 0

    def detect(self, image: RGBImage) -> list[DetectedFace]:
        """Returns two faces, in either order of prominence."""
        self._calls += 1
        large, small = (110.0, 70.0, 100.0, 110.0), (5.0, 5.0, 45.0, 55.0)
        later = self._exchanged and self._calls > 8 + len((0, 1, 2, 3))  # four turns of the first frame are tried
        boxes = [(5.0, 5.0, 45.0, 55.0), (240.0, 90.0, 78.0, 120.0)] if later else [large, small]
        return [DetectedFace(box, LANDMARKS, 0.9) for box in boxes]


def test_among_several_faces_the_applicant_s_stays_where_it_was() -> None:
    with track_faces(clip(), TwoFaces(exchanged=False)) as tracked:
        assert len(tracked.with_face) == COUNT
    with track_faces(clip(), TwoFaces(exchanged=True)) as tracked:
        assert [frame.index for frame in tracked.with_face] == list(range(8))
