"""The second portrait is compared in the front capture, and where glare hides it there, in the tilted ones."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from idproof.datasets.specimen.make import Registration, make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.profiles import load_engines
from idproof.models.score_reports import ScoreCalibration
from idproof.models.types import Embeddings
from idproof.pipeline import Captures, Policy, Verifier
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.face import second_portrait
from idproof.pipeline.face.detection import pad_edges
from idproof.pipeline.types import CheckResult, Outcome, Status

JUDGED_BY = {1e-4: 0.5, 1e-2: 0.3}, ScoreCalibration(slope=40, offset=-12), Policy()


def row(cosine: float) -> Embeddings:
    return np.array([[cosine, (1 - cosine**2) ** 0.5]], np.float32)


def hidden(registration: Registration, document: DocumentType, *names: str) -> Captures:
    """The registration with the second portrait of some captures painted over, as by glare."""
    region = next(r for r in document.regions if r.kind == "second_portrait").box
    left, top, width, height = region.x, region.y, region.width, region.height
    box = np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]], np.float32)
    card = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * [document.width_mm, document.height_mm]
    parts = registration.parts()
    for name in names:
        picture = cv2.imdecode(np.frombuffer(registration.pictures[f"{name}.jpg"], np.uint8), cv2.IMREAD_COLOR)
        corners = np.array(registration.description["truth"]["corners"][name], np.float32)
        to_picture = cv2.getPerspectiveTransform(card.astype(np.float32), corners)
        outline = cv2.perspectiveTransform(box[None], to_picture)[0]
        cv2.fillPoly(picture, [outline.round().astype(np.int32)], (215, 220, 218))
        parts[f"card_{name}"] = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
    return Captures.from_parts(parts)


@pytest.fixture(scope="module")
def found(verifier: Verifier, document: DocumentType) -> Callable[..., CheckResult]:
    def find(*names: str, attack: str | None = None) -> CheckResult:
        made = make(31, 0, PortraitSource.open(None), document, attack)
        return verifier.verify(hidden(made, document, *names)).check(second_portrait.NAME)

    return find


def test_a_second_portrait_that_the_front_hides_is_compared_in_the_tilted_captures(
    found: Callable[..., CheckResult],
) -> None:
    assert found("front").outcome is Outcome.PASS


def test_a_second_portrait_that_all_captures_hide_could_not_be_assessed(found: Callable[..., CheckResult]) -> None:
    nowhere = found("front", "tilt_left", "tilt_right")
    assert (nowhere.status, nowhere.reason) == (Status.COULD_NOT_ASSESS, "second_portrait_without_face")


def test_another_face_in_the_tilted_captures_does_not_pass(found: Callable[..., CheckResult]) -> None:
    assert found("front", attack="portrait_swap_digital").status is Status.COULD_NOT_ASSESS


def test_a_face_printed_too_pale_for_the_detector_is_found_in_full_contrast() -> None:
    detector = load_engines("open").detector
    photograph = PortraitSource.open(None).person("bundled/office-holder").photographs[0]
    small = cv2.resize(photograph, (200, 200), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float64)
    pale = cv2.merge([(150 + 0.07 * (grey - 128)).astype(np.uint8)] * 3)
    picture = pad_edges(np.asarray(pale, dtype=np.uint8))
    assert not detector.detect(picture)
    face = second_portrait.find_face(picture, detector)
    assert face is not None
    whole = second_portrait.find_face(pad_edges(np.asarray(cv2.merge([grey.astype(np.uint8)] * 3))), detector)
    assert whole is not None
    np.testing.assert_allclose(face.landmarks, whole.landmarks, atol=3)
    grain = np.random.default_rng(1).normal(150, 3, picture.shape).clip(0, 255).astype(np.uint8)
    assert second_portrait.find_face(grain, detector) is None


@pytest.mark.parametrize(
    ("cosine", "front", "tilted"),
    [(0.7, Outcome.PASS, Outcome.PASS), (0.4, Outcome.DOUBT, None), (0.1, Outcome.FAIL, None)],
)
def test_tilted_captures_can_pass_and_never_fail(cosine: float, front: Outcome, tilted: Outcome | None) -> None:
    for of_tilted, outcome in ((False, front), (True, tilted)):
        result = second_portrait.check(row(1.0), row(cosine), *JUDGED_BY, tilted=of_tilted)
        assert result.outcome is outcome
        if of_tilted and outcome is None:
            assert result.reason == "second_portrait_without_face"
