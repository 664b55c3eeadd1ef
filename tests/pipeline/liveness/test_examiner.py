"""People who follow a challenge pass, each attack is rejected for its own reason, and missing evidence never passes.

Clips are rendered from one bundled portrait; `idproof bench liveness` measures on others.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache

import cv2
import numpy as np
import pytest

from idproof.datasets.rendered_people import clips
from idproof.datasets.rendered_people.clips import SPECIES, Sitting, bona_fide
from idproof.datasets.rendered_people.surface import Pose, rotation
from idproof.datasets.specimen.draws import Draws, Split
from idproof.models.profiles import load_engines
from idproof.models.types import DetectedFace
from idproof.pipeline.decide import decide
from idproof.pipeline.errors import FramesUnusable
from idproof.pipeline.liveness import head_motion, injection, screen_light
from idproof.pipeline.liveness.challenge import Action, Options
from idproof.pipeline.liveness.examiner import NAME, LivenessExaminer, fuse_scores, shipped_calibration
from idproof.pipeline.liveness.face_tracking import TrackedFrame
from idproof.pipeline.liveness.frames import CameraReport, Clip, Frame
from idproof.pipeline.liveness.head_pose import FACE_MM, estimate_pose
from idproof.pipeline.types import CheckResult, Decision, Outcome, Status


@pytest.fixture(scope="module")
def examiner() -> LivenessExaminer:
    engines = load_engines()
    return LivenessExaminer(engines.detector, engines.embedder, landmarker=engines.landmarker)


@pytest.fixture(scope="module")
def sat(photograph: np.ndarray) -> Callable[..., Sitting]:
    def sit(seed: int = 3, options: Options | None = None) -> Sitting:
        return Sitting.draw(photograph, Draws(np.random.default_rng(seed), Split.TEST), options)

    return sit


@pytest.fixture(scope="module")
def examined(examiner: LivenessExaminer, sat: Callable[..., Sitting]) -> Callable[..., list[CheckResult]]:
    @lru_cache(maxsize=32)
    def examine(kind: str = clips.BONA_FIDE, seed: int = 3, options: Options | None = None) -> list[CheckResult]:
        sitting = sat(seed, options)
        clip = bona_fide(sitting) if kind == clips.BONA_FIDE else SPECIES[kind](sitting)
        return examiner.examine(clip, sitting.challenge)

    return examine


def reasons(results: list[CheckResult]) -> tuple[Decision, tuple[str, ...]]:
    return decide(results, (NAME,))


def test_a_person_who_follows_the_challenge_passes(examined: Callable[..., list[CheckResult]]) -> None:
    assert reasons(examined()) == (Decision.ACCEPT, ())
    assert len({result.name for result in examined()}) == len(examined())


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("print_flat", "light_without_distance"),
        ("print_bent", "light_without_distance"),
        ("screen_photo", "light_not_followed"),
        ("screen_video", "light_not_followed"),
        ("photo_moved", "light_without_distance"),
        ("photo_cut_eyes", "light_without_distance"),
        ("warped_frame", "light_"),
        ("wrong_challenge", "challenge_not_followed"),
        ("replayed_session", "challenge_not_followed"),
        ("injected_loop", "frames_repeat"),
    ],
)
def test_each_species_is_rejected_for_its_own_reason(
    kind: str, reason: str, examined: Callable[..., list[CheckResult]]
) -> None:
    decision, found = reasons(examined(kind))
    assert decision is Decision.REJECT
    assert any(entry.startswith(reason) for entry in found)


def test_depth_distinguishes_a_turned_plane_from_a_head(examined: Callable[..., list[CheckResult]]) -> None:
    turned = Options(cannot_approach=True, cannot_nod=True)
    depth = {
        kind: next(r for r in examined(kind, 5, turned) if r.name == "liveness_depth")
        for kind in (clips.BONA_FIDE, "photo_moved")
    }
    assert depth[clips.BONA_FIDE].outcome is Outcome.PASS
    assert depth["photo_moved"].outcome is Outcome.FAIL


def test_a_nod_of_a_head_counts_and_that_of_a_sheet_does_not(examined: Callable[..., list[CheckResult]]) -> None:
    """Five landmarks show a nod as weakly as their own noise, and a sheet's nod as well as a head's."""
    nods = Options(cannot_approach=True, cannot_turn=True)
    done = {
        kind: next(r for r in examined(kind, 6, nods) if r.name == "liveness_actions")
        for kind in (clips.BONA_FIDE, "photo_moved")
    }
    assert done[clips.BONA_FIDE].outcome is Outcome.PASS
    assert (done[clips.BONA_FIDE].value or 0) > 0.8
    assert (done["photo_moved"].value or 0) < 0.5


def test_with_few_points_the_pose_comes_from_landmarks() -> None:
    straight = (FACE_MM[:, :2] * 1.7 + 200).astype(np.float32)
    turned = ((FACE_MM @ rotation(Pose(20.0, 0.0)).T)[:, :2] * 1.7 + 200).astype(np.float32)
    start, there = (
        TrackedFrame(i, DetectedFace((100, 100, 200, 200), p, 0.9), estimate_pose(p))
        for i, p in enumerate((straight, turned))
    )
    few = straight[:4]
    found = head_motion._head_motion(start, there, few, few)
    assert found.gain is None
    assert found.pose.yaw == pytest.approx(1.1 * 20, abs=2)
    assert found.turned_deg == pytest.approx(20, abs=2)


def test_surroundings_are_measured_only_beside_and_above_the_head() -> None:
    cells = screen_light._beside_head((512, 384, 3), np.array([110.0, 150.0, 160.0, 210.0]))
    rows, columns = np.nonzero(cells)
    x, y = (columns + 0.5) * 384 / 24, (rows + 0.5) * 512 / 32
    assert len(rows) > 20
    assert not ((x > 110) & (x < 270) & (y > 150)).any()
    assert (y < 255).all()


def test_applicants_who_cannot_act_get_stricter_passive_checks(
    examiner: LivenessExaminer, sat: Callable[..., Sitting]
) -> None:
    nothing = Options(cannot_turn=True, cannot_nod=True, cannot_approach=True, photosensitive=True)
    sitting = sat(8, nothing)
    results = examiner.examine(bona_fide(sitting), sitting.challenge)
    usual = examiner.check_frames(bona_fide(sat(8, nothing)), replace(sitting.challenge, strict=False))
    names = {result.name for result in results}
    assert not names & {"liveness_actions", "liveness_depth", "liveness_light"}
    assert all(result.status is Status.ASSESSED for result in results)
    limit = {r.name: r.limit for r in results}["liveness_grid"]
    looser = {r.name: r.limit for r in usual}["liveness_grid"]
    assert limit is not None
    assert looser is not None
    assert limit < looser


def test_a_clip_without_a_face_does_not_pass(examiner: LivenessExaminer, sat: Callable[..., Sitting]) -> None:
    sitting = sat()
    wall = tuple(
        replace(frame, pixels=np.random.default_rng(i).integers(90, 120, frame.pixels.shape, dtype=np.uint8))
        for i, frame in enumerate(bona_fide(sitting).frames)
    )
    results = examiner.examine(Clip(wall), sitting.challenge)
    assert results[-1].status is Status.COULD_NOT_ASSESS
    assert reasons(results)[0] is not Decision.ACCEPT


def test_impossible_times_and_numbers_fail(sat: Callable[..., Sitting]) -> None:
    clip = bona_fide(sat())
    assert injection.timing(clip).outcome is Outcome.PASS

    def changed(change: Callable[[int, Frame], Frame]) -> Outcome | None:
        return injection.timing(Clip(tuple(change(i, f) for i, f in enumerate(clip.frames)))).outcome

    assert changed(lambda i, f: replace(f, number=7)) is Outcome.FAIL
    assert changed(lambda i, f: replace(f, number=-f.number)) is Outcome.FAIL
    assert changed(lambda i, f: replace(f, captured_ms=100.0 * i)) is Outcome.FAIL
    assert changed(lambda i, f: replace(f, captured_ms=5000.0 - f.captured_ms)) is Outcome.FAIL
    assert changed(lambda i, f: replace(f, captured_ms=f.captured_ms / 1000)) is Outcome.FAIL
    assert changed(lambda i, f: replace(f, captured_ms=float("nan"))) is Outcome.FAIL


def test_an_unusual_camera_lowers_the_score_and_never_fails(sat: Callable[..., Sitting]) -> None:
    clip = bona_fide(sat())
    honest = CameraReport((384, 512, 30.0), (384, 512, 30.0), 420.0)
    odd = CameraReport((1280, 720, 30.0), (640, 480, 5.0), 1.0)
    assert injection.camera(replace(clip, camera=honest)).value == 0
    found = injection.camera(replace(clip, camera=odd))
    assert found.value is not None
    assert found.value >= 3
    assert found.outcome is Outcome.PASS
    assert found.score is not None
    assert found.score < 0.5


def test_a_frame_that_shows_the_cards_portrait_is_found(photograph: np.ndarray) -> None:
    face = np.ascontiguousarray(cv2.resize(photograph[70:180, 70:180], (112, 112)))
    move = np.array([[1.01, 0.02, 1.5], [-0.02, 1.01, -1.0]])
    copied = cv2.GaussianBlur(cv2.warpAffine(face, move, (112, 112), borderMode=cv2.BORDER_REFLECT), (0, 0), 0.8)
    other = np.ascontiguousarray(face[::-1])
    assert injection.copies_portrait([other, copied], face).outcome is Outcome.FAIL
    assert injection.copies_portrait([other], face).outcome is Outcome.PASS
    assert injection.copies_portrait([], face).status is Status.COULD_NOT_ASSESS


def test_a_response_after_expiry_fails(sat: Callable[..., Sitting]) -> None:
    challenge = sat().challenge
    assert injection.fresh(challenge, challenge.issued_at + timedelta(seconds=9)).outcome is Outcome.PASS
    assert injection.fresh(challenge, challenge.expires_at + timedelta(seconds=1)).reason == "challenge_expired"


def test_liveness_is_not_assessed_when_a_check_is_not() -> None:
    passed = CheckResult("a", Status.ASSESSED, Outcome.PASS, score=0.8)
    assert fuse_scores([passed, passed], shipped_calibration()).status is Status.ASSESSED
    assert (
        fuse_scores([passed, CheckResult.not_assessed("b", "x")], shipped_calibration()).status
        is Status.COULD_NOT_ASSESS
    )
    failed = CheckResult("c", Status.ASSESSED, Outcome.FAIL, score=0.9, reason="y")
    assert fuse_scores([passed, failed], shipped_calibration()).outcome is not Outcome.PASS


@pytest.mark.parametrize(
    ("yaw", "pitch"), [(0.0, 0.0), (20.0, 0.0), (-25.0, 0.0), (0.0, 15.0), (0.0, -15.0), (12.0, 9.0)]
)
def test_pose_of_the_generic_face_is_recovered(yaw: float, pitch: float) -> None:
    seen = (FACE_MM @ rotation(Pose(yaw, pitch)).T)[:, :2] * 1.7 + 200
    found = estimate_pose(seen.astype(np.float32))
    assert (found.yaw, found.pitch) == pytest.approx((yaw, pitch), abs=1.0)
    assert found.scale == pytest.approx(1.7, rel=0.05)


def test_clips_outside_the_bounds_are_refused() -> None:
    frame = Frame(np.zeros((480, 360, 3), dtype=np.uint8), 0.0, 0)
    for frames in ((frame,) * 7, (frame,) * 49, (frame,) * 9 + (replace(frame, pixels=frame.pixels[:300]),)):
        with pytest.raises(FramesUnusable):
            Clip(frames)
    small = replace(frame, pixels=frame.pixels[:200])
    with pytest.raises(FramesUnusable, match="pixels a side"):
        Clip((small,) * 10)


def test_no_action_depends_on_an_expression() -> None:
    assert {action.value for action in Action} == {
        "turn_left",
        "turn_right",
        "look_up",
        "look_down",
        "come_closer",
        "blink",
        "open_mouth",
    }


def test_noise_without_a_smooth_lit_area_is_not_assessed_and_dark_frames_do_not_count() -> None:
    rng = np.random.default_rng(8)

    def frame(number: int, level: float) -> Frame:
        grey = (level + rng.normal(0, 0.8, (240, 320))).clip(0, 255).astype(np.uint8)
        return Frame(np.repeat(grey[..., None], 3, axis=2), 100.0 * number, number)

    dark = injection.noise(Clip(tuple(frame(i, 8) for i in range(8))), shipped_calibration())
    assert (dark.status, dark.reason) == (Status.COULD_NOT_ASSESS, "noise_not_seen")
    some = injection.noise(Clip(tuple(frame(i, 120 if i % 2 else 8) for i in range(8))), shipped_calibration())
    lit = injection.noise(Clip(tuple(frame(i, 120) for i in range(8))), shipped_calibration())
    assert some.value == pytest.approx(lit.value, rel=0.05)
    assert lit.outcome is Outcome.PASS
