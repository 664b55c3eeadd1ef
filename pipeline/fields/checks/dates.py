"""The three dates of the card."""

from dataclasses import dataclass
from datetime import date

from idproof.pipeline.fields.checks.facts import Facts, not_read, yes_no
from idproof.pipeline.types import CheckResult

_REGISTRATION_AGE = 11  # years, from which a person registers (Registration of Persons Ordinance, Cap. 177)
_CENTURY = 100


@dataclass(frozen=True, slots=True, repr=False)
class Dates:
    """The dates as calendar days; the first registration is the first day of its month."""

    birth: date
    first: date
    issue: date


def birth_date(text: str) -> date:
    """Parses `DD-MM-YYYY`; raises ValueError for anything that is no day of the calendar.

    Example:
        >>> birth_date("29-02-1996").isoformat()
        '1996-02-29'
    """
    day, month, year = _numbers(text, 2, 2, 4)
    return date(year, month, day)


def issue_date(text: str) -> date:
    """Parses `DD-MM-YY`, this century; raises ValueError."""
    day, month, year = _numbers(text, 2, 2, 2)
    return date(2000 + year, month, day)


def first_registration(text: str, not_after: date) -> date:
    """Parses `(MM-YY)` as the first of that month, in the latest century not after `not_after`; raises ValueError."""
    if not (text.startswith("(") and text.endswith(")")):
        raise ValueError("the first registration stands in brackets")
    month, year = _numbers(text[1:-1], 2, 2)
    latest = date(not_after.year // _CENTURY * _CENTURY + year, month, 1)
    return latest if latest <= not_after else latest.replace(year=latest.year - _CENTURY)


def read(facts: Facts) -> Dates | None:
    """Returns all three dates; None when one was not read; raises ValueError when one is no day of the calendar."""
    texts = facts.texts("date_of_birth", "first_registration", "issue_date")
    if texts is None:
        return None
    issue = issue_date(texts[2])
    return Dates(birth_date(texts[0]), first_registration(texts[1], issue), issue)


def age(birth: date, on: date) -> int:
    """Returns the age in full years on a day."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))


def real(facts: Facts) -> CheckResult:
    """`dates_real`: each is a day of the calendar."""
    name = "dates_real"
    try:
        return not_read(name) if read(facts) is None else yes_no(name, True, "date_impossible")
    except ValueError:
        return yes_no(name, False, "date_impossible")


def ordered(facts: Facts) -> CheckResult:
    """`dates_ordered`: birth before first registration, not after issue, not after today."""
    name = "dates_ordered"
    dates = _usable(facts)
    if dates is None:
        return not_read(name)
    return yes_no(name, dates.birth < dates.first <= dates.issue <= facts.today, "dates_out_of_order")


def first_registration_age(facts: Facts) -> CheckResult:
    """`first_registration_age`: nobody registers before the age of 11, to the precision of a month."""
    name = "first_registration_age"
    dates = _usable(facts)
    if dates is None:
        return not_read(name)
    end_of_month = dates.first.replace(day=28)
    return yes_no(name, age(dates.birth, end_of_month) >= _REGISTRATION_AGE, "first_registration_too_young")


def issued_under_design(facts: Facts) -> CheckResult:
    """`issued_under_design`: no card of this design is older than the design."""
    name = "issued_under_design"
    dates = _usable(facts)
    if dates is None:
        return not_read(name)
    return yes_no(name, dates.issue >= facts.document.issued_from, "issued_before_design")


def _usable(facts: Facts) -> Dates | None:
    """Returns the dates, or None when one is impossible: `dates_real` reports it, and the others cannot compare."""
    try:
        return read(facts)
    except ValueError:
        return None


def _numbers(text: str, *lengths: int) -> list[int]:
    parts = text.split("-")
    if [len(part) for part in parts] != list(lengths) or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError("not a printed date")
    return [int(part) for part in parts]
