"""Typed fields of the card, which pre-fill the form that follows."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from idproof.pipeline.documents import DocumentType
from idproof.pipeline.fields.checks import dates
from idproof.pipeline.types import FieldReading

_DATE_FIELDS = {"birth_date": dates.BIRTH, "first_registration": dates.FIRST, "issue_date": dates.ISSUE}
_SEX = {"M": "male", "F": "female"}


@dataclass(frozen=True, slots=True, repr=False)
class CardData:
    """Typed fields, each None unless it was read with certainty. NFC Unicode; dates in ISO 8601.

    Attributes:
        surname, given_names: the English name's two parts; a single name is the surname, with "" as given names.
        chinese_name: as printed, "" when the card has none.
        number: without brackets, such as `A1234563`.
        birth_date, issue_date: `YYYY-MM-DD`.
        first_registration: `YYYY-MM`.
        sex: `male` or `female`.
        symbols: as printed.
    """

    surname: str | None = None
    given_names: str | None = None
    chinese_name: str | None = None
    number: str | None = None
    birth_date: str | None = None
    issue_date: str | None = None
    first_registration: str | None = None
    sex: str | None = None
    symbols: str | None = None

    def __repr__(self) -> str:
        """Describes the data without its values."""
        filled = sum(getattr(self, name) is not None for name in self.__slots__)
        return f"CardData(<{filled} fields>)"


def card_data(fields: Mapping[str, FieldReading], document: DocumentType, today: date) -> CardData:
    """Returns the card's well-known fields; a field that the document type lacks stays None.

    Args:
        fields: as read.
        document: the type, whose formats the dates are printed in.
        today: day of the verification, for the century of two-digit years.
    """

    def text(name: str) -> str | None:
        reading = fields.get(name)
        return unicodedata.normalize("NFC", reading.text) if reading is not None and reading.certain else None

    english = text("english_name")
    surname, _, given = english.partition(", ") if english is not None else (None, "", None)
    number, sex = text("number"), text("sex")
    return CardData(
        surname=surname,
        given_names=given,
        chinese_name=text("chinese_name"),
        number=number.replace("(", "").replace(")", "") if number is not None else None,
        symbols=text("symbols"),
        sex=_SEX.get(sex[-1:]) if sex is not None else None,
        **_dates({spec.name: text(spec.name) or "" for spec in document.fields}, document, today),
    )


def _dates(texts: Mapping[str, str], document: DocumentType, today: date) -> dict[str, str]:
    """Returns ISO dates by the names of `CardData`; an impossible one is left out."""
    parsed = dates.parse_all(texts, document, today)
    found = {}
    for name, field in _DATE_FIELDS.items():
        day = parsed.get(field)
        form = document.field(field).date if day is not None else None
        if day is not None and form is not None:
            found[name] = form.iso(day)
    return found
