"""Invented people, whose names, dates, symbols and numbers agree with each other as on a genuine card.

The shares of each kind are chosen by hand, so that every kind is tried; they are not those of Hong Kong's population.
"""

from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from idproof.datasets.specimen import names
from idproof.datasets.specimen.prints import print_of
from idproof.pipeline.documents import DateFormat, DocumentType, FieldSpec
from idproof.pipeline.documents.commercial_codes import codes
from idproof.pipeline.errors import InvalidSpecimen

_SURNAMES = """
陳 CHAN 黃 WONG 李 LEE 張 CHEUNG 梁 LEUNG 林 LAM 吳 NG 劉 LAU 鄭 CHENG 何 HO 楊 YEUNG 曾 TSANG 蔡 CHOI 葉 YIP
鄧 TANG 周 CHOW 許 HUI 馮 FUNG 謝 TSE 朱 CHU 盧 LO 余 YU 潘 POON 蘇 SO 鍾 CHUNG 徐 TSUI 郭 KWOK 馬 MA 羅 LAW
胡 WU 麥 MAK 蕭 SIU 譚 TAM 雷 LUI 莫 MOK 關 KWAN 方 FONG 溫 WAN 布 PO 龐 PONG 霍 FOK 簡 KAN 甘 KAM 黎 LAI
"""
_TODAY = date(2026, 6, 30)  # the latest day of issue; fixed, so that a seed gives the same card on any day
_FIRST_ISSUE = date(2018, 11, 26)  # of this design, by the Immigration Department
_LATIN_ONLY = 0.06  # share of holders without a Chinese name
_MINORS = 0.05  # share of holders of 11 to 17
_RESIDENCE = (0.6, 0.15, 0.15, 0.1)  # A, C, R, U
_GIVEN_CHARACTERS = (0.05, 0.8, 0.15)  # one, two, three
_LONGEST = 5  # characters that fit the card
_SPACE = 36  # value of a missing first letter in the check digit
_SEXES = {"M": "男 M", "F": "女 F"}
_OLDER = 4  # years by which a holder may be older or younger than the person in the portrait looks. Chosen by hand.
_EARLIEST_BIRTH = date(1938, 1, 1)  # 80 on the first day of issue. Chosen by hand.
_TITLES = {True: "示範永久性身份證 SPECIMEN PERMANENT IDENTITY CARD", False: "示範身份證 SPECIMEN IDENTITY CARD"}


def invent(
    rng: np.random.Generator, *, characters: str | None = None, sex: str | None = None, age: int | None = None
) -> dict[str, str]:
    """Returns the printed fields of one invented holder, by field name.

    Args:
        rng: draws everything. Nothing given below changes what is drawn for the other fields.
        characters: the given name, one to five characters of `names.given()`; drawn when None.
        sex: `M` or `F`, as the portrait shows; drawn when None.
        age: of the person in the portrait, 18 or more: the holder is about as old on the day of issue; drawn when None.

    Raises:
        ValueError: a character that the table lacks, or too many of them.
    """
    drawn_sex = str(rng.choice(list(_SEXES)))
    issued = _day(rng, _FIRST_ISSUE, _TODAY)
    minor = bool(rng.uniform() < _MINORS) and age is None
    born = _born(rng, issued, age, minor=minor)
    first = _day(rng, max(date(1960, 1, 1), _years(born, 11)), issued)
    symbols = _symbols(rng, minor=minor)
    return {
        "title": title(symbols),
        **_names(rng, characters),
        "date_of_birth": born.strftime("%d-%m-%Y"),
        "sex": _SEXES[sex or drawn_sex],
        "symbols": symbols,
        "first_registration": first.strftime("(%m-%y)"),
        "issue_date": issued.strftime("%d-%m-%y"),
        "number": _number(rng),
    }


def title(symbols: str) -> str:
    """Returns the card's title: permanent if and only if the symbols hold A (right of abode)."""
    return _TITLES["A" in symbols]


def fields_of(
    document: DocumentType,
    rng: np.random.Generator,
    *,
    characters: str | None = None,
    sex: str | None = None,
    age: int | None = None,
) -> dict[str, str]:
    """Returns the printed fields of one invented holder of any type: by the forms of its print file when it has some.

    `characters`, `sex` and `age` are as in `invent`; a type whose print file has forms prints none of them.

    Raises:
        InvalidSpecimen: the type's print file lacks a form, or there is none.
    """
    wanted = print_of(document)
    forms = {spec.name: wanted.of(spec.name).form for spec in document.fields}
    if not any(forms.values()):
        made = invent(rng, characters=characters, sex=sex, age=age)
    else:
        made = {
            spec.name: _by_form(form, spec, document, rng) for spec in document.fields if (form := forms[spec.name])
        }
    if set(made) != set(forms):
        raise InvalidSpecimen(f"The print file of {document.name} does not say how each of its fields is made up.")
    return made


def _by_form(form: str, spec: FieldSpec, document: DocumentType, rng: np.random.Generator) -> str:
    if form == "name":
        return _names(rng, None)["english_name"]
    days = {
        "day": (_TODAY, _years(_TODAY, 10)),
        "born": (date(1938, 1, 1), _years(document.issued_from, -18)),
        "issued": (document.issued_from, _TODAY),
    }
    if form in days:
        return (spec.date or DateFormat("DD-MM-YYYY")).print(_day(rng, *days[form]))
    return "".join(str(rng.integers(10)) if character == "#" else character for character in form)


def check_digit(prefix: str, digits: str) -> str:
    """Returns the check digit, by code of its own: a mistake in the verification's code would not hide itself."""
    total = 9 * (_SPACE if len(prefix) == 1 else ord(prefix[0]) - 55) + 8 * (ord(prefix[-1]) - 55)
    total += sum(int(digit) * (7 - i) for i, digit in enumerate(digits))
    digit = (11 - total % 11) % 11
    return "A" if digit == 10 else str(digit)


def _number(rng: np.random.Generator) -> str:
    letters = "".join(rng.choice(list("ABCDEFGHKMPRSYZ"), size=2 if rng.uniform() < 0.2 else 1))
    digits = f"{rng.integers(0, 1_000_000):06d}"
    return f"{letters}{digits}({check_digit(letters, digits)})"


def _names(rng: np.random.Generator, characters: str | None) -> dict[str, str]:
    surnames, known = list(_surnames().items()), names.given()
    surname = surnames[rng.integers(len(surnames))]
    if characters is None:
        count = int(rng.choice([1, 2, 3], p=_GIVEN_CHARACTERS))
        chosen = "".join(rng.choice(list(known), size=count, replace=False))
    else:
        chosen = characters
    if not 1 <= len(chosen) <= _LONGEST or not set(chosen) <= set(known):
        raise ValueError(f"a given name has one to {_LONGEST} characters of the table of names")
    english = f"{surname[1]}, {' '.join(known[character] for character in chosen)}"
    if rng.uniform() < _LATIN_ONLY and characters is None:
        return {"chinese_name": "", "english_name": english, "chinese_codes": ""}
    chinese = surname[0] + chosen
    return {
        "chinese_name": chinese,
        "english_name": english,
        "chinese_codes": " ".join(codes(character)[0] for character in chinese),
    }


@lru_cache(maxsize=1)
def _surnames() -> dict[str, str]:
    return names.pairs(_SURNAMES)


def _symbols(rng: np.random.Generator, *, minor: bool) -> str:
    """Draws the symbols: `***` from 18 years on, `*` from 11 to 17."""
    residence = str(rng.choice(list("ACRU"), p=_RESIDENCE))
    birthplace = str(rng.choice(list("ZZZXWO")))
    amended = str(rng.choice(["", "", "", "", "B", "N"]))
    return f"{'*' if minor else '***'}{residence}{birthplace}{amended}"


def _born(rng: np.random.Generator, issued: date, age: int | None, *, minor: bool) -> date:
    """Draws a day of birth by one number, whichever the range."""
    if age is not None:
        return _day(rng, _years(issued, -(age + _OLDER)), _years(issued, -(age - _OLDER)))
    return _minor_born(rng, issued) if minor else _day(rng, _EARLIEST_BIRTH, _years(issued, -18))


def _minor_born(rng: np.random.Generator, issued: date) -> date:
    """Draws a day of birth with which the holder is 11 to 17 on the day of issue."""
    return _day(rng, _years(issued, -18) + timedelta(days=1), _years(issued, -11))


def _years(day: date, years: int) -> date:
    """Returns the same day in another year; 29 February becomes the day on which that age is surely reached."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1) if years > 0 else date(day.year + years, 2, 28)


def _day(rng: np.random.Generator, first: date, last: date) -> date:
    return first + timedelta(days=int(rng.integers(0, (last - first).days + 1)))
