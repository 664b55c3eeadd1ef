"""The initial sounds of Chinese characters in Cantonese.

From the Unicode Character Database 15.0 (Unihan: kCantonese, in the Jyutping of the Linguistic Society of Hong
Kong), built by `idproof.datasets.unihan`; © Unicode, Inc., Unicode License v3.
"""

from functools import lru_cache
from pathlib import Path

_TABLE = Path(__file__).parent / "jyutping.tsv"
# The 19 initials of Jyutping (Linguistic Society of Hong Kong, 1993), those of two letters first.
_INITIALS = ("gw", "kw", "ng", "b", "p", "m", "f", "d", "t", "n", "l", "g", "k", "h", "w", "z", "c", "s", "j")


def initials(character: str) -> frozenset[str]:
    """Return the initials of its readings in Jyutping, "" for no initial; empty when no reading is listed.

    Example:
        >>> sorted(initials("陳"))
        ['c']
    """
    return frozenset(_initial(syllable) for syllable in _table().get(character, ()))


def _initial(syllable: str) -> str:
    return next((initial for initial in _INITIALS if syllable.startswith(initial) and syllable != initial), "")


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[str, ...]]:
    lines = (line.split("\t") for line in _TABLE.read_text(encoding="utf-8").splitlines())
    return {character: tuple(readings.split()) for character, readings in lines}
