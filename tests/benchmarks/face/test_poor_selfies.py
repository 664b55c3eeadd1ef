"""Each way to spoil a selfie leaves a face whose quality is doubted, or the kind is left out."""

import cv2
import numpy as np

from idproof.benchmarks.face.poor_selfies import SPOILERS, make_poor
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.profiles import load_engines
from idproof.models.types import RGBImage


def photograph(label: str) -> RGBImage:
    picture = PortraitSource.open(None).person(label).photographs[0]
    return np.asarray(cv2.resize(picture, (500, 500), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def test_every_kind_is_made_of_somebody_and_the_face_stays_where_the_network_expects_it() -> None:
    engines, made = load_engines(), set()
    for label in ("bundled/astronaut", "bundled/office-holder", "bundled/naval-officer"):
        picture = photograph(label)
        found = make_poor(picture, engines.detector.detect(picture)[0], engines)
        assert found.keys() <= SPOILERS.keys()
        assert all(aligned.shape == (112, 112, 3) for aligned in found.values())
        made |= found.keys()
    assert made >= SPOILERS.keys() - {"turned"}, "a head that is turned by a warp is often not found"


def test_a_kind_to_which_quality_does_not_object_is_left_out() -> None:
    engines, picture = load_engines(), photograph("bundled/astronaut")
    grey = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    face = engines.detector.detect(picture)[0]
    assert "covered" in make_poor(picture, face, engines)
    # A mask in a picture without colour cannot be assessed, which is no doubt.
    assert "covered" not in make_poor(np.asarray(grey // 8, dtype=np.uint8), face, engines)
