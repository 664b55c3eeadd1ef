"""The check of the letters: other letters are found on their field; the issuer's own pass in any light."""

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import cv2
import numpy as np
import pytest
from card_checks import measured, rectified_only
from PIL import Image

from idproof.datasets.specimen import identity, prints
from idproof.datasets.specimen.attacks import edited
from idproof.datasets.specimen.card import Card
from idproof.datasets.specimen.lettering import Departure, Face, Lettering
from idproof.datasets.specimen.make import Registration, make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline import Policy
from idproof.pipeline.card.checks.letters import Letters
from idproof.pipeline.card.examiner import CardExaminer
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.documents import DocumentType, load
from idproof.pipeline.types import CARD_ROLES, CheckResult, Outcome, Role, Status

POLICY = Policy()
FRONT = Role.CARD_FRONT
TYPEFACE, WEIGHT, SIZE = "field_typeface", "field_weight", "field_size"
ALL = {TYPEFACE, WEIGHT, SIZE}


def seen(printed: np.ndarray, document: DocumentType, seed: int = 1) -> np.ndarray:
    """A print as a sharp camera straight above it shows it, in the canonical frame."""
    small = cv2.resize(printed, document.size_px, interpolation=cv2.INTER_AREA).astype(np.float32)
    noise = np.random.default_rng(seed).normal(0, 2.0, small.shape)
    return (cv2.GaussianBlur(small, (0, 0), 0.7) * 0.9 + noise).clip(0, 255).astype(np.uint8)


def flat(document: DocumentType, seed: int, **other: Lettering) -> np.ndarray:
    fields = identity.fields_of(document, np.random.default_rng(seed), characters=None)
    card = Card(document, seed, fields, np.full((250, 250, 3), 128, np.uint8), lettering=other)
    return seen(card.printed(None), document)


def found(picture: np.ndarray, document: DocumentType) -> Mapping[str, CheckResult]:
    return measured(Letters.open(document), rectified_only({FRONT: picture}))


def rectified(registration: Registration, document: DocumentType) -> dict[Role, np.ndarray]:
    locator, parts = CardLocator.open(document), registration.parts()
    images = {role: np.array(Image.open(io.BytesIO(parts[role])).convert("RGB")) for role in CARD_ROLES}
    return {role: locator.rectify(image, locator.locate(image, role, POLICY)) for role, image in images.items()}


def test_the_letters_of_a_genuine_card_pass(document: DocumentType, registration: Registration) -> None:
    results = measured(Letters.open(document), rectified_only(rectified(registration, document)))
    assert set(results) == ALL
    assert {result.outcome for result in results.values()} == {Outcome.PASS}


@pytest.mark.parametrize(
    ("departure", "other", "reason"),
    [(Departure.WEIGHT, Lettering(weight_mm=0.045), "field_of_other_weight"), (Departure.NONE, Lettering(), None)],
)
def test_a_field_printed_again_is_found_by_its_print(
    document: DocumentType,
    monkeypatch: pytest.MonkeyPatch,
    departure: Departure,
    other: Lettering,
    reason: str | None,
) -> None:
    monkeypatch.setattr(edited, "another_hand", lambda issued, draws: (departure, other))
    attack = make(31, 3, PortraitSource.open(None), document, "field_edit")
    edit = attack.description["truth"]["edited"]
    assert edit["print"] == departure
    assert edit["field"] in {"number", "date_of_birth", "issue_date", "first_registration", "chinese_codes"}
    results = measured(Letters.open(document), rectified_only(rectified(attack, document)))
    reasons = {result.reason for result in results.values()}
    assert reasons == {None, reason}


@pytest.mark.parametrize("name", ["number", "date_of_birth", "issue_date"])
@pytest.mark.parametrize(
    ("other", "check", "reason"),
    [
        (Lettering(face=Face.PLAIN), TYPEFACE, "field_of_other_typeface"),
        (Lettering(face=Face.SERIF), WEIGHT, "field_of_other_weight"),
        (Lettering(weight_mm=0.045), WEIGHT, "field_of_other_weight"),
        (Lettering(size=0.88), SIZE, "field_of_other_size"),
        (Lettering(size=1.1), SIZE, "field_of_other_size"),
    ],
)
def test_other_letters_are_found_by_what_differs(
    document: DocumentType, name: str, other: Lettering, check: str, reason: str
) -> None:
    result = found(flat(document, 3, **{name: other}), document)[check]
    assert (result.outcome, result.reason) == (Outcome.FAIL, reason)


@pytest.mark.parametrize("seed", range(6))
def test_the_issuers_letters_pass_on_any_ground(document: DocumentType, seed: int) -> None:
    assert {result.outcome for result in found(flat(document, seed), document).values()} == {Outcome.PASS}


def with_number(
    document: DocumentType, number: str, other: Mapping[str, Lettering] = MappingProxyType({})
) -> CheckResult:
    """The typeface of a card whose other fields hold every digit but 1, 4, 8 and 9."""
    fields = {
        **identity.fields_of(document, np.random.default_rng(3), characters=None),
        "number": number,
        "chinese_codes": "6223 0607 0367",
        "date_of_birth": "25-02-2002",
        "first_registration": "(02-20)",
        "issue_date": "23-07-20",
    }
    card = Card(document, 3, fields, np.full((250, 250, 3), 128, np.uint8), lettering=dict(other))
    return found(seen(card.printed(None), document), document)[TYPEFACE]


@pytest.mark.parametrize(("face", "passes"), [(None, True), (Face.SERIF, False), (Face.PLAIN, False)])
def test_digits_that_stand_in_no_other_field_say_nothing_about_the_typeface(
    document: DocumentType, face: Face | None, passes: bool
) -> None:
    other = {} if face is None else {"number": Lettering(face=face)}
    assert (with_number(document, "KV682884(8)", other).outcome is Outcome.PASS) is passes


def test_the_typeface_of_a_field_that_shares_one_digit_with_the_others_is_not_assessed(document: DocumentType) -> None:
    result = with_number(document, "KV684884(8)")
    assert (result.status, result.reason) == (Status.COULD_NOT_ASSESS, "letters_not_clear")


def lit(gains: tuple[float, float, float]) -> Callable[[np.ndarray], np.ndarray]:
    """Multiplies the light of each colour by its gain, like another exposure or white balance."""

    def change(picture: np.ndarray) -> np.ndarray:
        return (255 * (picture / 255.0) * np.array(gains) ** (1 / 2.2)).round().astype(np.uint8)

    return change


@pytest.mark.parametrize("gains", [(0.5, 0.5, 0.5), (0.9, 0.7, 0.5), (0.6, 0.8, 1.0)])
@pytest.mark.parametrize("other", [Lettering(), Lettering(ink=(38, 46, 96))])
def test_exposure_and_colour_of_the_light_change_no_value(
    document: DocumentType, gains: tuple[float, float, float], other: Lettering
) -> None:
    picture = flat(document, 4, number=other)
    before, after = found(picture, document), found(lit(gains)(picture), document)
    for name in ALL:
        assert after[name].value == pytest.approx(before[name].value, abs=0.012)


def test_an_overexposed_card_cannot_be_assessed(document: DocumentType) -> None:
    picture = (flat(document, 4).astype(np.float32) * 2.0).clip(0, 255).astype(np.uint8)
    results = found(picture, document)
    assert {(r.status, r.reason) for r in results.values()} == {(Status.COULD_NOT_ASSESS, "letters_not_clear")}
    assert set(results) == ALL


def test_too_few_fields_cannot_be_assessed(document: DocumentType) -> None:
    picture = flat(document, 4)
    for spec in document.fields:
        if spec.name not in ("number", "issue_date"):
            left, top, right, bottom = spec.box.pixels(document.px_per_mm)
            picture[top:bottom, left:right] = np.median(picture[top:bottom, left:right], axis=(0, 1))
    assert {result.status for result in found(picture, document).values()} == {Status.COULD_NOT_ASSESS}


@pytest.mark.parametrize("name", ["number", "issue_date"])
def test_a_field_too_pale_to_measure_is_not_assessed(document: DocumentType, name: str) -> None:
    result = found(flat(document, 3, **{name: Lettering(ink=(185, 185, 190))}), document)[WEIGHT]
    assert (result.status, result.reason) == (Status.COULD_NOT_ASSESS, "letters_not_clear")


def test_a_type_with_few_fields_of_digits_is_not_asked_for_its_letters() -> None:
    harbour_pass = load(prints.TYPES / "harbour_pass.toml")
    assert not ALL & set(CardExaminer.open(harbour_pass).required)
    assert not found(np.full((*harbour_pass.size_px[::-1], 3), 200, np.uint8), harbour_pass)


def test_size_is_measured_only_for_a_type_that_states_it(document: DocumentType) -> None:
    unsaid = replace(document, fields=tuple(replace(spec, letters_mm=0.0) for spec in document.fields))
    assert {quantity.name for quantity in Letters.open(unsaid).quantities} == ALL - {SIZE}
    assert SIZE not in found(flat(unsaid, 3), unsaid)
