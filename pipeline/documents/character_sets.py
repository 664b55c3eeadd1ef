"""Character sets that issuers print names from: Python's codecs, and Hong Kong's current set.

`hkscs-2016` is Big5 with the Hong Kong Supplementary Character Set of 2016. Python's codec `big5hkscs` is that of 2004;
the characters added since, among them 悦, 税, 説, 脱, 兑, 鋭 and 閲, are from the Unicode Character Database 15.0
(Unihan: kIRG_HSource), built by `idproof.datasets.unihan`; © Unicode, Inc., Unicode License v3.
"""

import codecs
from functools import lru_cache
from pathlib import Path

HKSCS_2016 = "hkscs-2016"
_OF_2004 = "big5hkscs"
_TABLE = Path(__file__).parent / "hkscs_2016.tsv"


def is_known(name: str) -> bool:
    """Returns whether there is a character set of this name."""
    if name == HKSCS_2016:
        return True
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True


def contains(name: str, character: str) -> bool:
    """Returns whether a character set has a character.

    Example:
        >>> contains("hkscs-2016", "悦"), contains("big5hkscs", "悦"), contains("hkscs-2016", "术")
        (True, False, False)
    """
    if name == HKSCS_2016:
        return character in _added() or contains(_OF_2004, character)
    try:
        character.encode(name)
    except UnicodeEncodeError:
        return False
    return True


def added_forms(character: str) -> frozenset[str]:
    """Returns the other forms of a character where it, or they, were added to Hong Kong's set after 2004.

    Example:
        >>> added_forms("悦"), added_forms("悅"), added_forms("陳")
        (frozenset({'悅'}), frozenset({'悦'}), frozenset())
    """
    return _forms().get(character, frozenset())


@lru_cache(maxsize=1)
def _added() -> dict[str, str]:
    lines = (line.partition("\t") for line in _TABLE.read_text(encoding="utf-8").splitlines())
    return {character: others for character, _, others in lines}


@lru_cache(maxsize=1)
def _forms() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for character, others in _added().items():
        for other in others:
            found.setdefault(character, set()).add(other)
            found.setdefault(other, set()).add(character)
    return {character: frozenset(others) for character, others in found.items()}
