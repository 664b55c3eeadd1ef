"""Printed forms of dates, as a document type's file describes them."""

import re
from dataclasses import dataclass, field
from datetime import date

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_PARTS = {
    "YYYY": ("year", r"[0-9]{4}"),
    "YY": ("year", r"[0-9]{2}"),
    "MMM": ("month", "|".join(_MONTHS)),
    "MM": ("month", r"[0-9]{2}"),
    "DD": ("day", r"[0-9]{2}"),
}
_PART = re.compile("YYYY|YY|MMM|MM|DD")
_CENTURY = 100


@dataclass(frozen=True, slots=True)
class DateFormat:
    """The printed form of one date.

    Attributes:
        form: such as `DD-MM-YYYY`. `YYYY` and `YY` are a year, `MM` a month, `MMM` its English name in three capital
            letters, `DD` a day; any other character stands for itself. Without `DD` the date is a month.
        century: first year of the century of a two-digit year, such as 2000; 0 for the latest year that does not make
            the date later than the day on which the card was issued, or is seen.
    """

    form: str
    century: int = 0
    _printed: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parts = [_PARTS[part][0] for part in _PART.findall(self.form)]
        if sorted(parts) not in (["day", "month", "year"], ["month", "year"]):
            raise ValueError(f"the date format {self.form} needs a year, a month and at most one day, each once")
        if self.century % _CENTURY or (self.century and "YYYY" in self.form):
            raise ValueError("a century is the first year of one, and belongs to a year of two digits")
        position, pattern = 0, ""
        for match in _PART.finditer(self.form):
            name, digits = _PARTS[match[0]]
            pattern += re.escape(self.form[position : match.start()]) + f"(?P<{name}>{digits})"
            position = match.end()
        object.__setattr__(self, "_printed", re.compile(pattern + re.escape(self.form[position:])))

    @property
    def to_the_day(self) -> bool:
        """True if the date is a day, false if it is a month."""
        return "DD" in self.form

    def parse(self, text: str, not_after: date) -> date:
        """Parse a printed date; a month becomes its first day.

        Args:
            text: as printed.
            not_after: day by which the century of a two-digit year is told, where the format names none.

        Raises:
            ValueError: the text has another form, or is no day of the calendar.

        Example:
            >>> DateFormat("(MM-YY)").parse("(03-87)", date(2019, 1, 31)).isoformat()
            '1987-03-01'
        """
        match = self._printed.fullmatch(text)
        if match is None:
            raise ValueError("not a printed date")
        year, day = int(match["year"]), int(match["day"]) if self.to_the_day else 1
        month = _MONTHS.index(match["month"]) + 1 if match["month"] in _MONTHS else int(match["month"])
        if "YYYY" in self.form or self.century:
            return date(self.century + year, month, day)
        latest = not_after.year // _CENTURY * _CENTURY + year
        if (latest, month, day) > (not_after.year, not_after.month, not_after.day):
            latest -= _CENTURY
        return date(latest, month, day)

    def print(self, day: date) -> str:
        """Print a day in this form."""
        values = {"YYYY": f"{day:%Y}", "YY": f"{day:%y}", "MMM": _MONTHS[day.month - 1]}
        values |= {"MM": f"{day:%m}", "DD": f"{day:%d}"}
        return _PART.sub(lambda match: values[match[0]], self.form)

    def iso(self, day: date) -> str:
        """Write a parsed date in ISO 8601: `YYYY-MM-DD`, or `YYYY-MM` for a month."""
        return day.isoformat() if self.to_the_day else f"{day:%Y-%m}"
