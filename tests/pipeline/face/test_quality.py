"""Each component reacts to its own defect and not to those of other components."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from idproof.datasets.rendered_people.camera import linear
from idproof.datasets.rendered_people.features import Features
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.profiles import load_engines
from idproof.models.types import DetectedFace, RGBImage
from idproof.pipeline.errors import CalibrationInvalid
from idproof.pipeline.face import quality
from idproof.pipeline.face.quality import assess
from idproof.pipeline.types import CheckResult, Outcome, Status


@pytest.fixture(scope="module")
def photograph() -> RGBImage:
    person = PortraitSource.open(None).person("bundled/astronaut").photographs[0]
    return np.asarray(cv2.resize(person, (320, 320), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


@pytest.fixture(scope="module")
def found(photograph: RGBImage) -> DetectedFace:
    return load_engines().detector.detect(photograph)[0]


def of(picture: RGBImage, found: DetectedFace) -> dict[str, float | None]:
    face = quality.Face.of(picture, found, load_engines().embedder.align(picture, found.landmarks))
    return {m.name: m.value for m in quality.measure(face)}


def outcomes(picture: RGBImage, found: DetectedFace) -> dict[str, Outcome | None]:
    face = quality.Face.of(picture, found, load_engines().embedder.align(picture, found.landmarks))
    return {r.name.removeprefix("quality_"): r.outcome for r in quality.check(face)}


def test_a_good_photograph_passes_everything(photograph: RGBImage, found: DetectedFace) -> None:
    assert set(outcomes(photograph, found).values()) == {Outcome.PASS}


def by_landmarks(picture: RGBImage) -> dict[str, CheckResult]:
    engines = load_engines()
    assert engines.landmarker is not None
    face = engines.detector.detect(picture)[0]
    aligned = engines.embedder.align(picture, face.landmarks)
    results = quality.check(quality.Face.of(picture, face, aligned, engines.landmarker))
    return {result.name: result for result in results}


def white_mask(picture: RGBImage) -> RGBImage:
    """Returns the bundled face with a white mask from the nose to below the chin."""
    left, right, nose, *corners = load_engines().detector.detect(picture)[0].landmarks
    mouth, across = np.mean(corners, axis=0), right - left
    top, bottom = (left + right) / 2 * 0.6 + nose * 0.4, mouth + (mouth - nose) * 2
    outline = [top - 0.9 * across, top, top + 0.9 * across, bottom + 0.4 * across, bottom - 0.4 * across]
    return np.asarray(cv2.fillPoly(picture.copy(), [np.array(outline, np.int32)], (212, 208, 202)), dtype=np.uint8)


def test_a_white_mask_is_found_by_landmarks_and_not_without(photograph: RGBImage) -> None:
    open_face, covered = by_landmarks(photograph), by_landmarks(white_mask(photograph))
    assert open_face["quality_mouth_seen"].outcome is Outcome.PASS
    assert (covered["quality_mouth_seen"].outcome, covered["quality_mouth_seen"].reason) == (
        Outcome.DOUBT,
        "selfie_face_covered",
    )
    tinted = np.asarray(white_mask(photograph) * np.array([1.0, 0.97, 0.9]), dtype=np.uint8)
    assert by_landmarks(tinted)["quality_mouth_seen"].outcome is Outcome.DOUBT


def test_a_dark_beard_and_dark_skin_leave_the_mouth_seen(photograph: RGBImage) -> None:
    dark = np.asarray(255 * (photograph / 255.0) ** 2.2 * 0.9, dtype=np.uint8)
    assert by_landmarks(dark)["quality_mouth_seen"].outcome is Outcome.PASS


def test_closed_eyes_are_doubted_unless_the_person_has_no_wider_ones(photograph: RGBImage) -> None:
    small = np.asarray(cv2.resize(photograph, (250, 250), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    features = Features.find(small)
    assert features is not None
    light = features.move(linear(small), 1.0, 0.0)
    shut = np.asarray((255 * light.clip(0, 1) ** (1 / 2.2)).round(), dtype=np.uint8)
    assert by_landmarks(small)["quality_eyes_open"].outcome is Outcome.PASS
    found = by_landmarks(shut)["quality_eyes_open"]
    assert found.value is not None
    limits = replace(assess.shipped(), limits={**assess.shipped().limits, "eyes_open": found.value + 0.01})
    engines = load_engines()
    face = engines.detector.detect(shut)[0]
    built = quality.Face.of(shut, face, engines.embedder.align(shut, face.landmarks), engines.landmarker)
    doubted = quality.check(built, limits)
    named = {result.name: result for result in doubted}["quality_eyes_open"]
    assert (named.outcome, named.reason) == (Outcome.DOUBT, "selfie_eyes_closed")
    assert quality.by_own_eyes(doubted, None) == doubted
    assert quality.by_own_eyes(doubted, 2 * found.value) == doubted
    narrow = {result.name: result for result in quality.by_own_eyes(doubted, 1.2 * found.value)}
    assert narrow["quality_eyes_open"].outcome is Outcome.PASS


def test_without_networks_of_landmarks_nothing_is_said_about_them(photograph: RGBImage, found: DetectedFace) -> None:
    assert not {"eyes_open", "mouth_seen"} & outcomes(photograph, found).keys()


def half_dark(picture: RGBImage) -> RGBImage:
    shade = np.where(np.arange(picture.shape[1]) < picture.shape[1] / 2, 0.12, 1.0)
    return np.asarray(picture * shade[None, :, None], dtype=np.uint8)


def masked(picture: RGBImage) -> RGBImage:
    """Returns the bundled face with a blue surgical mask over mouth and chin."""
    left, right, nose, *corners = load_engines().detector.detect(picture)[0].landmarks
    mouth, across = np.mean(corners, axis=0), right - left
    top, bottom = (left + right) / 2 * 0.5 + mouth * 0.5, mouth + (mouth - nose) * 2
    outline = [top - 0.9 * across, top, top + 0.9 * across, bottom + 0.4 * across, bottom - 0.4 * across]
    return np.asarray(cv2.fillPoly(picture.copy(), [np.array(outline, np.int32)], (120, 170, 210)), dtype=np.uint8)


def before_leaves(picture: RGBImage) -> RGBImage:
    """Returns the picture with small contrasts everywhere but on head and shoulders."""
    x, y, width, height = load_engines().detector.detect(picture)[0].box
    down, across = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]]
    head = np.hypot((across - x - width / 2) / width, (down - y - height / 2) / height) < 1
    leaves = np.random.default_rng(1).integers(0, 2, (64, 64, 1)).astype(np.uint8) * 255
    leaves = cv2.resize(leaves, picture.shape[1::-1], interpolation=cv2.INTER_NEAREST)[..., None]
    return np.where(head[..., None], picture, leaves)


SPOILT = {
    "sharpness": lambda p: cv2.GaussianBlur(p, (0, 0), 9),
    "exposure": lambda p: np.clip(p.astype(float) * 3 + 90, 0, 255).astype(np.uint8),
    "dynamic_range": lambda p: (p // 40 + 100).astype(np.uint8),
    "illumination": half_dark,
    "occlusion": masked,
}


@pytest.mark.parametrize("component", SPOILT)
def test_each_component_detects_its_own_defect(photograph: RGBImage, found: DetectedFace, component: str) -> None:
    assert outcomes(SPOILT[component](photograph), found)[component] is Outcome.DOUBT


@pytest.mark.parametrize(
    ("light", "reasons"),
    [(0.1, {"selfie_too_dark"}), (3.5, {"selfie_badly_exposed", "selfie_without_contrast"}), (1.0, set())],
)
def test_a_dark_face_is_called_dark(photograph: RGBImage, found: DetectedFace, light: float, reasons: set[str]) -> None:
    picture = np.asarray((photograph * light).clip(0, 255), dtype=np.uint8)
    face = quality.Face.of(picture, found, load_engines().embedder.align(picture, found.landmarks))
    named = {r.reason for r in quality.check(face) if r.name in ("quality_exposure", "quality_dynamic_range")}
    assert named - {None} == reasons


def test_a_turned_head_and_a_cut_off_face_are_in_doubt(photograph: RGBImage, found: DetectedFace) -> None:
    turned = found.landmarks.copy()
    turned[2] += 0.6 * (turned[1] - turned[0])
    assert outcomes(photograph, replace(found, landmarks=turned))["pose"] is Outcome.DOUBT
    cut = replace(found, box=(-0.6 * found.box[2], *found.box[1:]))
    assert outcomes(photograph, cut)["framing"] is Outcome.DOUBT


def test_pose_is_in_degrees_and_ignores_roll(photograph: RGBImage, found: DetectedFace) -> None:
    """Returns a head of the model's proportions, turned by known angles about its own axis and the camera's."""
    head = np.array([[-1, 0, 0], [1, 0, 0], [0, 1, -1.1], [-0.8, 2, 0], [0.8, 2, 0]])
    for yaw in (0, 20, 45):
        for roll in (0, 30):
            c, s, cr, sr = (f(np.radians(a)) for a in (yaw, roll) for f in (np.cos, np.sin))
            seen = (head @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T)[:, :2] @ np.array([[cr, sr], [-sr, cr]])
            landmarks = (seen * 40 + 160).astype(np.float32)
            assert of(photograph, replace(found, landmarks=landmarks))["pose"] == pytest.approx(yaw, abs=0.5)


def test_a_component_that_cannot_be_assessed_does_not_pass(photograph: RGBImage, found: DetectedFace) -> None:
    grey = np.full_like(photograph, 128)
    face = quality.Face.of(grey, found, load_engines().embedder.align(grey, found.landmarks))
    sharpness = next(r for r in quality.check(face) if r.name == "quality_sharpness")
    assert (sharpness.status, sharpness.reason) == (Status.COULD_NOT_ASSESS, "selfie_blurred")


@settings(max_examples=40, deadline=None)
@given(arrays(np.uint8, (112, 112, 3)), arrays(np.float32, (5, 2), elements=st.floats(-50, 400, width=32)))
def test_no_picture_fails_a_quality_check(aligned: RGBImage, landmarks: np.ndarray) -> None:
    picture = np.zeros((240, 320, 3), np.uint8)
    face = quality.Face.of(picture, DetectedFace((10, 10, 100, 120), landmarks, 0.9), aligned)
    results = quality.check(face)
    assert tuple(r.name for r in results) == quality.NAMES
    assert all(r.outcome is not Outcome.FAIL for r in results)
    assert all(r.score is None or 0 <= r.score <= 1 for r in results)


def test_occlusion_cannot_be_assessed_without_colour(photograph: RGBImage, found: DetectedFace) -> None:
    grey = np.repeat(photograph.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    face = quality.Face.of(grey, found, load_engines().embedder.align(grey, found.landmarks))
    covered = next(r for r in quality.check(face) if r.name == "quality_occlusion")
    assert (covered.status, covered.reason) == (Status.COULD_NOT_ASSESS, "selfie_face_covered")


def test_a_busy_background_is_measured_and_refers_nobody(photograph: RGBImage, found: DetectedFace) -> None:
    leaves = before_leaves(photograph)
    plain, busy = of(photograph, found)["background"], of(leaves, found)["background"]
    assert plain is not None
    assert busy is not None
    assert busy > assess.shipped().limits["background"] > plain
    assert outcomes(leaves, found)["background"] is Outcome.PASS


def test_a_head_that_fills_the_picture_has_no_background(photograph: RGBImage, found: DetectedFace) -> None:
    x, y, width, height = (round(value) for value in found.box)
    close = np.ascontiguousarray(before_leaves(photograph)[y : y + height, x : x + width])
    inside = replace(found, box=(0, 0, width, height), landmarks=found.landmarks - np.float32([x, y]))
    assert of(close, inside)["background"] == 0.0


def test_limits_are_read_or_refused(tmp_path: Path) -> None:
    assert assess.shipped().source["people"]
    path = tmp_path / "limits.json"
    for text in ("", "{}", json.dumps({"limits": {"pose": 1}, "percentiles": {}, "source": {}})):
        path.write_text(text)
        with pytest.raises(CalibrationInvalid):
            quality.Limits.load(path)
