"""A card that no code here knows: added as data, with a second portrait that does not move, from one capture."""

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from idproof.datasets.specimen import prints
from idproof.datasets.specimen.make import make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline import Policy
from idproof.pipeline.card.checks.second_portrait import MOVES, SAME_FACE
from idproof.pipeline.card.examiner import CardExaminer
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.view import corners
from idproof.pipeline.documents import Box, DocumentType, load
from idproof.pipeline.types import CheckResult, Outcome, Role

GHOST = Box(5.0, 38.5, 8.4, 10.8)  # of the main portrait's proportions


@pytest.fixture(scope="module")
def foreign() -> DocumentType:
    return replace(load(prints.TYPES / "harbour_pass.toml"), ghost=GHOST)


def flat_capture(foreign: DocumentType, second: np.ndarray | None) -> np.ndarray:
    """One capture of a rendered pass; its second portrait is copied from the main one, or shows `second`."""
    made = make(8, 0, PortraitSource.open(None), replace(foreign, ghost=None))
    picture = np.array(Image.open(io.BytesIO(made.pictures["front.jpg"])))
    to_mm = np.array([[0, 0], [foreign.width_mm, 0], [foreign.width_mm, foreign.height_mm], [0, foreign.height_mm]])
    truth = np.array(made.description["truth"]["corners"]["front"])
    plane, _ = cv2.findHomography(to_mm, truth)
    portrait = foreign.portrait
    if second is None:
        scale = 20
        flat = np.diag([scale, scale, 1.0]) @ np.array([[1, 0, -portrait.x], [0, 1, -portrait.y], [0, 0, 1]])
        size = (round(portrait.width * scale), round(portrait.height * scale))
        second = cv2.warpPerspective(picture, flat @ np.linalg.inv(plane), size)
    h, w = second.shape[:2]
    lay = plane @ np.array([[GHOST.width / w, 0, GHOST.x], [0, GHOST.height / h, GHOST.y], [0, 0, 1]])
    frame = picture.shape[1::-1]
    laid = cv2.warpPerspective(second, lay, frame, flags=cv2.INTER_AREA)
    inside = cv2.warpPerspective(np.full((h, w), 255, np.uint8), lay, frame) > 127
    picture = picture.copy()
    picture[inside] = laid[inside]
    return picture


def examined(foreign: DocumentType, picture: np.ndarray) -> dict[str, CheckResult]:
    locator, policy = CardLocator.open(foreign), Policy()
    view = locator.locate(picture, Role.CARD_FRONT, policy)
    assert corners(view, foreign).shape == (4, 2)
    results = CardExaminer.open(foreign).examine_one(picture, locator.rectify(picture, view), view, policy)
    return {result.name: result for result in results}


def test_a_plain_second_portrait_is_required_to_agree_but_not_to_move(foreign: DocumentType) -> None:
    examiner = CardExaminer.open(foreign)
    assert SAME_FACE in examiner.required
    assert MOVES not in examiner.required
    assert not examiner.optically_variable


def test_its_genuine_card_passes_from_one_capture(foreign: DocumentType) -> None:
    found = examined(foreign, flat_capture(foreign, None))
    assert {result.outcome for result in found.values()} == {Outcome.PASS}


def test_a_replaced_portrait_is_found_from_one_capture(foreign: DocumentType) -> None:
    other = PortraitSource.open(None).person("bundled/second-office-holder").photographs[0]
    grey = np.repeat(cv2.cvtColor(other, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    found = examined(foreign, flat_capture(foreign, grey))
    assert found[SAME_FACE].reason == "second_portrait_differs"
