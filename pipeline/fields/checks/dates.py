"""The dates of the card, in the printed forms that its document type names."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from idproof.pipeline.documents import DocumentType
from idproof.pipeline.fields.checks.facts import Facts, not_read, yes_no
from idproof.pipeline.types import CheckResult, Outcome

BIRTH, FIRST, ISSUE = "date_of_birth", "first_registration", "issue_date"
_REGISTRATION_AGE = 11  # years, from which a person must register (Registration of Persons Regulations, Cap. 177A)


@dataclass(frozen=True, slots=True, repr=False)
class Dates:
    """The dates as calendar days, None for those that the document type lacks; a month is its first day."""

    birth: date | None
    first: date | None
    issue: date | None


def parse_all(texts: Mapping[str, str], document: DocumentType, today: date) -> dict[str, date | None]:
    """Parses every printed date of a type.

    Args:
        texts: field name to text; fields without a text are left out of the result.
        document: the type.
        today: the day of the check.

    Returns:
        Field name to day; None for one that is no day of the calendar.
    """
    parsed: dict[str, date | None] = {}
    # A two-digit year is not later than the issue of the card, so the issue comes first.
    for spec in sorted(document.fields, key=lambda spec: spec.name != ISSUE):
        if spec.date is None or not texts.get(spec.name):
            continue
        try:
            parsed[spec.name] = spec.date.parse(texts[spec.name], parsed.get(ISSUE) or today)
        except ValueError:
            parsed[spec.name] = None
    return parsed


def read(facts: Facts) -> Dates | None:
    """Returns the well-known dates; None when one was not read; raises ValueError when one is no calendar day."""
    parsed = _read_all(facts)
    if parsed is None:
        return None
    if None in parsed.values():
        raise ValueError("no day of the calendar")
    return Dates(parsed.get(BIRTH), parsed.get(FIRST), parsed.get(ISSUE))


def today(document: DocumentType, now: datetime | None = None) -> date:
    """Returns the day where cards of this type are issued: a card of today bears that date from midnight there.

    Args:
        document: the type, whose issuer's clocks count.
        now: a moment with a time zone; the present when None.
    """
    return (now or datetime.now(UTC)).astimezone(timezone(timedelta(hours=document.utc_offset_h))).date()


def age(birth: date, on: date) -> int:
    """Returns the age in full years on a day."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))


def real(facts: Facts) -> CheckResult:
    """`dates_real`: every date of the type is a day of the calendar, in its printed form."""
    name = "dates_real"
    parsed = _read_all(facts)
    return not_read(name) if parsed is None else yes_no(name, None not in parsed.values(), "date_impossible")


def ordered(facts: Facts) -> CheckResult:
    """`dates_ordered`: birth, then first registration, then issue, not after today; of those the type has.

    The first registration is known to the month, so that it may be in the month of birth.
    """
    name = "dates_ordered"
    dates = _usable(facts)
    if dates is None:
        return not_read(name)
    later = [day for day in (dates.first, dates.issue, facts.today) if day is not None]
    birth = dates.birth or date.min
    born_before = birth < (dates.issue or facts.today) and (dates.first is None or birth <= _end_of_month(dates.first))
    return yes_no(name, born_before and later == sorted(later), "dates_out_of_order")


def first_registration_age(facts: Facts) -> CheckResult:
    """`first_registration_age`: the first registration is not before the age of 11, to the precision of a month.

    An earlier one is in doubt and does not fail: a person under 11 need not register, but may (Registration of Persons
    Regulations, Cap. 177A, reg. 25).
    """
    name = "first_registration_age"
    dates = _usable(facts)
    if dates is None or dates.birth is None or dates.first is None:
        return not_read(name)
    old_enough = age(dates.birth, _end_of_month(dates.first)) >= _REGISTRATION_AGE
    return yes_no(name, old_enough, "first_registration_too_young", otherwise=Outcome.DOUBT)


def issued_under_design(facts: Facts) -> CheckResult:
    """`issued_under_design`: no card of this design is older than the design."""
    name = "issued_under_design"
    dates = _usable(facts)
    if dates is None or dates.issue is None:
        return not_read(name)
    return yes_no(name, dates.issue >= facts.document.issued_from, "issued_before_design")


def _end_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _usable(facts: Facts) -> Dates | None:
    """Returns the dates, or None when one is impossible: `dates_real` reports it, and the others cannot compare."""
    try:
        return read(facts)
    except ValueError:
        return None


def _read_all(facts: Facts) -> dict[str, date | None] | None:
    """Returns every date of the type, or None when one was not read; an optional date may be blank."""
    texts = {spec.name: facts.text(spec.name) for spec in facts.document.fields if spec.date is not None}
    known = {name: text for name, text in texts.items() if text is not None}
    blank = [name for name, text in known.items() if not text and facts.document.field(name).required]
    if not texts or len(known) != len(texts) or blank:
        return None
    return parse_all(known, facts.document, facts.today)
