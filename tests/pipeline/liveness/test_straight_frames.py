"""Frames that look straight ahead are lent for the comparison with the card, one template at a time, and wiped."""

import numpy as np
import pytest

from idproof.datasets.rendered_people.clips import Sitting, bona_fide
from idproof.datasets.specimen.draws import Draws, Split
from idproof.models.profiles import load_engines
from idproof.models.types import Embeddings
from idproof.pipeline.liveness import selfie_scene
from idproof.pipeline.liveness.challenge import Options
from idproof.pipeline.liveness.examiner import Claim, LivenessExaminer


@pytest.fixture(scope="module")
def sitting(photograph: np.ndarray) -> Sitting:
    return Sitting.draw(photograph, Draws(np.random.default_rng(3), Split.TEST), Options(eyelids=False, lips=False))


def test_straight_frames_are_lent_and_their_templates_are_wiped(sitting: Sitting) -> None:
    engines = load_engines()
    clip = bona_fide(sitting)
    first = clip.frames[0].pixels
    face = engines.detector.detect(first)[0]
    aligned = engines.embedder.align(first, face.landmarks)
    selfie = engines.embedder.embed([aligned])
    lent: list[Embeddings] = []
    cosines: list[float] = []

    def keep(template: Embeddings) -> None:
        assert template.shape == (1, engines.embedder.dimensions)
        assert template.base is not None, "a view, no copy"
        lent.append(template)
        cosines.append(float((selfie @ template.T).item()))

    around = selfie_scene.cut(first, face)
    claim = Claim(selfie, aligned, 0.4, 0.3, around, keep)
    examiner = LivenessExaminer(engines.detector, engines.embedder)
    with_frames = examiner.examine(clip, sitting.challenge, claim)
    assert 1 <= len(lent) <= 4
    assert cosines[0] == pytest.approx(1, abs=1e-3), "the first frame is among them"
    assert min(cosines) > 0.6
    assert not any(template.any() for template in lent)
    without = examiner.examine(clip, sitting.challenge, Claim(selfie, aligned, 0.4, 0.3, around))
    assert [r.name for r in without] == [r.name for r in with_frames]


def test_turned_frames_are_not_lent(sitting: Sitting) -> None:
    """The four compared frames are spread over the challenge; the actions turn the head in some of them."""
    engines = load_engines()
    clip, lent = bona_fide(sitting), []
    first = clip.frames[0].pixels
    face = engines.detector.detect(first)[0]
    aligned = engines.embedder.align(first, face.landmarks)
    claim = Claim(
        engines.embedder.embed([aligned]), aligned, 0.4, 0.3, selfie_scene.cut(first, face), lambda row: lent.append(1)
    )
    LivenessExaminer(engines.detector, engines.embedder).examine(clip, sitting.challenge, claim)
    assert len(lent) < 4
