"""Face detection in several captures, fusion of their templates in place, and comparison."""

import numpy as np
import pytest
import skimage.data

from idproof.models.profiles import load_engines
from idproof.models.score_reports import ScoreCalibration
from idproof.models.types import DetectedFace, RGBImage
from idproof.pipeline import Policy
from idproof.pipeline.errors import FaceNotFound, FaceTooDark
from idproof.pipeline.face import compare, detection
from idproof.pipeline.types import CARD_ROLES, CheckResult, Role


class Bright:
    """Finds a face in every picture that is not dark."""

    def detect(self, image: RGBImage) -> list[DetectedFace]:
        return [DetectedFace((0, 0, 9, 9), np.zeros((5, 2), np.float32), 1.0)] if image.mean() > 100 else []


def crops(*dark: Role) -> dict[Role, RGBImage]:
    return {role: np.full((40, 40, 3), 10 if role in dark else 200, np.uint8) for role in CARD_ROLES}


def test_a_portrait_that_glare_hides_in_a_tilted_capture_is_left_out() -> None:
    assert list(detection.find_portrait_faces(crops(), Bright())) == list(CARD_ROLES)
    left_out = detection.find_portrait_faces(crops(Role.CARD_TILT_LEFT), Bright())
    assert list(left_out) == [Role.CARD_FRONT, Role.CARD_TILT_RIGHT]


def test_a_front_capture_without_a_face_is_an_error() -> None:
    with pytest.raises(FaceNotFound) as caught:
        detection.find_portrait_faces(crops(Role.CARD_FRONT), Bright())
    assert caught.value.capture is Role.CARD_FRONT


def darkened(picture: RGBImage, light: float) -> RGBImage:
    """The picture taken with this share of the light, by a sensor whose noise stays as it is."""
    linear = (picture / 255.0) ** 2.2 * light + np.random.default_rng(0).normal(0, 0.004, picture.shape)
    return np.asarray(255 * linear.clip(0, 1) ** (1 / 2.2), dtype=np.uint8)


def test_a_selfie_in_which_darkness_hides_the_face_is_too_dark() -> None:
    detector = load_engines("open").detector
    person = skimage.data.astronaut()
    for light in (0.01, 0.002):
        assert not detector.detect(darkened(person, light)), "or the picture shows nothing here"
        with pytest.raises(FaceTooDark) as caught:
            detection.find_selfie_face(darkened(person, light), detector)
        assert (caught.value.code, caught.value.capture) == ("face_too_dark", Role.SELFIE)


def test_a_picture_of_nobody_is_not_called_dark() -> None:
    detector = load_engines("open").detector
    for picture in (skimage.data.coffee(), darkened(skimage.data.coffee(), 0.1), np.full((400, 400, 3), 90, np.uint8)):
        with pytest.raises(FaceNotFound) as caught:
            detection.find_selfie_face(picture, detector)
        assert caught.value.code == "face_not_found"


def test_a_dark_portrait_is_too_dark_and_a_covered_one_is_not() -> None:
    detector = load_engines("open").detector
    face = skimage.data.astronaut()[:300, 70:380]
    with pytest.raises(FaceTooDark):
        detection.find_portrait_face(darkened(face, 0.004), detector)
    with pytest.raises(FaceNotFound) as caught:
        detection.find_portrait_face(np.full_like(face, 150), detector)
    assert caught.value.code == "face_not_found"


def test_the_fused_template_is_the_mean_direction_and_overwrites_the_first() -> None:
    rows = np.eye(4, dtype=np.float32)[:3].copy()
    fused = compare.fuse(rows)
    np.testing.assert_allclose(fused, [[3**-0.5, 3**-0.5, 3**-0.5, 0]], atol=1e-6)
    assert np.shares_memory(fused, rows)
    one = np.array([[0.6, 0.8]], np.float32)
    np.testing.assert_allclose(compare.fuse(one.copy()), one, atol=1e-6)


def test_remove_colour_gives_the_same_picture_in_grey() -> None:
    face = np.random.default_rng(4).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    grey = compare.remove_colour(face)
    assert grey.shape == face.shape
    assert (grey == grey[..., :1]).all()
    np.testing.assert_allclose(grey[..., 0], face @ [0.299, 0.587, 0.114], atol=1)


def test_the_score_is_the_calibrated_probability() -> None:
    selfie = np.array([[1.0, 0.0]], np.float32)
    calibration = ScoreCalibration(slope=40, offset=-12)
    for cosine, outcome in ((0.25, "fail"), (0.4, "doubt"), (0.6, "pass")):
        portrait = np.array([[cosine, (1 - cosine**2) ** 0.5]], np.float32)
        result = compare.check(portrait, selfie, {1e-4: 0.5, 1e-2: 0.3}, calibration, Policy())
        assert result.outcome == outcome
        assert result.score == pytest.approx(1 / (1 + np.exp(12 - 40 * cosine)), rel=1e-4)


def judged(cosine: float) -> CheckResult:
    portrait = np.array([[cosine, (1 - cosine**2) ** 0.5]], np.float32)
    return compare.check(portrait, np.array([[1.0, 0.0]], np.float32), *JUDGED_BY)


JUDGED_BY = {1e-4: 0.5, 1e-2: 0.3}, ScoreCalibration(slope=40, offset=-12), Policy()


@pytest.mark.parametrize(
    ("selfie", "frames", "value", "outcome"),
    [
        pytest.param(0.45, [0.61, 0.63], 0.535, "pass", id="frames of the holder settle a doubt"),
        pytest.param(0.52, [0.30], 0.41, "doubt", id="frames that resemble less make a doubt"),
        pytest.param(0.52, [0.02], 0.27, "fail", id="frames of somebody else fail"),
        pytest.param(0.90, [0.9, 0.7], 0.85, "pass", id="as sure as before"),
    ],
)
def test_frames_count_as_much_as_the_selfie(selfie: float, frames: list[float], value: float, outcome: str) -> None:
    result = compare.with_frames(judged(selfie), frames, *JUDGED_BY)
    assert (result.outcome, result.name, result.limit) == (outcome, "face_comparison", 0.5)
    assert result.value == pytest.approx(value, abs=1e-3)
    assert result.score == pytest.approx(1 / (1 + np.exp(12 - 40 * value)), abs=1e-3)


def test_frames_do_not_excuse_another_person_s_selfie_and_none_change_nothing() -> None:
    failed, passed = judged(0.2), judged(0.6)
    assert compare.with_frames(failed, [0.95, 0.95], *JUDGED_BY) is failed
    assert compare.with_frames(passed, [], *JUDGED_BY) is passed


def test_a_rolled_selfie_gives_the_same_face_in_its_own_pixels() -> None:
    """YuNet finds a head on its side, but places its eyes and mouth wrongly."""
    engines = load_engines()
    upright = np.asarray(skimage.data.astronaut()[:400], dtype=np.uint8)  # wider than high
    template = engines.embedder.embed(
        [engines.embedder.align(upright, detection.find_selfie_face(upright, engines.detector).landmarks)]
    )
    for turns in (1, 2, 3):
        rolled = np.ascontiguousarray(np.rot90(upright, turns))
        face = detection.find_selfie_face(rolled, engines.detector)
        assert face.box[2] > 0
        assert (face.landmarks.min(axis=0) > face.box[:2]).all()
        assert (face.landmarks.max(axis=0) < np.add(face.box[:2], face.box[2:])).all()
        again = engines.embedder.embed([engines.embedder.align(rolled, face.landmarks)])
        assert (template @ again.T).item() > 0.95
