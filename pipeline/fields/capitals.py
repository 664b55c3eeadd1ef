"""Letters that a name's grammar prints as capitals, whatever case a reader took them for.

A card prints the surname in capitals before the comma, and a capital first in the given names. An I is one upright
stroke there, which readers also take for i, l, 1 or |, or read twice, such as `LiI` for `LI`. This applies to a field
whose pattern prints such names. A name without a comma is in capitals throughout, but a comma may also have been lost;
only its upright strokes are capitals then.

After the capital that begins a given name follow small letters. Letters of one shape in both sizes, such as the o of
`To`, are read as capitals where no other letter of the name shows how tall small ones are.
"""

import re
from enum import StrEnum
from functools import lru_cache

_STROKES = frozenset("Il|1")
_READ_AS_I = _STROKES | {"i"}  # where only a capital may stand
_ONE_SHAPE = frozenset("COSUVWXZ")  # capitals that differ from their small letters in size alone


class Letter(StrEnum):
    """Treatment of a character of a reading in the vote."""

    AS_READ = "as_read"
    CAPITAL = "capital"
    SMALL = "small"
    REPEATED = "repeated"
    """The same stroke once more."""


def letters(text: str, pattern: str) -> tuple[Letter, ...]:
    """Returns how each character of a reading counts in a field of this pattern.

    Example:
        >>> name = "[A-Z]+, [A-Z][a-z]+"
        >>> [letter.value for letter in letters("LiI, Al", name)]
        ['capital', 'repeated', 'capital', 'as_read', 'as_read', 'capital', 'as_read']
    """
    comma = text.find(",")
    if not _prints_capital_surnames(pattern) or comma < 0:
        return tuple(Letter.CAPITAL if _is_among_capitals(text, i) else Letter.AS_READ for i in range(len(text)))
    starts, small = _word_starts(text, comma + 1), _read_too_large(text, comma + 1)

    def letter(i: int) -> Letter:
        if i < comma and _is_repeated(text, i):
            return Letter.REPEATED
        if i in small:
            return Letter.SMALL
        return Letter.CAPITAL if i < comma or i in starts else Letter.AS_READ

    return tuple(map(letter, range(len(text))))


def as_capital(character: str) -> str:
    """Returns the capital that a character stands for.

    Example:
        >>> as_capital("l"), as_capital("i"), as_capital("o"), as_capital("'")
        ('I', 'I', 'O', "'")
    """
    capital = "I" if character in _READ_AS_I else character.upper()
    return capital if len(capital) == 1 else character


@lru_cache(maxsize=64)
def _prints_capital_surnames(pattern: str) -> bool:
    def matches(text: str) -> bool:
        return re.fullmatch(pattern, text) is not None

    return matches("AB, Cd") and not matches("Ab, Cd") and not matches("AB, cd")


def _word_starts(text: str, start: int) -> frozenset[int]:
    """Returns the places of the first given name, and of strokes that begin a further one.

    Each given name begins with a capital, so that a stroke there is an I; unless the holder's names have a word in
    small letters, such as `de la Paz`.
    """
    words = [match.start() for match in re.finditer(r"\S+", text[start:])]
    first, *others = [start + word for word in words] or [-1]
    all_capital = all(text[i].isupper() or text[i] in _STROKES for i in others)
    return frozenset({first, *(i for i in others if all_capital and text[i] in _STROKES)})


def _read_too_large(text: str, start: int) -> frozenset[int]:
    """Returns the places of capitals of one shape that end a given name right after the capital that begins it."""
    ends = (match.span(1) for match in re.finditer(rf"\b[A-Z]([{''.join(sorted(_ONE_SHAPE))}]+)\b", text[start:]))
    return frozenset(start + place for first, last in ends for place in range(first, last))


def _is_repeated(text: str, i: int) -> bool:
    """Returns whether a small i stands beside a capital one: both are the same stroke. Two capitals are two letters."""
    return text[i] == "i" and "I" in (text[i - 1 : i] + text[i + 1 : i + 2])


def _is_among_capitals(text: str, i: int) -> bool:
    """Returns whether an upright stroke has capitals beside it and no digit."""
    beside = text[max(0, i - 1) : i] + text[i + 1 : i + 2]
    return text[i] in _STROKES and beside.isupper() and not any(map(str.isdigit, beside))
