"""Checks of the fields against each other: one function per check, each with its own reason code.

A document type names the checks that its fields must pass. A check whose fields were not read with certainty could not
be assessed, and so never accepts.
"""

from collections.abc import Callable, Mapping, Sequence

from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import DocumentTypeInvalid
from idproof.pipeline.fields.checks import dates, names, number, symbols
from idproof.pipeline.fields.checks.facts import Facts, yes_no
from idproof.pipeline.types import CheckResult, Outcome, Status

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

_FIELDS: Mapping[str, tuple[str, ...]] = {
    "number_check_digit": ("number",),
    "name_codes": ("chinese_name", "chinese_codes"),
    "name_complete": ("chinese_name", "chinese_codes"),
    "name_romanisation": ("chinese_name", "english_name"),
    "first_registration_age": (dates.BIRTH, dates.FIRST),
    "issued_under_design": (dates.ISSUE,),
    "symbols_form": ("symbols",),
    "symbols_age": ("symbols", dates.BIRTH, dates.ISSUE),
    "symbols_title": ("title", "symbols"),
    "sex_scripts": ("sex",),
}
"""Fields without which a check can never be assessed."""

_DATES = (dates.BIRTH, dates.FIRST, dates.ISSUE)

READABLE = "fields_readable"


def require_assessable(document: DocumentType) -> None:
    """Require that every check that the type names exists, and that the type has the fields that it needs.

    A check that can never be assessed would refer every card of the type.

    Raises:
        DocumentTypeInvalid: names the check and what it needs.
    """
    dated = {spec.name for spec in document.fields if spec.date is not None}
    usable = dated | {spec.name for spec in document.fields if spec.name not in _DATES}
    for name in document.checks:
        if name not in CHECKS:
            raise DocumentTypeInvalid(f"The document type {document.name} names an unknown check: {name}.")
        missing = [field for field in _FIELDS.get(name, ()) if field not in usable]
        if missing:
            what = f"{missing[0]} with its date format" if missing[0] in _DATES else missing[0]
            raise DocumentTypeInvalid(
                f"The document type {document.name} names the check {name} without a field {what}."
            )
        if (name == "dates_real" and not dated) or (name == "dates_ordered" and not dated & set(_DATES)):
            raise DocumentTypeInvalid(
                f"The document type {document.name} names the check {name}, and none of its fields has a date format."
            )


def run(facts: Facts) -> list[CheckResult]:
    """Returns `fields_readable`, then every check that the document type names."""
    return [readable(facts), *(CHECKS[name](facts) for name in facts.document.checks)]


def readable(facts: Facts) -> CheckResult:
    """`fields_readable`: every field was read with certainty; with one that was not, the card is not assessed."""
    if not all(facts.fields[spec.name].certain for spec in facts.document.fields):
        return CheckResult.not_assessed(READABLE, "field_unreadable")
    return yes_no(READABLE, True, "field_unreadable")


def is_consistent(facts: Facts) -> bool:
    """Returns whether no check that could be assessed objects to the fields."""
    return all(check.outcome in (None, Outcome.PASS) for check in run(facts))


def blame_darkness(checks: Sequence[CheckResult]) -> list[CheckResult]:
    """Returns the checks of `run` on captures that are too dark: `fields_readable` then says that light is missing."""
    dark = CheckResult.not_assessed(READABLE, "capture_too_dark")
    return [dark if check.name == READABLE and check.status is Status.COULD_NOT_ASSESS else check for check in checks]
