"""Builds `specimen/names.tsv`, the characters of invented given names, from the published Unihan tables.

    python -m idproof.datasets.names_table /usr/share/unicode datasets/specimen/names.tsv

The tables are part of the Unicode Character Database (Unicode License v3; Debian carries them, compressed with bzip2,
in the package `unicode-data`). A character is taken if it

- has a commercial code (kTaiwanTelegraph or kMainlandTelegraph) and a Cantonese reading (kCantonese),
- stands in Big Five (kBigFive) and in the Hong Kong Education Bureau's list of common characters (kHKGlyph),
- is drawn by the specimens' typeface, and
- has a meaning (kDefinition) without any word of a short list of things that nobody is named after.

Of those the `SIZE` most common (kFrequency, kGradeLevel, then fewer strokes) are kept, in code point order, each with
its romanisation and its reading in Jyutping. The romanisation follows rules in the style of Hong Kong's cards. Real
cards follow the holder's wish, so it is plausible, not authoritative; the rules are written by hand.
"""

import bz2
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from idproof.datasets.unihan import Properties, properties

SIZE = 3000  # characters of the table. Chosen by hand.
TABLES = ("Readings", "OtherMappings", "DictionaryLikeData", "IRGSources")
_COLUMNS = {
    *("kCantonese", "kDefinition", "kBigFive", "kTaiwanTelegraph", "kMainlandTelegraph"),
    *("kHKGlyph", "kFrequency", "kGradeLevel", "kTotalStrokes"),
}
_NOBODY = re.compile(
    r"\b(dead|death|die|dies|corpse|coffin|kill|murder|excrement|urine|shit|feces|fart|penis|vagina|anus|buttocks|"
    r"prostitute|adultery|rape|ghost|demon|disease|ulcer|pus|vomit|grave|tomb|coward|stupid|ugly|thief|steal|evil|"
    r"tears|mucus|saliva|sweat|beggar|cheat|wound|rotten|poison|prison|dung|deaf|blind|insane|mad|drunk|louse|lice|"
    r"fly|flies|maggot|slave|bandit|robber|hate|jealous|fear|afraid|weep|cry|curse|scold|dirty|filthy|stink|foul|"
    r"obscene|lewd|wicked|itch|scar|boil|cough|pain|sick|ill|illness|perish|bury|funeral|mourn|rot|starve|idiot|foolish|"
    r"particle|pronoun|classifier)\b|\(Cant\.\)"
)
_SYLLABLE = re.compile(r"([a-z]+)[1-6]")
_JYUTPING = re.compile(r"(ng|gw|kw|[bpmfdtnlgkhwzcsj])?((?:aa|oe|eo|yu|[aeiou])(?:ng|[iumnptk])?|m|ng)")
_INITIALS = {"b": "p", "d": "t", "g": "k", "gw": "kw", "z": "ch", "c": "ch", "j": "y"}
_TS_BEFORE = {"e", "o", "ou", "ang", "eoi"}
_SH_BEFORE = {"aa", "aan", "am", "ap", "e", "eoi", "eon", "ek", "ing", "oeng", "uk", "yu"}
_FINALS = {
    **{f"aa{end}": f"a{end}" for end in ("", "i", "u", "m", "n", "ng", "p", "t", "k")},
    "ou": "o",
    "oe": "eu",
    "oeng": "eung",
    "oek": "euk",
    "eoi": "ui",
    "eon": "un",
    "eot": "ut",
    "un": "oon",
    "yu": "u",
    "yun": "uen",
    "yut": "uet",
}
_WHOLE = {"ji": "Yee", "si": "Sze", "jyu": "Yu", "jyun": "Yuen", "jyut": "Yuet", "lei": "Lee", "m": "Ng", "ng": "Ng"}


def romanise(reading: str) -> str:
    """Returns a syllable in Jyutping, without its tone, in the spelling of Hong Kong's cards.

    Raises:
        ValueError: not a syllable.

    Example:
        >>> [romanise(reading) for reading in ("zoeng", "gwok", "jyun", "ceoi", "hou")]
        ['Cheung', 'Kwok', 'Yuen', 'Tsui', 'Ho']
    """
    if reading in _WHOLE:
        return _WHOLE[reading]
    parts = _JYUTPING.fullmatch(reading)
    if parts is None:
        raise ValueError(f"{reading} is not a syllable in Jyutping")
    initial, final = parts[1] or "", parts[2]
    if initial in {"z", "c"} and final in _TS_BEFORE:
        first = "ts"
    elif initial == "s" and final in _SH_BEFORE:
        first = "sh"
    else:
        first = _INITIALS.get(initial, initial)
    return (first + _FINALS.get(final, final)).capitalize()


def rows(known: Properties, drawn: Callable[[str], bool], size: int = SIZE) -> list[str]:
    """Returns lines of `character TAB romanisation TAB Jyutping`, in code point order.

    Args:
        known: character to property to value.
        drawn: whether the typeface has the character.
        size: largest number of lines.
    """
    usual = [character for character, has in known.items() if _plausible(has) and drawn(character)]
    kept = sorted(sorted(usual, key=lambda character: (*_rarity(known[character]), character))[:size])
    readings = {character: known[character]["kCantonese"].split()[0] for character in kept}
    return [f"{character}\t{romanise(reading[:-1])}\t{reading}" for character, reading in readings.items()]


def _plausible(has: Mapping[str, str]) -> bool:
    coded = "kTaiwanTelegraph" in has or "kMainlandTelegraph" in has
    reading = _SYLLABLE.fullmatch(has.get("kCantonese", "").split(" ")[0])
    named = not _NOBODY.search(has.get("kDefinition", ""))
    return coded and named and reading is not None and {"kBigFive", "kHKGlyph"} <= has.keys()


def _rarity(has: Mapping[str, str]) -> tuple[int, int, int]:
    strokes = int(has.get("kTotalStrokes", "99").split()[0])
    return int(has.get("kFrequency", "6")), int(has.get("kGradeLevel", "7")), strokes


def _in_typeface() -> Callable[[str], bool]:
    from idproof.datasets.specimen.artwork import font

    letters = font(True, 3.7)
    missing = bytes(letters.getmask("\U0010ffff"))
    return lambda character: bytes(letters.getmask(character)) != missing


def main(folder: Path, target: Path) -> None:
    """Writes the data file."""
    lines: list[str] = []
    for name in TABLES:
        with bz2.open(folder / f"Unihan_{name}.txt.bz2", "rt", encoding="utf-8") as file:
            lines += file
    target.write_text(
        "".join(f"{row}\n" for row in rows(properties(lines, _COLUMNS), _in_typeface())), encoding="utf-8"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
