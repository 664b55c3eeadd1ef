"""Builds `more_jyutping.tsv` of `pipeline/documents/`: readings in Cantonese that Unihan lacks.

    python -m idproof.datasets.jyutping_readings FOLDER pipeline/documents

Unihan lists one reading for most characters, often not that of a surname: 區 is read AU in names, 翟 CHAK, 單 SIN. The
package `cantonese-romanisation` 1.0.5 (MIT; Chun Law), which no code here imports, lists all. FOLDER is its
`cantoroman/data`, with `charToLshk.json`: character to readings in Jyutping.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path


def rows(listed: Mapping[str, Sequence[str]], unihan: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yields `character TAB readings without tones that Unihan lacks`, of the characters that Unihan reads."""
    for character in sorted(listed.keys() & unihan.keys()):
        syllables = dict.fromkeys(reading.rstrip("123456") for reading in listed[character])
        if more := [s for s in syllables if s.isascii() and s.isalpha() and s not in unihan[character]]:
            yield f"{character}\t{' '.join(more)}"


def main(source: Path, target: Path) -> None:
    """Writes the table beside `jyutping.tsv`."""
    listed = json.loads((source / "charToLshk.json").read_text(encoding="utf-8"))
    lines = (line.split("\t") for line in (target / "jyutping.tsv").read_text(encoding="utf-8").splitlines())
    unihan = {character: readings.split() for character, readings in lines}
    (target / "more_jyutping.tsv").write_text("".join(f"{row}\n" for row in rows(listed, unihan)), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
