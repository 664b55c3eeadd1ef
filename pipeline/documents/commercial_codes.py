"""The four-digit commercial (telegraph) codes printed under a Chinese name.

From the Unicode Character Database 15.0 (Unihan: kTaiwanTelegraph, kMainlandTelegraph and the variant properties),
built by `idproof.datasets.unihan`; © Unicode, Inc., Unicode License v3.
"""

from collections import defaultdict
from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent


def codes(character: str) -> tuple[str, ...]:
    """Return all codes of one character, Taiwan's first, each once; empty when it has none.

    Example:
        >>> [codes(character)[0] for character in "陳大文"]
        ['7115', '1129', '2429']
    """
    return tuple(dict.fromkeys(code for column in _columns().get(character, ()) for code in column))


def has_code(character: str) -> bool:
    """True if the character, or another form of it, has a code."""
    return bool(codes(character) or variants(character))


def agrees(character: str, code: str) -> bool:
    """True if a code belongs to the character or, if it has none, to another form of it, such as 户 for 戶.

    Other forms do not count for a character with codes of its own: Unihan lists even 他 and 她 as variants.

    Example:
        >>> agrees("戶", "2073"), agrees("陳", "2073"), agrees("她", codes("他")[0])
        (True, False, False)
    """
    own = codes(character)
    return code in own if own else any(code in codes(other) for other in variants(character))


def variants(character: str) -> str:
    """Return other forms of the character that have codes."""
    return _variants().get(character, ("", ""))[0]


def traditional_forms(character: str) -> str:
    """Return the forms of which the character is a simplified one.

    Example:
        >>> traditional_forms("黄"), traditional_forms("峰")
        ('黃', '')
    """
    return _variants().get(character, ("", ""))[1]


def characters(code: str) -> tuple[str, ...]:
    """Return the characters of a code, Taiwan's (the traditional form) first.

    Example:
        >>> characters("7806")
        ('黃', '黄')
    """
    return _by_code().get(code, ())


@lru_cache(maxsize=1)
def _columns() -> dict[str, tuple[list[str], list[str]]]:
    lines = (line.split("\t") for line in (_FOLDER / "commercial_codes.tsv").read_text(encoding="utf-8").splitlines())
    return {character: (taiwan.split(), mainland.split()) for character, taiwan, mainland in lines}


@lru_cache(maxsize=1)
def _variants() -> dict[str, tuple[str, str]]:
    lines = (line.split("\t") for line in (_FOLDER / "variants.tsv").read_text(encoding="utf-8").splitlines())
    return {character: (others, fuller_forms) for character, others, fuller_forms in lines}


@lru_cache(maxsize=1)
def _by_code() -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for column in (0, 1):
        for character, columns in _columns().items():
            for code in columns[column]:
                found[code].append(character)
    return {code: tuple(dict.fromkeys(listed)) for code, listed in found.items()}
