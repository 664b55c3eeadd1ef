"""Builds `pipeline/documents/commercial_codes.tsv` from the published Unihan table.

    python -m idproof.datasets.unihan Unihan_OtherMappings.txt commercial_codes.tsv

The table is part of the Unicode Character Database (Unicode License v3; Debian carries it, compressed with bzip2,
in the package `unicode-data`). Properties: kTaiwanTelegraph and kMainlandTelegraph (Unicode Standard Annex 38).
"""

import bz2
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

COLUMNS = ("kTaiwanTelegraph", "kMainlandTelegraph")


def rows(lines: Iterable[str]) -> Iterator[str]:
    """`character TAB Taiwan codes TAB Mainland codes`, codes separated by spaces, in code point order."""
    codes: dict[str, dict[str, str]] = {}
    for line in lines:
        if line.startswith("U+"):
            point, column, value = line.rstrip("\n").split("\t")
            if column in COLUMNS:
                codes.setdefault(chr(int(point.removeprefix("U+"), 16)), {})[column] = value
    for character in sorted(codes):
        yield "\t".join([character, *(codes[character].get(column, "") for column in COLUMNS)])


def main(source: Path, target: Path) -> None:
    """Write the data file."""
    opener = bz2.open if source.suffix == ".bz2" else open
    with opener(source, "rt", encoding="utf-8") as file:
        target.write_text("".join(f"{row}\n" for row in rows(file)), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
