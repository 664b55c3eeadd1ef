"""A selfie of the sitting passes; one of another place, or of the face alone, does not."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from idproof.datasets.rendered_people.clips import Distance, Sitting, bona_fide, selfie
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.profiles import load_engines
from idproof.models.types import RGBImage
from idproof.pipeline.liveness import selfie_scene
from idproof.pipeline.liveness.challenge import Options
from idproof.pipeline.liveness.face_tracking import TrackedClip, track_faces
from idproof.pipeline.liveness.selfie_scene import Surroundings
from idproof.pipeline.types import Outcome, Status


@pytest.fixture(scope="module")
def photographs() -> list[RGBImage]:
    """Of one person, on three days."""
    pictures = PortraitSource.open(None).person("bundled/office-holder").photographs
    return [np.asarray(cv2.resize(picture, (250, 250)), dtype=np.uint8) for picture in pictures]


@pytest.fixture(scope="module", params=list(Distance))
def sitting(request: pytest.FixtureRequest, photographs: list[RGBImage]) -> Sitting:
    head_alone = Options(eyelids=False, lips=False)
    return Sitting.draw(photographs[0], Draws(np.random.default_rng(6), Split.TEST), head_alone, request.param)


@pytest.fixture(scope="module")
def tracked(sitting: Sitting) -> Iterator[TrackedClip]:
    with track_faces(bona_fide(sitting), load_engines().detector) as found:
        yield found


def cut(image: RGBImage) -> Surroundings:
    return selfie_scene.cut(image, load_engines().detector.detect(image)[0])


def test_a_selfie_of_the_sitting_passes(sitting: Sitting, tracked: TrackedClip) -> None:
    assert selfie_scene.check(tracked, cut(selfie(sitting))).outcome is Outcome.PASS


def test_it_passes_lying_on_its_side_and_under_another_white_balance(sitting: Sitting, tracked: TrackedClip) -> None:
    warm = (selfie(sitting) * np.array([1.05, 1.0, 0.9])).clip(0, 255).astype(np.uint8)
    face = load_engines().detector.detect(warm)[0]
    turned = np.ascontiguousarray(np.rot90(warm))
    x, y = face.landmarks[:, 0], face.landmarks[:, 1]
    rolled = replace(face, landmarks=np.column_stack([y, warm.shape[1] - 1 - x]).astype(np.float32))
    assert selfie_scene.check(tracked, selfie_scene.cut(turned, rolled)).outcome is Outcome.PASS


def test_a_mirrored_selfie_passes(sitting: Sitting, tracked: TrackedClip) -> None:
    mirrored = np.ascontiguousarray(selfie(sitting)[:, ::-1])
    assert selfie_scene.check(tracked, cut(mirrored)).outcome is Outcome.PASS


@pytest.mark.parametrize("day", [1, 2])
def test_a_selfie_of_another_day_is_in_doubt(
    day: int, photographs: list[RGBImage], sitting: Sitting, tracked: TrackedClip
) -> None:
    found = selfie_scene.check(tracked, cut(selfie(replace(sitting, photograph=photographs[day]))))
    assert (found.outcome, found.reason) == (Outcome.DOUBT, "selfie_not_of_clip")


def test_a_face_without_surroundings_never_passes(sitting: Sitting, tracked: TrackedClip) -> None:
    alone = cut(selfie(sitting)).copy()
    alone[..., 3] = 0
    assert selfie_scene.check(tracked, alone).status is Status.COULD_NOT_ASSESS
    plain = cut(selfie(sitting)).copy()
    plain[..., :3] = 128
    assert selfie_scene.check(tracked, plain).outcome is Outcome.DOUBT


def test_frames_without_a_face_are_not_assessed(sitting: Sitting, tracked: TrackedClip) -> None:
    nobody = replace(tracked, frames=tuple(replace(frame, face=None) for frame in tracked.frames))
    assert selfie_scene.check(nobody, cut(selfie(sitting))).status is Status.COULD_NOT_ASSESS


def test_nothing_that_was_cut_out_remains(
    sitting: Sitting, tracked: TrackedClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, kept = selfie(sitting), list[np.ndarray]()
    blur, likeness = cv2.GaussianBlur, selfie_scene.likeness

    def record(picture: np.ndarray, *rest: Any) -> np.ndarray:
        blurred = blur(picture, *rest)
        kept.extend([blurred] if blurred.dtype == np.uint8 else [])
        return blurred

    monkeypatch.setattr(cv2, "GaussianBlur", record)
    around = cut(image)
    assert len(kept) == 1

    def fail(view: Surroundings, seen: Surroundings) -> float | None:
        kept.extend([view] if seen is around else [view, seen])
        if seen is not around:  # the mirrored copy
            raise RuntimeError("stopped")
        return likeness(view, seen)

    monkeypatch.setattr(selfie_scene, "likeness", fail)
    with pytest.raises(RuntimeError, match="stopped"):
        selfie_scene.check(tracked, around)
    assert around.any()
    assert not any(picture.any() for picture in kept)
