"""Signs of a copy and of an alteration: each found where it was put, and not on the genuine card it was put on."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest
from PIL import Image

from idproof.datasets.specimen.make import Registration
from idproof.pipeline import Policy
from idproof.pipeline.card.checks import display_frame, halftone, noise, outline, resampling
from idproof.pipeline.card.checks.fine_print import FinePrint
from idproof.pipeline.card.checks.print_continuity import Continuity
from idproof.pipeline.card.examiner import ALWAYS, CardExaminer
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.view import CardView
from idproof.pipeline.decide import decide
from idproof.pipeline.documents import Box, DocumentType
from idproof.pipeline.types import CARD_ROLES, CheckResult, Decision, Outcome, Role, Status

POLICY = Policy()
FRONT = Role.CARD_FRONT
Pictures = Mapping[Role, np.ndarray]


@dataclass(frozen=True)
class Card:
    """A rendered genuine card: its captures, where it is in them, and put straight."""

    images: Pictures
    views: Mapping[Role, CardView]
    rectified: Pictures


@pytest.fixture(scope="module")
def card(document: DocumentType, registration: Registration) -> Card:
    locator, parts = CardLocator.open(document), registration.parts()
    images = {role: np.array(Image.open(io.BytesIO(parts[role])).convert("RGB")) for role in CARD_ROLES}
    views = {role: locator.locate(image, role, POLICY) for role, image in images.items()}
    return Card(images, views, {role: locator.rectify(image, views[role]) for role, image in images.items()})


def changed(pictures: Pictures, change: Callable[[np.ndarray], np.ndarray]) -> Pictures:
    return {role: np.asarray(change(picture.copy()), dtype=np.uint8) for role, picture in pictures.items()}


def smoothed(box: Box, document: DocumentType) -> Callable[[np.ndarray], np.ndarray]:
    """The noise of one box taken out, as of a picture laid in."""

    def change(picture: np.ndarray) -> np.ndarray:
        left, top, right, bottom = box.pixels(document.px_per_mm)
        picture[top:bottom, left:right] = cv2.bilateralFilter(picture[top:bottom, left:right], 9, 40, 3)
        return picture

    return change


def result(results: list[CheckResult], name: str) -> CheckResult:
    return next(found for found in results if found.name == name)


def test_a_genuine_card_shows_none_of_them(document: DocumentType, card: Card) -> None:
    found = CardExaminer.open(document).examine(card.images, card.rectified, card.views, POLICY)
    assert {r.name for r in found} >= set(ALWAYS)
    assert [r for r in found if r.outcome is not Outcome.PASS] == []


def test_a_screen_of_dots_is_found(document: DocumentType, card: Card) -> None:
    height, width = card.rectified[FRONT].shape[:2]
    y, x = np.mgrid[:height, :width] / document.px_per_mm
    u, v = (2 * np.pi * 3.2 * (x * np.cos(a) + y * np.sin(a)) for a in np.radians((15.0, 105.0)))
    dots = (3 * (np.cos(u) + np.cos(v)))[..., None]
    printed = (card.rectified[FRONT] + dots).clip(0, 255).astype(np.uint8)
    found = halftone.check(printed, card.views[FRONT], document, POLICY)
    assert (found.outcome, found.reason) == (Outcome.FAIL, "print_screen_found")


def test_lines_in_one_direction_are_no_screen(document: DocumentType, card: Card) -> None:
    height, width = card.rectified[FRONT].shape[:2]
    y, x = np.mgrid[:height, :width] / document.px_per_mm
    lines = (3 * np.cos(2 * np.pi * 3.2 * (x * np.cos(0.3) + y * np.sin(0.3))))[..., None]
    drawn = (card.rectified[FRONT] + lines).clip(0, 255).astype(np.uint8)
    assert halftone.check(drawn, card.views[FRONT], document, POLICY).outcome is Outcome.PASS


def test_a_soft_copy_has_lost_its_fine_print(document: DocumentType, card: Card) -> None:
    fine_print = FinePrint.of(document)
    copied = changed(card.rectified, lambda picture: cv2.GaussianBlur(picture, (0, 0), 2.0))
    found = fine_print.check(copied, card.views, POLICY)
    assert (found.outcome, found.reason) == (Outcome.FAIL, "fine_print_missing")


def test_too_few_pixels_tell_nothing_of_fine_print_and_refer(document: DocumentType, card: Card) -> None:
    far = {role: replace(view, px_per_mm=6.0) for role, view in card.views.items()}
    found = [
        FinePrint.of(document).check(card.rectified, far, POLICY),
        halftone.check(card.rectified[FRONT], far[FRONT], document, POLICY),
    ]
    assert {r.status for r in found} == {Status.COULD_NOT_ASSESS}
    assert decide(found, ())[0] is Decision.REFER


def test_print_that_is_covered_somewhere_is_found(document: DocumentType, card: Card) -> None:
    def covered(picture: np.ndarray) -> np.ndarray:
        left, top, right, bottom = Box(56.0, 30.5, 10.5, 12.0).pixels(document.px_per_mm)
        picture[top:bottom, left:right] = picture[top:bottom, left:right].mean(axis=(0, 1))
        return picture

    continuity = Continuity.of(document)
    assert continuity.check(changed(card.rectified, covered), POLICY).reason == "print_interrupted"
    once = {**card.rectified, FRONT: changed(card.rectified, covered)[FRONT]}
    assert continuity.check(once, POLICY).outcome is Outcome.PASS, "a reflection in one capture"


def test_a_portrait_and_a_field_without_the_cards_noise_are_found(document: DocumentType, card: Card) -> None:
    portrait = noise.check(changed(card.rectified, smoothed(document.portrait, document)), document, POLICY)
    assert result(portrait, noise.PORTRAIT).reason == "portrait_of_other_grain"
    assert result(portrait, noise.FIELDS).outcome is Outcome.PASS
    box = document.field("date_of_birth").box
    field = noise.check(changed(card.rectified, smoothed(box, document)), document, POLICY)
    assert result(field, noise.FIELDS).reason == "field_of_other_grain"
    assert result(field, noise.PORTRAIT).outcome is Outcome.PASS


def flat(document: DocumentType, radius_mm: float, ground: int, stretch: float = 1.0) -> tuple[np.ndarray, CardView]:
    """A plain card of this radius, seen straight on before a plain ground; drawn `stretch` times too wide."""
    s, left, top = 14.0, 200, 150
    image = np.full((1080, 1920, 3), ground, dtype=np.uint8)
    width, height = round(document.width_mm * s * stretch), round(document.height_mm * s)
    r = round(radius_mm * s)
    for a, b in (((r, 0), (width - r, height)), ((0, r), (width, height - r))):
        cv2.rectangle(image, (left + a[0], top + a[1]), (left + b[0], top + b[1]), (170, 190, 180), -1)
    for x in (left + r, left + width - r):
        for y in (top + r, top + height - r):
            cv2.circle(image, (x, y), r, (170, 190, 180), -1)
    homography = np.array([[s, 0, left], [0, s, top], [0, 0, 1.0]])
    return image, CardView(homography, (1920, 1080), 100, 0.2, s)


@pytest.mark.parametrize("radius", [1.5, 3.18, 4.5])
def test_the_corners_radius_is_measured(document: DocumentType, radius: float) -> None:
    image, view = flat(document, radius, 60)
    found = result(outline.check({FRONT: image}, {FRONT: view}, document, POLICY), outline.CORNERS)
    assert found.value == pytest.approx(radius, abs=0.15)


def test_square_corners_and_other_proportions_are_found(document: DocumentType) -> None:
    image, view = flat(document, 0.0, 60)
    square = result(outline.check({FRONT: image}, {FRONT: view}, document, POLICY), outline.CORNERS)
    assert square.reason == "corners_not_rounded_as_issued"
    image, view = flat(document, 3.18, 60, stretch=0.99)
    narrow = result(outline.check({FRONT: image}, {FRONT: view}, document, POLICY), outline.ASPECT)
    assert narrow.reason == "outline_of_other_proportions"
    assert narrow.value == pytest.approx(0.99, abs=0.003)


def test_an_outline_that_does_not_stand_out_is_not_judged(document: DocumentType) -> None:
    image, view = flat(document, 3.18, 180)
    found = outline.check({FRONT: image}, {FRONT: view}, document, POLICY)
    assert {(r.status, r.reason) for r in found} == {(Status.COULD_NOT_ASSESS, "outline_not_seen")}


def test_the_frame_of_a_display_is_found(document: DocumentType, card: Card) -> None:
    margin = np.array([[-4, -4], [4, -4], [4, 4], [-4, 4]])
    w, h = document.width_mm, document.height_mm
    outer = np.array([[0, 0], [w, 0], [w, h], [0, h]]) + margin
    images = {}
    for role, image in card.images.items():
        places = cv2.perspectiveTransform(outer[None].astype(np.float64), card.views[role].homography)
        images[role] = cv2.polylines(image.copy(), [places[0].round().astype(np.int32)], True, (255, 255, 255), 14)
    found = display_frame.check(images, card.views, document, POLICY)
    assert (found.outcome, found.reason) == (Outcome.FAIL, "display_frame_found")


def test_a_capture_made_larger_on_a_computer_keeps_the_rhythm(document: DocumentType, card: Card) -> None:
    noise = np.random.default_rng(3).normal(120, 12, (720, 1280)).clip(0, 255).astype(np.uint8)
    source = cv2.GaussianBlur(noise, (0, 0), 0.6)
    enlarged = cv2.resize(source, None, fx=1.37, fy=1.37, interpolation=cv2.INTER_LINEAR)[:1080, :1920]
    fresh = np.random.default_rng(4).normal(120, 12, enlarged.shape).clip(0, 255).astype(np.uint8)
    wide = replace(card.views[FRONT], homography=np.array([[16.0, 0, 100], [0, 16.0, 80], [0, 0, 1]]))
    rhythms = [
        resampling.rhythm(np.repeat(picture[..., None], 3, axis=2), wide, document) for picture in (enlarged, fresh)
    ]
    assert rhythms[0] is not None
    assert rhythms[1] is not None
    assert rhythms[0] > 2 * rhythms[1]
