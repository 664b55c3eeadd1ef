"""The networks of a profile are judged by their publisher's rule, refer at most, and are not fused."""

import cv2
import numpy as np
import pytest

from idproof.datasets.rendered_people.clips import Sitting, bona_fide
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.profiles import load_engines
from idproof.models.types import DetectedFace, RGBImage
from idproof.pipeline.decide import decide
from idproof.pipeline.liveness import examiner, passive
from idproof.pipeline.liveness.examiner import LivenessExaminer
from idproof.pipeline.liveness.face_tracking import TrackedClip, TrackedFrame
from idproof.pipeline.liveness.frames import Clip, Frame
from idproof.pipeline.types import Decision, Outcome, Status

FACE = DetectedFace((60, 60, 100, 120), np.zeros((5, 2), np.float32), 0.9)


class ByBrightness:
    """Classifies bright faces as real."""

    def classify(self, image: RGBImage, face: DetectedFace) -> tuple[float, bool]:
        """Returns the brightness as a probability."""
        share = float(image.mean()) / 255
        return share, share > 0.5


class NeverReal:
    """Calls no face real."""

    def classify(self, image: RGBImage, face: DetectedFace) -> tuple[float, bool]:
        """Returns no probability."""
        return 0.0, False


def watched(brightness: list[int], seen: bool = True) -> TrackedClip:
    frames = tuple(Frame(np.full((240, 240, 3), level, np.uint8), 100.0 * i, i) for i, level in enumerate(brightness))
    return TrackedClip(Clip(frames), tuple(TrackedFrame(i, FACE if seen else None) for i in range(len(frames))))


@pytest.mark.parametrize(
    ("brightness", "outcome"),
    [([200] * 8, Outcome.PASS), ([40] * 8, Outcome.DOUBT), ([200] * 3 + [40] * 5, Outcome.DOUBT)],
)
def test_most_frames_must_be_classified_as_real(brightness: list[int], outcome: Outcome) -> None:
    result = passive.check_ensemble(watched(brightness), ByBrightness())
    assert result.outcome is outcome
    assert result.reason == (None if outcome is Outcome.PASS else "texture_of_print_or_display")


def test_the_ensemble_is_not_assessed_without_a_face() -> None:
    assert passive.check_ensemble(watched([200] * 8, seen=False), ByBrightness()).status is Status.COULD_NOT_ASSESS


def test_the_ensemble_refers_a_person_and_is_not_part_of_the_fused_score() -> None:
    photograph = PortraitSource.open(None).person("bundled/astronaut").photographs[0]
    small = np.asarray(cv2.resize(photograph, (250, 250)), dtype=np.uint8)
    sitting = Sitting.draw(small, Draws(np.random.default_rng(2), Split.TEST))
    clip, engines = bona_fide(sitting), load_engines()
    plain, asked = (
        LivenessExaminer(engines.detector, engines.embedder, ensemble=ensemble, landmarker=engines.landmarker).examine(
            clip, sitting.challenge
        )
        for ensemble in (None, NeverReal())
    )
    assert decide(plain, (examiner.NAME,)) == (Decision.ACCEPT, ())
    assert decide(asked, (examiner.NAME,)) == (Decision.REFER, ("texture_of_print_or_display",))
    assert [result for result in asked if result.name != passive.ENSEMBLE] == plain
