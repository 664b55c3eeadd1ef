"""Frames as telephones deliver them are accepted, or referred with the reason said; a loop is still rejected."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from idproof.datasets.rendered_people.clips import Sitting, bona_fide
from idproof.datasets.specimen.draws import Draws, Split
from idproof.models.profiles import load_engines
from idproof.models.types import RGBImage
from idproof.pipeline.decide import decide
from idproof.pipeline.liveness import injection, motion
from idproof.pipeline.liveness.challenge import FEATURE_ACTIONS
from idproof.pipeline.liveness.examiner import NAME, LivenessExaminer
from idproof.pipeline.liveness.face_tracking import track_faces
from idproof.pipeline.liveness.frames import Clip
from idproof.pipeline.types import CheckResult, Decision, Outcome

SEED = 3


@pytest.fixture(scope="module")
def examiner() -> LivenessExaminer:
    engines = load_engines()
    return LivenessExaminer(engines.detector, engines.embedder, landmarker=engines.landmarker)


@pytest.fixture(scope="module")
def sitting(photograph: np.ndarray) -> Sitting:
    sat = Sitting.draw(photograph, Draws(np.random.default_rng(SEED), Split.TEST))
    camera = replace(sat.camera, size=(384, 512), stalls=False, quality=85, rate=25.0)
    return replace(sat, camera=camera)


@pytest.fixture(scope="module")
def clip(sitting: Sitting) -> Clip:
    return bona_fide(sitting)


def altered(clip: Clip, alter: Callable[[RGBImage], RGBImage]) -> Clip:
    return replace(clip, frames=tuple(replace(frame, pixels=alter(frame.pixels)) for frame in clip.frames))


def repeated(clip: Clip, *places: int) -> Clip:
    """Each of these frames shows the picture of the one before."""
    frames = list(clip.frames)
    for place in places:
        frames[place] = replace(frames[place], pixels=frames[place - 1].pixels)
    return replace(clip, frames=tuple(frames))


def decided(results: list[CheckResult]) -> tuple[Decision, tuple[str, ...]]:
    return decide(results, (NAME,))


def compressed(quality: int) -> Callable[[RGBImage], RGBImage]:
    def compress(image: RGBImage) -> RGBImage:
        _, packed = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1])

    return compress


@pytest.mark.parametrize("quality", [50, 60, 75, 95])
def test_compression_of_telephones_passes(
    quality: int, examiner: LivenessExaminer, sitting: Sitting, clip: Clip
) -> None:
    results = examiner.examine(altered(clip, compressed(quality)), sitting.challenge)
    assert decided(results) == (Decision.ACCEPT, ())


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_frames_of_a_device_on_its_side_are_turned(
    turns: int, examiner: LivenessExaminer, sitting: Sitting, clip: Clip
) -> None:
    on_its_side = altered(clip, lambda image: np.ascontiguousarray(np.rot90(image, turns)))
    assert decided(examiner.examine(on_its_side, sitting.challenge)) == (Decision.ACCEPT, ())


@pytest.mark.parametrize("place", [2, 6, 13])
def test_one_frame_delivered_twice_passes(place: int, examiner: LivenessExaminer, sitting: Sitting, clip: Clip) -> None:
    results = examiner.examine(repeated(clip, place), sitting.challenge)
    assert decided(results) == (Decision.ACCEPT, ())


def test_a_frame_delivered_twice_may_keep_its_time_and_number(clip: Clip) -> None:
    frames = list(clip.frames)
    frames[6] = frames[5]
    assert injection.timing(replace(clip, frames=tuple(frames))).outcome is Outcome.PASS
    frames[6] = replace(clip.frames[6], captured_ms=frames[5].captured_ms, number=frames[5].number)
    assert injection.timing(replace(clip, frames=tuple(frames))).outcome is Outcome.FAIL
    frames[6], frames[9] = frames[5], frames[8]
    assert injection.timing(replace(clip, frames=tuple(frames))).outcome is Outcome.FAIL


def test_a_few_repeated_frames_refer_and_a_loop_is_rejected(
    examiner: LivenessExaminer, sitting: Sitting, clip: Clip
) -> None:
    decision, reasons = decided(examiner.examine(repeated(clip, 3, 6), sitting.challenge))
    assert decision is Decision.REFER
    assert "frames_repeat" in reasons
    looped = replace(
        clip,
        frames=tuple(replace(frame, pixels=clip.frames[i % 8].pixels) for i, frame in enumerate(clip.frames)),
    )
    decision, reasons = decided(examiner.examine(looped, sitting.challenge))
    assert decision is Decision.REJECT
    assert "frames_repeat" in reasons


def test_mirrored_frames_refer_with_that_reason(examiner: LivenessExaminer, sitting: Sitting, clip: Clip) -> None:
    assert any(step.action.value.startswith("turn") for step in sitting.challenge.steps)
    mirrored = altered(clip, lambda image: np.ascontiguousarray(image[:, ::-1]))
    decision, reasons = decided(examiner.examine(mirrored, sitting.challenge))
    assert decision is Decision.REFER
    assert "frames_mirrored" in reasons
    assert "challenge_not_followed" not in reasons


@pytest.mark.parametrize("rate", [8.0, 15.0, 30.0])
def test_slow_and_fast_cameras_pass(rate: float, examiner: LivenessExaminer, sitting: Sitting) -> None:
    slow = replace(
        sitting, camera=replace(sitting.camera, rate=rate), draws=Draws(np.random.default_rng(4), Split.TEST)
    )
    assert decided(examiner.examine(bona_fide(slow), slow.challenge)) == (Decision.ACCEPT, ())


def test_foreign_noise_refers_and_never_rejects(examiner: LivenessExaminer, sitting: Sitting, clip: Clip) -> None:
    rng = np.random.default_rng(1)

    def grainy(image: RGBImage) -> RGBImage:
        return (image + rng.normal(0, 12, image.shape)).clip(0, 255).astype(np.uint8)

    results = examiner.examine(altered(clip, grainy), sitting.challenge)
    noise = next(result for result in results if result.name == "liveness_noise")
    assert noise.reason == "noise_not_of_a_camera"
    assert noise.outcome is not None
    assert noise.outcome.value == "doubt"


def test_a_frame_delivered_twice_does_not_fill_a_step(sitting: Sitting, clip: Clip) -> None:
    """One frame may be noise, or the head on its way back: a step counts the two best, and a copy is none."""
    heads = [step for step in sitting.challenge.steps if step.action not in FEATURE_ACTIONS]
    step = heads[0]
    first, second, third = (
        place for place, frame in enumerate(clip.frames) if step.start_ms <= frame.captured_ms < step.end_ms
    )
    assert first > 1
    frames = list(clip.frames)
    frames[first] = replace(frames[first], pixels=frames[0].pixels)  # still looks ahead
    frames[third] = replace(frames[third], pixels=frames[second].pixels)
    with track_faces(replace(clip, frames=tuple(frames)), load_engines().detector) as tracked:
        response = motion.measure_response(tracked, sitting.challenge)
    assert response is not None
    ahead, acted = response.steps[0]
    assert (ahead.index, acted.index) == (first, second)
    alone, both = (
        motion._step_share(step.action, [seen.pose for seen in shown], response.neutral)
        for shown in ([acted], [ahead, acted])
    )
    assert both < 0.7 * alone
