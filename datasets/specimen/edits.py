"""Changes a field of a finished card so that the card contradicts itself, and states the rules of consistent cards.

The rules are the generator's own, so that a mistake in the checks of the verification cannot hide itself. They use the
print alone: a date that only the clock could refute is no contradiction.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from idproof.datasets.specimen import identity, names
from idproof.pipeline.documents.commercial_codes import codes, variants

_DESIGN_SINCE = date(2018, 11, 26)
_ADULT, _REGISTERED = 18, 11
_CENTURIES = (1900, 2000)

Fields = Mapping[str, str]
Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Edit:
    """One field's new text, and what kind of change it is."""

    field: str
    kind: str
    text: str


def contradictions(fields: Fields) -> set[str]:
    """Returns the rules that a card's print breaks; empty for every card that `identity` invents."""
    rules: dict[str, Callable[[Fields], bool]] = {
        "check_digit": _check_digit,
        "dates_real": lambda fields: _day(fields["date_of_birth"]) is not None and _issued(fields) is not None,
        "design": lambda fields: (_issued(fields) or _DESIGN_SINCE) >= _DESIGN_SINCE,
        "dates_ordered": _ordered,
        "age": _age,
        "codes": _codes,
        "sex": lambda fields: fields["sex"] in {"男 M", "女 F"},
        "title": lambda fields: fields["title"] == identity.title(fields["symbols"]),
    }
    return {name for name, holds in rules.items() if not holds(fields)}


def draw(fields: Fields, rng: Rng) -> Edit:
    """Draws one change that makes the card contradict itself: first the field, then the change.

    Raises:
        ValueError: the card has none of the fields of a Hong Kong identity card.
    """
    if not {"number", "date_of_birth", "symbols", "title"} <= fields.keys():
        raise ValueError("only a Hong Kong identity card's fields can be edited into a contradiction")
    kinds = [kind for kind in _EDITS if kind not in _NAMED or fields["chinese_name"]]
    candidates = _EDITS[kinds[int(rng.integers(len(kinds)))]](fields, rng)
    telling = [edit for edit in candidates if contradictions({**fields, edit.field: edit.text})]
    return telling[int(rng.integers(len(telling)))]


def _check_digit(fields: Fields) -> bool:
    found = re.fullmatch(r"([A-Z]{1,2})(\d{6})\(([0-9A])\)", fields["number"])
    return found is not None and identity.check_digit(found[1], found[2]) == found[3]


def _codes(fields: Fields) -> bool:
    name, printed = fields["chinese_name"], fields["chinese_codes"].split()
    return len(name) == len(printed) and all(
        code in _all_codes(character) for character, code in zip(name, printed, strict=True)
    )


def _all_codes(character: str) -> set[str]:
    """Of the character and its other forms, such as 户 for 戶: a clerk may have looked up either."""
    return {code for form in (character, *variants(character)) for code in codes(form)}


def _day(text: str) -> date | None:
    day, month, year = (int(part) for part in text.split("-"))
    try:
        return date(year if year > 99 else 2000 + year, month, day)
    except ValueError:
        return None


def _issued(fields: Fields) -> date | None:
    return _day(fields["issue_date"])


def _ordered(fields: Fields) -> bool:
    """Born, registered, issued; the year of the first registration has two digits, so either century will do."""
    born, issued = _day(fields["date_of_birth"]), _issued(fields)
    month, year = (int(part) for part in fields["first_registration"].strip("()").split("-"))
    if not 1 <= month <= 12:
        return False
    if born is None or issued is None:
        return True  # another rule's matter
    return any(
        (born.year, born.month) <= (century + year, month) <= (issued.year, issued.month) for century in _CENTURIES
    )


def _age(fields: Fields) -> bool:
    """`***` from 18 on, `*` from 11 to 17, on the day of issue."""
    born, issued = _day(fields["date_of_birth"]), _issued(fields)
    if born is None or issued is None:
        return True  # another rule's matter
    age = issued.year - born.year - ((issued.month, issued.day) < (born.month, born.day))
    stars = fields["symbols"].count("*")
    return age >= _ADULT if stars == 3 else _REGISTERED <= age < _ADULT


def _digits(name: str, kinds: Mapping[range, str]) -> Callable[[Fields, Rng], list[Edit]]:
    """Every change of one digit, in the parts of a field that have a kind."""

    def edits(fields: Fields, rng: Rng) -> list[Edit]:
        text = fields[name]
        # The part is drawn first: there are many more wrong years than wrong months.
        part = list(kinds)[int(rng.integers(len(kinds)))]
        return [
            Edit(name, kinds[part], text[:place] + digit + text[place + 1 :])
            for place in part
            for digit in "0123456789"
            if place < len(text) and text[place].isdigit() and digit != text[place]
        ]

    return edits


def _issue_date(fields: Fields, rng: Rng) -> list[Edit]:
    """Without years to come: only the clock could refute those."""
    edits = _digits("issue_date", {range(2): "day", range(3, 5): "month", range(6, 8): "year"})(fields, rng)
    return [edit for edit in edits if edit.text[6:] <= fields["issue_date"][6:]]


def _name(fields: Fields, rng: Rng) -> list[Edit]:
    name, printed = fields["chinese_name"], fields["chinese_codes"].split()
    place = int(rng.integers(len(name)))
    others = [other for other in names.given() if printed[place] not in _all_codes(other)]
    chosen = others[int(rng.integers(len(others)))]
    return [Edit("chinese_name", "character", name[:place] + chosen + name[place + 1 :])]


def _sex(fields: Fields) -> list[Edit]:
    character, letter = fields["sex"].split()
    return [
        Edit("sex", "character", f"{'女' if character == '男' else '男'} {letter}"),
        Edit("sex", "letter", f"{character} {'F' if letter == 'M' else 'M'}"),
    ]


def _symbols(fields: Fields) -> list[Edit]:
    stars, residence, rest = re.fullmatch(r"(\**)([ACRU])(.*)", fields["symbols"]).groups()  # type: ignore[union-attr]
    aged = "*" if stars == "***" else "***"
    return [
        Edit("symbols", "age", f"{aged}{residence}{rest}"),
        *(Edit("symbols", "residence", f"{stars}{other}{rest}") for other in ("CRU" if residence == "A" else "A")),
    ]


_NAMED = {"name", "codes"}
_EDITS: Mapping[str, Callable[[Fields, Rng], list[Edit]]] = {
    "number": _digits("number", {range(20): "digit"}),
    "born": _digits("date_of_birth", {range(2): "day", range(3, 5): "month", range(6, 10): "year"}),
    "registered": _digits("first_registration", {range(1, 3): "month", range(4, 6): "year"}),
    "issued": _issue_date,
    "name": _name,
    "codes": _digits("chinese_codes", {range(40): "digit"}),
    "sex": lambda fields, rng: _sex(fields),
    "symbols": lambda fields, rng: _symbols(fields),
}
