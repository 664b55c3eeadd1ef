"""Fingers over the card: what covers its edge is asked to be taken away, and what is pasted on the card is found."""

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from card_checks import failed_input, located
from PIL import Image

from idproof.datasets.specimen import camera
from idproof.datasets.specimen.hand import Hand
from idproof.datasets.specimen.make import make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline import Policy
from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.card.examiner import CardExaminer
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.view import project
from idproof.pipeline.decide import decide
from idproof.pipeline.documents import Box, DocumentType, load_builtin
from idproof.pipeline.types import CARD_ROLES, CheckResult, Decision, Outcome, Role

SKIN = (0.35, 0.23, 0.16)


@pytest.fixture(scope="module")
def examiner(document: DocumentType) -> CardExaminer:
    return CardExaminer.open(document)


def held(locator: CardLocator, *thumb: object) -> CardCaptures:
    """A genuine card, held by a thumb in every capture: edge, place along it, reach and breadth."""
    hand, scene = Hand(*thumb, SKIN), camera.scene  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(camera, "scene", lambda *given: replace(scene(*given), hand=hand))
        parts = make(31, 0, PortraitSource.open(None), load_builtin()).parts()
    return located(locator, {role: np.array(Image.open(io.BytesIO(parts[role])).convert("RGB")) for role in CARD_ROLES})


def pasted(locator: CardLocator, card: CardCaptures, box: Box) -> CardCaptures:
    """The card with a plain patch over this box in every capture."""
    right, bottom = box.x + box.width, box.y + box.height
    corners = [[box.x, box.y], [right, box.y], [right, bottom], [box.x, bottom]]
    images = {}
    for role, image in card.images.items():
        place = project(card.views[role].homography, np.array(corners))
        outline = np.round(place * 16).astype(np.int32)
        images[role] = cv2.fillPoly(image.copy(), [outline], (150, 140, 135), cv2.LINE_AA, shift=4)
    return located(locator, images)


def examined(examiner: CardExaminer, card: CardCaptures) -> dict[str, CheckResult]:
    return {r.name: r for r in examiner.examine(card.images, card.rectified, card.views, Policy())}


@pytest.mark.parametrize(
    "thumb", [("bottom", 0.55, 6.0, 16.0), ("right", 0.03, 10.0, 15.0), ("right", 0.55, 4.5, 18.0)]
)
def test_a_thumb_over_an_edge_is_asked_to_be_taken_away(
    thumb: tuple[object, ...], examiner: CardExaminer, locator: CardLocator
) -> None:
    results = examined(examiner, held(locator, *thumb))
    assert not [r for r in results.values() if r.outcome is Outcome.FAIL]
    assert results["print_continuity"].reason == "card_covered"
    assert decide(list(results.values()), examiner.required) == (Decision.REFER, ("card_covered",))


@pytest.mark.parametrize("box", [Box(56.0, 30.5, 10.5, 12.0), Box(77.0, 15.0, 8.6, 12.0), Box(40.0, 47.0, 14.0, 6.98)])
def test_a_patch_that_ends_at_the_edge_is_found(
    box: Box, examiner: CardExaminer, locator: CardLocator, card: CardCaptures
) -> None:
    results = examined(examiner, pasted(locator, card, box))
    assert results["print_continuity"].reason == "print_interrupted"


def test_a_thumb_elsewhere_excuses_no_patch(examiner: CardExaminer, locator: CardLocator) -> None:
    both = pasted(locator, held(locator, "bottom", 0.55, 6.0, 16.0), Box(77.0, 15.0, 8.6, 12.0))
    assert examined(examiner, both)["print_continuity"].reason == "print_interrupted"


def test_a_thumb_over_a_patch_is_not_accepted(examiner: CardExaminer, locator: CardLocator) -> None:
    thumb = held(locator, "right", 0.4, 9.0, 18.0)
    both = pasted(locator, thumb, Box(77.0, 15.0, 7.0, 8.0))
    decision, _ = decide(list(examined(examiner, both).values()), examiner.required)
    assert decision is not Decision.ACCEPT


@pytest.mark.parametrize("folder", ["thumb_bottom6mm", "thumb_right10mm"])
def test_a_genuine_card_under_a_thumb_is_referred(folder: str, examiner: CardExaminer, locator: CardLocator) -> None:
    results = examined(examiner, located(locator, failed_input(folder)))
    assert decide(list(results.values()), examiner.required) == (Decision.REFER, ("card_covered",))


@pytest.mark.parametrize("roles", [(Role.CARD_FRONT,), (Role.CARD_FRONT, Role.CARD_TILT_LEFT)])
def test_a_finger_over_a_missing_hologram_is_no_response(
    roles: tuple[Role, ...], examiner: CardExaminer, locator: CardLocator
) -> None:
    """In each of these captures it covers another part of the region."""
    parts = make(31, 0, PortraitSource.open(None), load_builtin(), attack="hologram_flat").parts()
    flat = located(locator, {role: np.array(Image.open(io.BytesIO(parts[role])).convert("RGB")) for role in CARD_ROLES})
    box = next(region.box for region in examiner.document.regions if region.kind == "diffractive")
    images = dict(flat.images)
    for number, role in enumerate(roles):
        left = box.x + box.width * (0.5 - 0.7 * number)
        top, right = box.y + 3 + 5 * number, left + 11.0
        finger = np.array([[left, top], [right, top], [right, 75.0], [left, 75.0]])
        place = np.round(project(flat.views[role].homography, finger) * 16).astype(np.int32)
        images[role] = cv2.fillPoly(images[role].copy(), [place], (190, 150, 125), cv2.LINE_AA, shift=4)
    results = examined(examiner, located(locator, images))
    assert results["fraud_hologram"].outcome is Outcome.FAIL
    assert decide(list(results.values()), examiner.required)[0] is Decision.REJECT
