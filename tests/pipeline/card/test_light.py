"""The light on the card: what darkness explains is said as darkness, and never as a forgery."""

import io
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from card_checks import failed_input, located
from PIL import Image

from idproof.datasets.specimen import make as specimens
from idproof.datasets.specimen.camera import Camera
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline import Policy
from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.card.examiner import CardExaminer
from idproof.pipeline.card.light import MOST_NOISE, noise_share
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.view import CardView
from idproof.pipeline.decide import decide
from idproof.pipeline.documents import DocumentType, load_builtin
from idproof.pipeline.types import CARD_ROLES, CheckResult, Decision, Outcome, Role


@pytest.fixture(scope="module")
def examiner(document: DocumentType) -> CardExaminer:
    return CardExaminer.open(document)


@lru_cache(maxsize=1)
def dark_parts() -> dict[str, bytes]:
    """A genuine card, photographed with a third of the light by a sensor of much noise."""
    draw: Callable[[Draws], Camera] = Camera.draw
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Camera, "draw", lambda draws: replace(draw(draws), exposure=0.3, noise=10.5))
        return specimens.make(31, 1, PortraitSource.open(None), load_builtin()).parts()


@pytest.fixture(scope="module")
def dark(locator: CardLocator) -> CardCaptures:
    parts = dark_parts()
    return located(locator, {role: np.array(Image.open(io.BytesIO(parts[role])).convert("RGB")) for role in CARD_ROLES})


def examined(examiner: CardExaminer, card: CardCaptures) -> list[CheckResult]:
    return examiner.examine(card.images, card.rectified, card.views, Policy())


def test_noise_is_measured_against_the_light(document: DocumentType) -> None:
    view = CardView(np.array([[12.0, 0, 100], [0, 12.0, 100], [0, 0, 1]]), (1400, 900), 100, 0.2, 12.0)
    for level, deviation in ((160, 2.0), (80, 4.0)):
        picture = level + np.random.default_rng(5).normal(0, deviation, (900, 1400, 3))
        found = noise_share(picture.round().clip(0, 255).astype(np.uint8), view, document)
        assert found == pytest.approx(0.8 * deviation / level, rel=0.1)


def test_a_genuine_card_in_the_dark_fails_no_check(
    examiner: CardExaminer, dark: CardCaptures, card: CardCaptures
) -> None:
    assert max(noise_share(dark.images[role], dark.views[role], examiner.document) for role in CARD_ROLES) > MOST_NOISE
    assert max(noise_share(card.images[role], card.views[role], examiner.document) for role in CARD_ROLES) < MOST_NOISE
    alone = [result for check in examiner.checks for result in check.measure(dark, Policy())]
    assert "field_of_other_typeface" in {r.reason for r in alone if r.outcome is Outcome.FAIL}, (
        "or it is not dark enough"
    )
    results = examined(examiner, dark)
    assert not [r for r in results if r.outcome is Outcome.FAIL]
    assert decide(results, examiner.required) == (Decision.REFER, ("capture_too_dark",))


def test_darkness_excuses_nothing_that_it_does_not_make(examiner: CardExaminer, dark: CardCaptures) -> None:
    twice = replace(dark, views={**dark.views, Role.CARD_TILT_LEFT: dark.views[Role.CARD_FRONT]})
    results = examined(examiner, twice)
    assert decide(results, examiner.required)[0] is Decision.REJECT
    reasons = {r.reason for r in results if r.outcome is Outcome.FAIL}
    assert {"angles_not_distinct", "field_of_other_typeface"} <= reasons
    assert "capture_too_dark" not in {r.reason for r in results}


def test_in_good_light_the_same_failures_stand(examiner: CardExaminer, dark: CardCaptures, card: CardCaptures) -> None:
    role = Role.CARD_TILT_LEFT
    mixed = replace(card, rectified={**card.rectified, role: dark.rectified[role]})
    results = {r.name: r for r in examined(examiner, mixed)}
    assert results["same_card"].reason == "cards_differ", "another card in one capture"


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("dark1", (Decision.ACCEPT, ())),
        ("dark3_facenotfound", (Decision.REFER, ("capture_too_dark",))),
    ],
)
def test_dark_captures_of_a_genuine_card_are_never_rejected(
    folder: str, expected: tuple[Decision, tuple[str, ...]], examiner: CardExaminer, locator: CardLocator
) -> None:
    results = examined(examiner, located(locator, failed_input(folder)))
    assert decide(results, examiner.required) == expected
