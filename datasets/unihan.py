"""Builds the tables of `pipeline/documents/` from the published Unihan database.

    python -m idproof.datasets.unihan /usr/share/unicode pipeline/documents

The database is part of the Unicode Character Database (Unicode License v3); Debian carries it, compressed with
bzip2, in the package `unicode-data`. Properties (Unicode Standard Annex 38): kTaiwanTelegraph, kMainlandTelegraph;
kZVariant, kSemanticVariant, kTraditionalVariant, kSimplifiedVariant; kCantonese.

- `commercial_codes.tsv`: character, Taiwan's codes, the Mainland's codes;
- `variants.tsv`: character, other forms of it that have a commercial code, and which of these it is itself only a
  simplified form of;
- `jyutping.tsv`: character with a code (or with such a variant), its readings without tones.
"""

import bz2
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

TELEGRAPH = ("kTaiwanTelegraph", "kMainlandTelegraph")
FULLER = ("kTraditionalVariant",)
VARIANTS = ("kZVariant", "kSemanticVariant", "kTraditionalVariant", "kSimplifiedVariant")
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


def main(source: Path, target: Path) -> None:
    """Write the three tables."""
    codes = properties(_lines(source, "OtherMappings"), TELEGRAPH)
    variants = properties(_lines(source, "Variants"), VARIANTS)
    readings = properties(_lines(source, "Readings"), ("kCantonese",))
    tables = {
        "commercial_codes.tsv": code_rows(codes),
        "variants.tsv": variant_rows(variants, codes),
        "jyutping.tsv": reading_rows(readings, codes),
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
