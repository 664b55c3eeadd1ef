"""The print that a moving second portrait uncovers: it continues on a genuine card, and not in computed captures."""

import io
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from card_checks import altered, located, measured
from PIL import Image

from idproof.pipeline import Captures
from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.card.checks.second_portrait import SecondPortrait
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.uncovered_print import UncoveredPrint
from idproof.pipeline.documents import Box, DocumentType, Region
from idproof.pipeline.types import CARD_ROLES, CheckResult, Outcome, Role, Status

UNCOVERS = "second_portrait_uncovers"
LEFT_MM, RIGHT_MM = (67.3, 68.9), (78.6, 80.0)
"""Beside the second portrait's picture: uncovered when the card's left, or right, edge is turned to the viewer."""
TILTS = {Role.CARD_TILT_LEFT: LEFT_MM, Role.CARD_TILT_RIGHT: RIGHT_MM}


def found_in(document: DocumentType, card: CardCaptures) -> CheckResult:
    return measured(SecondPortrait.open(document), card)[UNCOVERS]


def strip_of(
    picture: np.ndarray, document: DocumentType, edges: tuple[float, float], rows: tuple[float, float]
) -> np.ndarray:
    s = document.px_per_mm
    return picture[round(rows[0] * s) : round(rows[1] * s), round(edges[0] * s) : round(edges[1] * s)]


def without_print(
    card: CardCaptures, document: DocumentType, role: Role, rows: tuple[float, float] = (27.0, 43.7)
) -> CardCaptures:
    """The lines of one capture's uncovered strip blurred away, as inpainting leaves it."""

    def blurred(picture: np.ndarray) -> np.ndarray:
        strip = strip_of(picture, document, TILTS[role], rows)
        strip[:] = cv2.blur(strip, (1, 4 * round(document.px_per_mm)))
        return picture

    return altered(card, blurred, role)


def under_a_finger(card: CardCaptures, document: DocumentType, role: Role, rows: tuple[float, float]) -> CardCaptures:
    """Skin over these rows of one side, from the portrait to well beyond the print that is looked at."""
    left, right = TILTS[role]
    edges = (left - 3.0, right) if role is Role.CARD_TILT_LEFT else (left, right + 3.0)

    def covered(picture: np.ndarray) -> np.ndarray:
        strip_of(picture, document, edges, rows)[:] = (196, 150, 128)
        return picture

    return altered(card, covered, role)


def test_print_continues_on_a_genuine_card(document: DocumentType, card: CardCaptures) -> None:
    result = found_in(document, card)
    assert result.outcome is Outcome.PASS
    assert result.value == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("role", TILTS)
def test_print_that_is_missing_in_one_capture_fails(document: DocumentType, card: CardCaptures, role: Role) -> None:
    result = found_in(document, without_print(card, document, role))
    assert (result.outcome, result.reason) == (Outcome.FAIL, "print_missing_behind_second_portrait")


@pytest.mark.parametrize("role", TILTS)
def test_a_finger_over_part_of_the_strip_changes_nothing(
    document: DocumentType, card: CardCaptures, role: Role
) -> None:
    assert found_in(document, under_a_finger(card, document, role, (27.0, 33.0))).outcome is Outcome.PASS


@pytest.mark.parametrize("role", TILTS)
def test_a_finger_over_the_whole_strip_is_no_way_past_the_check(
    document: DocumentType, card: CardCaptures, role: Role
) -> None:
    result = found_in(document, under_a_finger(card, document, role, (26.0, 45.0)))
    assert (result.status, result.reason) == (Status.COULD_NOT_ASSESS, "card_overexposed")


def test_a_card_without_print_beside_its_second_portrait_is_not_assessed(
    document: DocumentType, card: CardCaptures
) -> None:
    def plain(picture: np.ndarray) -> np.ndarray:
        for edges in ((65.0, 68.0), (80.0, 82.0)):
            strip_of(picture, document, edges, (26.0, 45.0))[:] = 200
        return picture

    result = found_in(document, altered(card, plain, *CARD_ROLES))
    assert (result.status, result.reason) == (Status.COULD_NOT_ASSESS, "print_not_seen")


@pytest.mark.parametrize("x", [0.0, 40.0, 72.6])
@pytest.mark.parametrize("missing", [False, True])
def test_a_second_portrait_may_lie_at_the_cards_edge(document: DocumentType, x: float, missing: bool) -> None:
    """The print on one side is enough; here there is nothing but lines, and a plain picture that moves by 0.8 mm."""
    region = Region("second", Box(x, 20.0, 13.0, 16.0), "second_portrait", picture=Box(x + 1.0, 20.3, 11.0, 15.4))
    s, (width, height) = document.px_per_mm, document.size_px
    lined = np.repeat(np.where(np.arange(height) % round(s) < s / 4, 170, 210)[:, None], width, axis=1)
    offsets = dict(zip(CARD_ROLES, (0.0, 0.8, -0.8), strict=True))
    captures = {}
    for role, offset in offsets.items():
        picture = np.repeat(lined[..., None], 3, axis=2).astype(np.uint8)
        if missing and role is Role.CARD_TILT_LEFT:
            strip_of(picture, document, (x, x + 1.8), (20.0, 36.0))[:] = 200
        strip_of(picture, document, (x + 1.0 + offset, x + 12.0 + offset), (20.3, 35.7))[:] = 120
        captures[role] = picture
    blank = np.full((height, width), 200, dtype=np.uint8)
    surroundings = replace(UncoveredPrint.open(document, region), clear=blank > 0)
    share = surroundings.measure(captures, offsets)
    assert share == pytest.approx(0.0 if missing else 1.0, abs=0.2)


@pytest.mark.parametrize(
    ("program", "outcome"), [("processed", Outcome.FAIL), ("rendered", Outcome.FAIL), ("continued", Outcome.PASS)]
)
def test_a_program_that_inpaints_is_found_and_one_that_continues_the_lines_is_not(
    document: DocumentType, locator: CardLocator, captures_of: Callable[..., Captures], program: str, outcome: Outcome
) -> None:
    computed = captures_of(f"computed_card_{program}")
    images = {role: np.array(Image.open(io.BytesIO(getattr(computed, role))).convert("RGB")) for role in CARD_ROLES}
    assert found_in(document, located(locator, images)).outcome is outcome
