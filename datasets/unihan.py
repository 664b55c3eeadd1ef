"""Builds the tables of `pipeline/documents/` from the published Unihan database.

    python -m idproof.datasets.unihan /usr/share/unicode pipeline/documents

The database is part of the Unicode Character Database (Unicode License v3); Debian carries it, compressed with
bzip2, in the package `unicode-data`. Properties (Unicode Standard Annex 38): kTaiwanTelegraph, kMainlandTelegraph;
kZVariant, kSemanticVariant, kTraditionalVariant, kSimplifiedVariant; kCantonese; kMandarin, kHanyuPinlu, kXHC1983,
kTGHZ2013, kHanyuPinyin; kIRG_HSource.

- `commercial_codes.tsv`: character, Taiwan's codes, the Mainland's codes;
- `variants.tsv`: character, other forms of it that have a commercial code, and which of these it is itself only a
  simplified form of;
- `jyutping.tsv`: character with a code (or with such a variant), its readings without tones;
- `pinyin.tsv`: the same in Mandarin, with u for ü;
- `hkscs_2016.tsv`: character of Hong Kong's current character set that Python's codec `big5hkscs`, of 2004, lacks, and
  the other forms of it that Unihan lists and that set has.
"""

import bz2
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

TELEGRAPH = ("kTaiwanTelegraph", "kMainlandTelegraph")
FULLER = ("kTraditionalVariant",)
VARIANTS = ("kZVariant", "kSemanticVariant", "kTraditionalVariant", "kSimplifiedVariant")
PINYIN = ("kMandarin", "kHanyuPinlu", "kXHC1983", "kTGHZ2013", "kHanyuPinyin")
HONG_KONG = "kIRG_HSource"
_CODEC = "big5hkscs"
_PINYIN = re.compile(r"[a-zü]+")
_POINT = re.compile(r"U\+([0-9A-F]+)")

Properties = Mapping[str, Mapping[str, str]]
"""Character to property to value."""


def properties(lines: Iterable[str], wanted: Iterable[str]) -> dict[str, dict[str, str]]:
    """The wanted properties of every character, out of the lines of a Unihan file."""
    names, found = frozenset(wanted), dict[str, dict[str, str]]()
    for line in lines:
        if line.startswith("U+"):
            point, name, value = line.rstrip("\n").split("\t")
            if name in names:
                found.setdefault(_character(point), {})[name] = value
    return found


def code_rows(codes: Properties) -> Iterator[str]:
    """`character TAB Taiwan codes TAB Mainland codes`, codes separated by spaces, in code point order."""
    for character in sorted(codes):
        yield "\t".join([character, *(codes[character].get(column, "") for column in TELEGRAPH)])


def variant_rows(variants: Properties, codes: Properties) -> Iterator[str]:
    """`character TAB its other forms that have a code TAB those of them it is a lesser form of`."""

    def coded(character: str, names: Iterable[str]) -> list[str]:
        listed = [_character(f"U+{p}") for name in names for p in _POINT.findall(variants[character].get(name, ""))]
        return sorted({other for other in listed if other in codes and other != character})

    for character in sorted(variants):
        if others := coded(character, VARIANTS):
            yield f"{character}\t{''.join(others)}\t{''.join(coded(character, FULLER))}"


def reading_rows(readings: Properties, codes: Properties) -> Iterator[str]:
    """`character TAB readings without tones`, separated by spaces."""
    for character in sorted(codes):
        if character in readings:
            syllables = readings[character]["kCantonese"].split()
            yield f"{character}\t{' '.join(dict.fromkeys(s.rstrip('123456') for s in syllables))}"


def pinyin_rows(readings: Properties, codes: Properties) -> Iterator[str]:
    """`character TAB readings in Mandarin without tones`, separated by spaces."""
    for character in sorted(codes):
        listed = (readings.get(character, {}).get(name, "") for name in PINYIN)
        # A letter with its tone is one letter and one mark once decomposed; the two dots of ü are a mark, too.
        plain = (unicodedata.normalize("NFD", value).encode("ascii", "ignore").decode() for value in listed)
        if found := dict.fromkeys(syllable for value in plain for syllable in _PINYIN.findall(value)):
            yield f"{character}\t{' '.join(found)}"


def hong_kong_rows(sources: Properties, variants: Properties) -> Iterator[str]:
    """`character TAB other forms`, of the characters that Python's codec lacks."""
    forms: dict[str, set[str]] = {}
    for character, listed in variants.items():
        for name in VARIANTS:
            for point in _POINT.findall(listed.get(name, "")):
                forms.setdefault(character, set()).add(_character(f"U+{point}"))
                forms.setdefault(_character(f"U+{point}"), set()).add(character)
    for character in sorted(sources):
        if not character.encode(_CODEC, "ignore"):
            yield f"{character}\t{''.join(sorted(forms.get(character, set()) & sources.keys() - {character}))}"


def main(source: Path, target: Path) -> None:
    """Writes the tables."""
    codes = properties(_lines(source, "OtherMappings"), TELEGRAPH)
    variants = properties(_lines(source, "Variants"), VARIANTS)
    readings = properties(_lines(source, "Readings"), ("kCantonese",))
    mandarin = properties(_lines(source, "Readings"), PINYIN)
    sources = properties(_lines(source, "IRGSources"), (HONG_KONG,))
    tables = {
        "commercial_codes.tsv": code_rows(codes),
        "variants.tsv": variant_rows(variants, codes),
        "jyutping.tsv": reading_rows(readings, codes),
        "pinyin.tsv": pinyin_rows(mandarin, codes),
        "hkscs_2016.tsv": hong_kong_rows(sources, variants),
    }
    for name, rows in tables.items():
        (target / name).write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def _lines(folder: Path, name: str) -> Iterator[str]:
    with bz2.open(folder / f"Unihan_{name}.txt.bz2", "rt", encoding="utf-8") as file:
        yield from file


def _character(point: str) -> str:
    return chr(int(point.removeprefix("U+"), 16))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
