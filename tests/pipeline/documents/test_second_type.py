"""Another card needs a document type file and no code: its registrations are found and read."""

import pytest

from idproof.datasets.specimen.make import Registration, make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.datasets.specimen.prints import TYPES
from idproof.pipeline import Captures, Policy, Verifier
from idproof.pipeline.card.plan import CardPose
from idproof.pipeline.errors import CardNotFound
from idproof.pipeline.guidance import GuidanceMemory, Guide, Hint

ROLES = {
    "card_front": "front.jpg",
    "card_tilt_left": "tilt_left.jpg",
    "card_tilt_right": "tilt_right.jpg",
    "selfie": "selfie.jpg",
}


@pytest.fixture(scope="module")
def pass_verifier() -> Verifier:
    return Verifier.open(policy=Policy.for_uploads(), document=TYPES / "harbour_pass.toml")


def captures(registration: Registration) -> Captures:
    return Captures.from_parts({role: registration.pictures[name] for role, name in ROLES.items()})


@pytest.mark.parametrize("index", [0, 1])
def test_a_second_types_fields_are_read_right(pass_verifier: Verifier, index: int) -> None:
    registration = make(31, index, PortraitSource.open(None), pass_verifier.document)
    verdict = pass_verifier.verify(captures(registration))
    assert verdict.document_type == "harbour-pass"
    assert {name: reading.text for name, reading in verdict.fields.items()} == registration.description["truth"][
        "fields"
    ]


HELD = CardPose(-0.5, 2.3, 0.581)
"""Pose of the pass in its flat capture, as measured."""


def test_the_camera_is_guided_to_a_second_types_card(pass_verifier: Verifier, registration: Registration) -> None:
    assert pass_verifier.face_detector is not None
    guide = Guide.open(pass_verifier.document, pass_verifier.face_detector)
    own = make(31, 0, PortraitSource.open(None), pass_verifier.document)
    hints = [
        guide.card(memoryview(pictures["front.jpg"]), HELD, GuidanceMemory(), 0.0).hint
        for pictures in (own.pictures, registration.pictures)
    ]
    assert hints == [Hint.GOOD, Hint.SHOW_CARD]


def test_one_types_card_is_not_taken_for_the_others(pass_verifier: Verifier, registration: Registration) -> None:
    with pytest.raises(CardNotFound):
        pass_verifier.verify(captures(registration))
