"""The readings of Chinese characters, in Cantonese and in Mandarin.

From the Unicode Character Database 15.0 (Unihan), built by `idproof.datasets.unihan`; © Unicode, Inc., Unicode License
v3. Further Cantonese readings, such as those of surnames, from the package cantonese-romanisation 1.0.5 (MIT, Chun
Law), built by `idproof.datasets.jyutping_readings`. Both are without tones.
"""

from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent
# The 19 initials of Jyutping (Linguistic Society of Hong Kong, 1993), those of two letters first.
_INITIALS = ("gw", "kw", "ng", "b", "p", "m", "f", "d", "t", "n", "l", "g", "k", "h", "w", "z", "c", "s", "j")
_WITHOUT_VOWEL = ("m", "ng")


def readings(character: str) -> frozenset[str]:
    """Returns the readings of a character in Jyutping; empty when none is listed.

    Example:
        >>> sorted(readings("區"))
        ['au', 'keoi', 'ngau']
    """
    return frozenset(unihan(character) + _table("more_jyutping.tsv").get(character, ()))


def unihan(character: str) -> tuple[str, ...]:
    """Returns those that Unihan lists."""
    return _table("jyutping.tsv").get(character, ())


def pinyin(character: str) -> frozenset[str]:
    """Returns the readings of a character in Mandarin, in pinyin with u for ü; empty when none is listed.

    Example:
        >>> sorted(pinyin("吳"))
        ['wu', 'yu']
    """
    return frozenset(_table("pinyin.tsv").get(character, ()))


def split(syllable: str) -> tuple[str, str]:
    """Returns the initial sound of a syllable in Jyutping, "" for none, and the rest.

    Example:
        >>> split("gwok"), split("au"), split("ng")
        (('gw', 'ok'), ('', 'au'), ('', 'ng'))
    """
    if syllable in _WITHOUT_VOWEL:
        return "", syllable
    initial = next((initial for initial in _INITIALS if syllable.startswith(initial)), "")
    return initial, syllable.removeprefix(initial)


@lru_cache(maxsize=3)
def _table(name: str) -> dict[str, tuple[str, ...]]:
    lines = (line.split("\t") for line in (_FOLDER / name).read_text(encoding="utf-8").splitlines())
    return {character: tuple(listed.lower().split()) for character, listed in lines}
