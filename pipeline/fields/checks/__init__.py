"""Checks of the fields against each other: one function per check, each with its own reason code.

A document type names the checks that its fields must pass. A check whose fields were not read with certainty could not
be assessed, and so never accepts.
"""

from collections.abc import Callable, Mapping, Sequence

from idproof.pipeline.errors import DocumentTypeInvalid
from idproof.pipeline.fields.checks import dates, names, number, symbols
from idproof.pipeline.fields.checks.facts import Facts, yes_no
from idproof.pipeline.types import CheckResult

Check = Callable[[Facts], CheckResult]

CHECKS: Mapping[str, Check] = {
    "number_check_digit": number.check_digit,
    "name_codes": names.codes,
    "name_complete": names.complete,
    "name_romanisation": names.romanisation,
    "dates_real": dates.real,
    "dates_ordered": dates.ordered,
    "first_registration_age": dates.first_registration_age,
    "issued_under_design": dates.issued_under_design,
    "symbols_form": symbols.form,
    "symbols_age": symbols.age,
    "symbols_title": symbols.title,
    "sex_scripts": symbols.sex,
}
"""Every check that a document type may name."""

READABLE = "fields_readable"


def known(names_: Sequence[str], document: str) -> tuple[str, ...]:
    """Returns the names as they are; raises `DocumentTypeInvalid` for a name that no check has."""
    if unknown := [name for name in names_ if name not in CHECKS]:
        raise DocumentTypeInvalid(f"The document type {document} names an unknown check: {unknown[0]}.")
    return tuple(names_)


def run(facts: Facts) -> list[CheckResult]:
    """Returns `fields_readable`, then every check that the document type names."""
    return [readable(facts), *(CHECKS[name](facts) for name in facts.document.checks)]


def readable(facts: Facts) -> CheckResult:
    """`fields_readable`: every field was read with certainty; with one that was not, the card is not assessed."""
    if not all(facts.fields[spec.name].certain for spec in facts.document.fields):
        return CheckResult.not_assessed(READABLE, "field_unreadable")
    return yes_no(READABLE, True, "field_unreadable")
