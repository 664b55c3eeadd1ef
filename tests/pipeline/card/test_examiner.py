"""The examiner: all checks of a genuine card, and a document type that is added as data alone."""

import io
import re
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from idproof.datasets.specimen import prints
from idproof.datasets.specimen.make import make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline import Policy
from idproof.pipeline.card import checks
from idproof.pipeline.card.checks.protocol import CardCaptures, Check, Limit, Quantity
from idproof.pipeline.card.checks.registry import CHECKS
from idproof.pipeline.card.examiner import CardExaminer
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.view import corners
from idproof.pipeline.documents import Box, DocumentType, load
from idproof.pipeline.types import CheckResult, Outcome, Role

SAME, MOVES, UNCOVERS = "second_portrait_same", "second_portrait_moves", "second_portrait_uncovers"
POLICY = Policy()
GHOST = Box(5.0, 38.5, 8.4, 10.8)  # of the main portrait's proportions


def test_a_genuine_card_passes_every_required_check_in_order(document: DocumentType, card: CardCaptures) -> None:
    examiner = CardExaminer.open(document)
    found = examiner.examine(card.images, card.rectified, card.views, POLICY)
    assert tuple(result.name for result in found) == examiner.required
    assert [result for result in found if result.outcome is not Outcome.PASS] == []


def test_one_capture_is_given_only_to_checks_that_need_no_other(document: DocumentType, card: CardCaptures) -> None:
    front = Role.CARD_FRONT
    examiner = CardExaminer.open(document)
    found = examiner.examine_one(card.images[front], card.rectified[front], card.views[front], POLICY)
    of_one_capture = {check.reports for check in CHECKS if check.single_capture}
    assert {result.name for result in found} == {q.name for reports in of_one_capture for q in reports} - {
        MOVES,
        UNCOVERS,
    }
    several = {"card_angles", "card_rigid", "same_card", "light_moves", "recapture_bezel", "hologram_response"}
    several |= {MOVES, UNCOVERS}
    assert several <= set(examiner.required) - {result.name for result in found}


def test_every_file_of_a_check_is_listed_once() -> None:
    files = {path.stem for path in Path(checks.__file__).parent.glob("*.py")} - {"__init__", "protocol", "registry"}
    assert sorted(check.__module__.rpartition(".")[2] for check in CHECKS) == sorted(files)
    names = [quantity.name for check in CHECKS for quantity in check.reports]
    assert len(names) == len(set(names))


def test_every_reason_of_a_check_is_documented() -> None:
    table = (Path(__file__).parents[3] / "docs" / "reasons.md").read_text(encoding="utf-8")
    for quantity in (quantity for check in CHECKS for quantity in check.reports):
        rows = [row for row in table.splitlines() if row.startswith("|") and f"`{quantity.name}`" in row]
        assert any(f"`{quantity.reason}`" in row or not quantity.reason for row in rows), quantity.name


def test_every_reason_for_which_a_check_could_not_assess_is_documented() -> None:
    table = (Path(__file__).parents[3] / "docs" / "reasons.md").read_text(encoding="utf-8")
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("|")]
    sources = [path.read_text(encoding="utf-8") for path in Path(checks.__file__).parents[1].rglob("*.py")]
    reasons = {reason for source in sources for reason in re.findall(r'not_assessed\([^)"]*"(\w+)"', source)}
    assert {"card_overexposed", "capture_plan_missing", "capture_too_dark"} <= reasons
    assert [reason for reason in sorted(reasons) if not any(f"`{reason}`" in row for row in rows)] == []


@dataclass(frozen=True)
class Brightness(Check):
    """A check that exists in this test only."""

    reports = (Quantity("brightness", "grey levels", "card_dark", Limit.AT_LEAST),)
    single_capture = True

    @classmethod
    def applies(cls, document: DocumentType) -> bool:
        return document.ghost is None

    def measure(self, card: CardCaptures, policy: Policy) -> list[CheckResult]:
        return [self.reports[0].not_assessed("card_dark")]


def test_a_check_that_is_listed_is_required_and_run_where_it_applies(
    document: DocumentType, card: CardCaptures, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = CardExaminer.open(replace(document, ghost=GHOST)).required
    monkeypatch.setattr("idproof.pipeline.card.examiner.CHECKS", (*CHECKS, Brightness))
    examiner = CardExaminer.open(replace(document, ghost=None))
    assert examiner.required[len(examiner.quantities) - 1] == "brightness"
    found = examiner.examine(card.images, card.rectified, card.views, POLICY)
    assert [result.name for result in found] == list(examiner.required)
    assert found[len(examiner.quantities) - 1].reason == "card_dark"
    assert CardExaminer.open(replace(document, ghost=GHOST)).required == without


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
    locator = CardLocator.open(foreign)
    view = locator.locate(picture, Role.CARD_FRONT, POLICY)
    assert corners(view, foreign).shape == (4, 2)
    results = CardExaminer.open(foreign).examine_one(picture, locator.rectify(picture, view), view, POLICY)
    return {result.name: result for result in results}


def test_a_plain_second_portrait_is_required_to_agree_but_not_to_move(foreign: DocumentType) -> None:
    examiner = CardExaminer.open(foreign)
    assert SAME in examiner.required
    assert MOVES not in examiner.required
    assert not examiner.optically_variable


def test_a_genuine_card_of_a_foreign_type_passes_from_one_capture(foreign: DocumentType) -> None:
    found = examined(foreign, flat_capture(foreign, None))
    assert {result.outcome for result in found.values()} == {Outcome.PASS}


def test_a_replaced_portrait_is_found_from_one_capture(foreign: DocumentType) -> None:
    other = PortraitSource.open(None).person("bundled/second-office-holder").photographs[0]
    grey = np.repeat(cv2.cvtColor(other, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    found = examined(foreign, flat_capture(foreign, grey))
    assert found[SAME].reason == "second_portrait_differs"
