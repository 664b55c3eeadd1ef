"""The check of the second portrait: same person, and moving with the angle."""

from collections.abc import Mapping

import cv2
import numpy as np
import pytest
from card_checks import measured
from card_views import card_views

from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.card.checks.second_portrait import SecondPortrait, second_portrait_region
from idproof.pipeline.documents import Box, DocumentType, Region
from idproof.pipeline.types import CARD_ROLES, CheckResult, Outcome, Role, Status

SAME, MOVES = "second_portrait_same", "second_portrait_moves"
TURNS = dict(zip(CARD_ROLES, (1.0, 24.0, -26.0), strict=True))


@pytest.fixture(scope="module")
def region(document: DocumentType) -> Region:
    found = second_portrait_region(document)
    assert found is not None
    return found


def photograph(label: str) -> np.ndarray:
    picture = PortraitSource.open(None).person(label).photographs[0]
    return (
        cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[40:210, 45:175]
        if label.endswith("astronaut")
        else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    )


def drawn_card(
    document: DocumentType, region: Region, main: np.ndarray, second: np.ndarray, shift_mm: float
) -> np.ndarray:
    """A card of lines with the portrait, and the same height of a photograph in the second portrait's place."""
    width, height = document.size_px
    canvas = np.full((height, width), 205, np.uint8)
    s = document.px_per_mm
    canvas[np.arange(height) % round(s) < s / 4] = 180

    def lay(picture: np.ndarray, box: Box, share: float, dx: float = 0.0) -> None:
        x, y, w, h = (box.x + dx) * s, box.y * s, box.width * s, box.height * s
        cut = picture[:, round(picture.shape[1] * (1 - share) / 2) : round(picture.shape[1] * (1 + share) / 2)]
        move = np.array([[w / cut.shape[1], 0, x], [0, h / cut.shape[0], y]])
        laid = cv2.warpAffine(cut, move, (width, height), flags=cv2.INTER_AREA)
        inside = cv2.warpAffine(np.ones_like(cut), move, (width, height), flags=cv2.INTER_NEAREST) > 0
        canvas[inside] = laid[inside]

    assert region.picture is not None
    ratio = (region.picture.width / region.picture.height) / (document.portrait.width / document.portrait.height)
    lay(main, document.portrait, 1.0)
    lay(second, region.picture, ratio, shift_mm)
    return np.repeat(canvas[..., None], 3, axis=2)


def judged(
    document: DocumentType,
    region: Region,
    shifts: Mapping[Role, float],
    second: str = "bundled/astronaut",
    hidden: tuple[Role, ...] = (),
) -> dict[str, CheckResult]:
    main, other = photograph("bundled/astronaut"), photograph(second)
    rectified = {role: drawn_card(document, region, main, other, shift) for role, shift in shifts.items()}
    for role in hidden:
        left, top, right, bottom = region.box.pixels(document.px_per_mm)
        rectified[role][top:bottom, left:right] = 250
    views = card_views(document, 1600.0, *TURNS.values())
    return measured(SecondPortrait.open(document), CardCaptures({}, rectified, views))


@pytest.mark.parametrize("share", [0.85, 1.0, 1.1])
def test_a_portrait_that_moves_as_the_type_says_passes(document: DocumentType, region: Region, share: float) -> None:
    found = judged(document, region, {role: share * region.slide_mm_per_deg * turn for role, turn in TURNS.items()})
    assert found[SAME].outcome is Outcome.PASS
    assert found[MOVES].outcome is Outcome.PASS
    assert found[MOVES].value == pytest.approx(share, abs=0.1)


@pytest.mark.parametrize("share", [0.0, -1.0, 2.5])
def test_a_portrait_that_stays_or_moves_the_wrong_way_or_too_far_fails(
    document: DocumentType, region: Region, share: float
) -> None:
    shifts = {role: share * region.slide_mm_per_deg * turn for role, turn in TURNS.items()}
    found = judged(document, region, shifts)[MOVES]
    assert (found.outcome, found.reason) == (Outcome.FAIL, "second_portrait_static")


def test_a_second_portrait_of_another_person_differs(document: DocumentType, region: Region) -> None:
    found = judged(document, region, dict.fromkeys(CARD_ROLES, 0.0), "bundled/office-holder")
    likeness = found[SAME]
    assert (likeness.outcome, likeness.reason) == (Outcome.FAIL, "second_portrait_differs")
    assert found[MOVES].status is Status.COULD_NOT_ASSESS


def test_movement_is_not_assessed_from_one_angle(document: DocumentType, region: Region) -> None:
    main = photograph("bundled/astronaut")
    rectified = {role: drawn_card(document, region, main, main, 0.0) for role in CARD_ROLES}
    views = card_views(document, 1600.0, 3.0, 3.0, 3.0)
    found = measured(SecondPortrait.open(document), CardCaptures({}, rectified, views))[MOVES]
    assert found.reason == "angles_not_distinct"
    assert found.status is Status.COULD_NOT_ASSESS


@pytest.mark.parametrize("role", CARD_ROLES)
def test_a_capture_that_hides_the_second_portrait_is_not_left_to_the_other_two(
    document: DocumentType, region: Region, role: Role
) -> None:
    shifts = {role: region.slide_mm_per_deg * turn for role, turn in TURNS.items()}
    found = judged(document, region, shifts, hidden=(role,))
    assert found[SAME].outcome is Outcome.PASS
    assert (found[MOVES].status, found[MOVES].reason) == (Status.COULD_NOT_ASSESS, "card_overexposed")


def exchanged_or_hidden(document: DocumentType, region: Region, *, exchanged: bool) -> dict[str, CheckResult]:
    """A genuine card, with a main portrait that one capture shows otherwise."""
    own, other = photograph("bundled/astronaut"), photograph("bundled/office-holder")
    shown = dict.fromkeys(TURNS, own) | ({Role.CARD_FRONT: other} if exchanged else {})
    rectified = {
        role: drawn_card(document, region, shown[role], own, region.slide_mm_per_deg * turn)
        for role, turn in TURNS.items()
    }
    if not exchanged:
        left, top, right, bottom = document.portrait.pixels(document.px_per_mm)
        rectified[Role.CARD_FRONT][top : (top + 2 * bottom) // 3, left : (2 * left + right) // 3] = 250
    return measured(
        SecondPortrait.open(document), CardCaptures({}, rectified, card_views(document, 1600.0, *TURNS.values()))
    )


def test_a_main_portrait_that_is_exchanged_in_one_capture_does_not_pass(document: DocumentType, region: Region) -> None:
    found = exchanged_or_hidden(document, region, exchanged=True)
    assert found[MOVES].status is Status.COULD_NOT_ASSESS


def test_a_main_portrait_that_is_partly_hidden_in_one_capture_passes(document: DocumentType, region: Region) -> None:
    found = exchanged_or_hidden(document, region, exchanged=False)
    assert all(result.outcome is Outcome.PASS for result in found.values())
