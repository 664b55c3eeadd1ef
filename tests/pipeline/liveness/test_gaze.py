"""Eyes that stay on the screen pass, painted ones are referred, and eyes that nobody sees are not judged."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from idproof.datasets.rendered_people.clips import PUPPETS, Distance, Sitting, bona_fide
from idproof.datasets.specimen.draws import Draws, Split
from idproof.models.profiles import load_engines
from idproof.models.types import FaceDetector, RGBImage
from idproof.pipeline import Policy
from idproof.pipeline.config import Limits
from idproof.pipeline.liveness import gaze, motion
from idproof.pipeline.liveness.challenge import Options, Step
from idproof.pipeline.liveness.face_tracking import track_faces
from idproof.pipeline.liveness.frames import Clip
from idproof.pipeline.opening import open_tools
from idproof.pipeline.types import CheckResult, Outcome, Status

TURNS = Options(cannot_nod=True, cannot_approach=True)


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return load_engines().detector


@pytest.fixture(scope="module")
def sit(photograph: RGBImage) -> Callable[..., Sitting]:
    def drawn(seed: int, distance: Distance = Distance.ARM, options: Options | None = TURNS) -> Sitting:
        return Sitting.draw(photograph, Draws(np.random.default_rng(seed), Split.TUNING), options, distance)

    return drawn


@pytest.fixture(scope="module")
def judge(detector: FaceDetector) -> Callable[[Sitting, Clip], CheckResult]:
    def judged(sitting: Sitting, clip: Clip) -> CheckResult:
        with track_faces(clip, detector) as tracked:
            found = gaze.check(tracked, sitting.challenge, motion.measure_response(tracked, sitting.challenge))
        assert found is not None
        return found

    return judged


@pytest.mark.parametrize("distance", Distance)
def test_a_person_who_watches_the_screen_passes(
    distance: Distance, sit: Callable[..., Sitting], judge: Callable[[Sitting, Clip], CheckResult]
) -> None:
    sitting = sit(4, distance)
    found = judge(sitting, bona_fide(sitting))
    assert (found.name, found.outcome, found.reason) == ("liveness_gaze", Outcome.PASS, None)


@pytest.mark.parametrize("kind", ["puppet_relief", "puppet_camera", "puppet_mesh"])
def test_a_puppet_with_painted_eyes_is_referred_and_not_rejected(
    kind: str, sit: Callable[..., Sitting], judge: Callable[[Sitting, Clip], CheckResult]
) -> None:
    sitting = sit(4)
    found = judge(sitting, PUPPETS[kind](sitting))
    assert (found.outcome, found.reason) == (Outcome.DOUBT, "eyes_fixed_in_head")
    assert found.value is not None
    assert found.value < gaze.MIN_SHARE


def test_eyes_are_looked_at_only_where_the_policy_requires_it(sit: Callable[..., Sitting]) -> None:
    sitting = sit(4)
    clip = PUPPETS["puppet_relief"](sitting)
    for required in ((), (gaze.NAME,)):
        policy = Policy(required=required)
        liveness = open_tools(profile="open", document="hkid-2018", policy=policy, limits=Limits(), threads=1).liveness
        assert liveness is not None
        found = {result.name for result in liveness.check_frames(clip, sitting.challenge)}
        assert found & {gaze.NAME} == set(required)


def test_a_blink_in_the_first_frame_leaves_the_second_to_measure_by(
    sit: Callable[..., Sitting], judge: Callable[[Sitting, Clip], CheckResult]
) -> None:
    sitting = sit(4)
    frames = bona_fide(sitting).frames
    covered = replace(frames[0], pixels=over_the_eyes(frames[0].pixels, sitting))
    assert judge(sitting, Clip((covered, *frames[1:]))).outcome is Outcome.PASS


def test_dark_glasses_never_pass(
    sit: Callable[..., Sitting], judge: Callable[[Sitting, Clip], CheckResult], photograph: RGBImage
) -> None:
    sitting = sit(4)
    dark = photograph.copy()
    for x, y in sitting.eyes.irises:
        cv2.ellipse(dark, (round(x), round(y)), (21, 14), 0, 0, 360, (12, 12, 12), -1)
    worn = replace(sitting, photograph=dark)
    found = judge(worn, bona_fide(worn))
    assert found.outcome is not Outcome.PASS


def test_a_challenge_without_a_turn_has_no_such_check(sit: Callable[..., Sitting], detector: FaceDetector) -> None:
    sitting = sit(4)
    closer = replace(sitting.challenge, steps=(Step("come_closer", 800, 2800),))  # type: ignore[arg-type]
    with track_faces(bona_fide(sitting), detector) as tracked:
        assert gaze.check(tracked, closer, None) is None
        unseen = gaze.check(tracked, sitting.challenge, None)
    assert unseen is not None
    assert (unseen.status, unseen.reason) == (Status.COULD_NOT_ASSESS, "face_not_seen_throughout")


@pytest.mark.parametrize("moved", [(3.0, 0.0), (-2.5, 1.0), (0.0, -2.0)])
def test_movement_is_measured_to_a_part_of_a_pixel(moved: tuple[float, float]) -> None:
    rng = np.random.default_rng(1)
    large = cv2.GaussianBlur(rng.normal(0, 40, (44, 64)).astype(np.float32), (0, 0), 2.0)
    matrix = np.array([[1, 0, moved[0]], [0, 1, moved[1]]], dtype=np.float32)
    there = cv2.warpAffine(large, matrix, (64, 44), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    found = gaze._follow(large, np.asarray(there, dtype=np.float32), gaze._IRIS_MASK, (8, 6))
    assert found is not None
    assert found[0] == pytest.approx(moved, abs=0.15)
    assert found[1] > 0.9


def over_the_eyes(pixels: RGBImage, sitting: Sitting) -> RGBImage:
    covered = pixels.copy()
    height, width = covered.shape[:2]
    covered[round(height * 0.40) : round(height * 0.47), round(width * 0.3) : round(width * 0.7)] = 120
    return covered
