"""Rendered cards that were once misread or wrongly refused; they are development data and are skipped where absent."""

from datetime import date

import pytest

from idproof.models.profiles import load_engines
from idproof.pipeline import Policy
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.fields import checks
from idproof.pipeline.fields.checks.facts import Facts
from idproof.pipeline.fields.read import Readers, read
from idproof.pipeline.types import FieldReading, Outcome
from tests.support.card_checks import failed_input, located

DAY = date(2026, 11, 30)


def fields_of(folder: str, document: DocumentType) -> dict[str, FieldReading]:
    engines = load_engines("open")
    card = located(CardLocator.open(document), failed_input(folder))
    return read(card.rectified, document, Readers(engines.reader, engines.latin_reader), Policy())


@pytest.mark.parametrize(
    ("folder", "name", "text"),
    [
        ("name_li_4", "english_name", "LI, Ming"),
        ("name_li_ning", "english_name", "LI, Ning"),
        ("name_ma_dot", "english_name", "DE LOS SANTOS, Ma. Theresa"),
        ("name_mononym", "english_name", "SURYANI"),
        ("name_au", "chinese_name", "區志明"),
        ("name_wu", "english_name", "WU, Xiaoli"),
        ("name_yue", "chinese_name", "陳悦欣"),
        ("date_eleven31", "english_name", "LEE, King Pa"),
        ("date_hk_today", "english_name", "LEE, King Pa"),
    ],
)
def test_a_genuine_card_is_read_and_passes_every_check(
    folder: str, name: str, text: str, document: DocumentType
) -> None:
    found = fields_of(folder, document)
    assert (found[name].text, found[name].certain) == (text, True)
    objections = [
        check.reason for check in checks.run(Facts(found, document, DAY)) if check.outcome is not Outcome.PASS
    ]
    assert objections == []


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("name_wrong_illes", "english_name"),
        ("name_wrong_illya", "english_name"),
        ("name_wrong_ivanov", "english_name"),
        ("name_extA", "chinese_name"),
        ("name_extB", "chinese_name"),
    ],
)
def test_a_name_that_the_engines_read_differently_is_uncertain(folder: str, name: str, document: DocumentType) -> None:
    found = fields_of(folder, document)
    assert not found[name].certain
    readable = checks.run(Facts(found, document, DAY))[0]
    assert (readable.outcome, readable.reason) == (None, "field_unreadable")
