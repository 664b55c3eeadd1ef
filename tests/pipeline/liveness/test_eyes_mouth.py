"""Closed eyes and an open mouth count when they were asked for, and a still face never shows them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from idproof.datasets.rendered_people import clips
from idproof.datasets.rendered_people.clips import Sitting
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.profiles import load_engines
from idproof.models.types import DetectedFace, EyeContour, FaceMesh, RGBImage
from idproof.pipeline.liveness import eyes_mouth
from idproof.pipeline.liveness.challenge import Action, Challenge, Options, Step, draw
from idproof.pipeline.liveness.examiner import LivenessExaminer
from idproof.pipeline.liveness.face_tracking import TrackedClip, TrackedFrame
from idproof.pipeline.liveness.frames import Clip, Frame
from idproof.pipeline.liveness.head_pose import STRAIGHT
from idproof.pipeline.types import CheckResult, Outcome, Status

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPEN, CLOSED = (0.25, 0.02), (0.07, 0.02)
WIDE, BOTH = (0.25, 0.45), (0.07, 0.45)
FACE = DetectedFace((0, 0, 60, 80), np.zeros((5, 2), np.float32), 0.9)
WHICH = {Action.BLINK: Options(cannot_open_mouth=True), Action.OPEN_MOUTH: Options(cannot_blink=True)}


class KnownOpenings:
    """Landmarks whose openings are written into the frame's first pixel, in hundredths."""

    def mesh(self, image: RGBImage, face: DetectedFace) -> FaceMesh:
        points = np.zeros((468, 2), np.float32)
        points[[308, 14, 87, 317]] = [(100, 0), *[(0, float(image[0, 0, 1]))] * 3]
        points[[33, 133, 362, 263]] = [(60, 100), (100, 100), (140, 100), (180, 100)]
        points[[61, 291]] = [(90, 180), (150, 180)]
        return FaceMesh(points, 1.0)

    def eyes(self, image: RGBImage, mesh: FaceMesh) -> tuple[EyeContour, EyeContour]:
        points = np.zeros((16, 2), np.float32)
        points[8], points[9:, 1] = (100, 0), float(image[0, 0, 0])
        return EyeContour(points), EyeContour(points)


def asked(action: Action) -> tuple[Challenge, Step]:
    challenge = draw(bytes(16), issued_at=NOW, options=WHICH[action])
    return challenge, next(step for step in challenge.steps if step.action is action)


def judged(
    action: Action,
    within: Sequence[tuple[float, float]],
    before: tuple[float, float] = OPEN,
    yaw: float = 0.0,
    *,
    still: bool = False,
) -> CheckResult:
    """Judges a clip whose frames show these openings of eyes and mouth before and within the step.

    The picture changes with the openings, unless it is a still whose landmarks vary.
    """
    challenge, step = asked(action)
    times = [200.0, 600.0, *np.linspace(step.start_ms + 300, step.end_ms - 100, len(within))]
    frames, tracked = [], []
    for index, (at, (eyes, mouth)) in enumerate(zip(times, [before, before, *within], strict=True)):
        drawn = np.random.default_rng(0 if still else round(1000 * eyes + mouth * 10))
        coarse = drawn.integers(0, 255, (24, 24, 3), dtype=np.uint8)
        pixels = np.asarray(cv2.resize(coarse, (240, 240), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
        pixels[0, 0] = (round(100 * eyes), round(100 * mouth), 0)
        frames.append(Frame(pixels, at, index))
        tracked.append(TrackedFrame(index, FACE, replace(STRAIGHT, yaw=0.0 if index < 2 else yaw)))
    clip = Clip((*frames, *(replace(frames[0], captured_ms=9000.0 + i) for i in range(8))))
    result = eyes_mouth.check(TrackedClip(clip, tuple(tracked)), challenge, KnownOpenings())
    assert result is not None
    return result


@pytest.mark.parametrize(("action", "shown"), [(Action.BLINK, CLOSED), (Action.OPEN_MOUTH, WIDE)])
def test_the_action_counts_when_two_frames_show_it(action: Action, shown: tuple[float, float]) -> None:
    result = judged(action, [OPEN, shown, shown, OPEN])
    assert (result.outcome, result.reason) == (Outcome.PASS, None)
    assert result.value is not None
    assert result.value > 1
    for too_few in ([OPEN, shown, OPEN, OPEN], [OPEN] * 4):
        result = judged(action, too_few)
        assert (result.outcome, result.reason) == (Outcome.DOUBT, "eyes_mouth_not_followed")


def test_the_other_action_does_not_count_and_both_at_once_answer_one_of_the_two() -> None:
    assert judged(Action.BLINK, [WIDE] * 4).outcome is Outcome.DOUBT
    assert judged(Action.OPEN_MOUTH, [CLOSED] * 4).outcome is Outcome.DOUBT
    assert judged(Action.BLINK, [BOTH] * 4).outcome is Outcome.DOUBT
    assert judged(Action.OPEN_MOUTH, [BOTH] * 4).outcome is Outcome.PASS


@pytest.mark.parametrize(("action", "shown"), [(Action.BLINK, CLOSED), (Action.OPEN_MOUTH, WIDE)])
def test_landmarks_that_move_over_an_unchanged_picture_show_nothing(action: Action, shown: tuple[float, float]) -> None:
    result = judged(action, [shown] * 4, still=True)
    assert (result.outcome, result.value) == (Outcome.DOUBT, 0.0)


def test_a_person_is_judged_by_their_own_eyes() -> None:
    narrow, shut = (0.14, 0.02), (0.08, 0.02)
    assert judged(Action.BLINK, [shut] * 4, before=narrow).outcome is Outcome.PASS
    assert judged(Action.BLINK, [narrow] * 4, before=narrow).outcome is Outcome.DOUBT
    # Narrower still, more of them has to close than the networks' noise; then nothing is left to measure.
    assert judged(Action.BLINK, [(0.07, 0.02)] * 4, before=(0.10, 0.02)).outcome is Outcome.PASS
    assert judged(Action.BLINK, [(0.09, 0.02)] * 4, before=(0.10, 0.02)).outcome is Outcome.DOUBT
    assert judged(Action.BLINK, [(0.05, 0.02)] * 4, before=(0.08, 0.02)).status is Status.COULD_NOT_ASSESS
    assert judged(Action.OPEN_MOUTH, [(0.25, 0.9)] * 4, before=(0.25, 0.5)).status is Status.COULD_NOT_ASSESS


def test_a_face_turned_aside_is_not_measured() -> None:
    result = judged(Action.BLINK, [CLOSED] * 4, yaw=25.0)
    assert (result.status, result.reason) == (Status.COULD_NOT_ASSESS, "eyes_mouth_not_seen")


def test_one_frame_is_not_enough() -> None:
    assert judged(Action.BLINK, [CLOSED]).status is Status.COULD_NOT_ASSESS


def test_without_networks_it_cannot_be_assessed_and_without_the_action_there_is_no_check() -> None:
    challenge, _ = asked(Action.BLINK)
    clip = Clip(tuple(Frame(np.zeros((240, 240, 3), np.uint8), float(i), i) for i in range(8)))
    result = eyes_mouth.check(TrackedClip(clip, ()), challenge, None)
    assert result is not None
    assert result.status is Status.COULD_NOT_ASSESS
    heads = draw(bytes(16), issued_at=NOW, options=Options(cannot_blink=True, cannot_open_mouth=True))
    assert eyes_mouth.check(TrackedClip(clip, ()), heads, KnownOpenings()) is None


@pytest.fixture(scope="module")
def examined() -> Callable[[str, Action], CheckResult]:
    portrait = PortraitSource.open(None).person("bundled/astronaut").photographs[0]
    photograph = np.asarray(cv2.resize(portrait, (250, 250), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    engines = load_engines()
    examiner = LivenessExaminer(engines.detector, engines.embedder, landmarker=engines.landmarker)

    def examine(kind: str, action: Action) -> CheckResult:
        sitting = Sitting.draw(photograph, Draws(np.random.default_rng(4), Split.TEST), WHICH[action])
        act = clips.bona_fide if kind == clips.BONA_FIDE else clips.ATTACKS[kind]
        results = examiner.check_frames(act(sitting), sitting.challenge)
        return next(result for result in results if result.name == eyes_mouth.NAME)

    return examine


@pytest.mark.parametrize("action", WHICH)
def test_a_rendered_person_does_it_and_no_still_of_them(
    action: Action, examined: Callable[[str, Action], CheckResult]
) -> None:
    assert examined(clips.BONA_FIDE, action).outcome is Outcome.PASS
    for kind in ("puppet_camera", "puppet_mesh", "photo_moved"):
        result = examined(kind, action)
        assert result.outcome is not Outcome.PASS, kind
