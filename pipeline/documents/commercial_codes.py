"""The four-digit commercial (telegraph) codes printed under a Chinese name.

From the Unicode Character Database 15.0 (Unihan: kTaiwanTelegraph, kMainlandTelegraph), built by
`idproof.datasets.unihan`; © Unicode, Inc., Unicode License v3.
"""

from functools import lru_cache
from pathlib import Path

_TABLE = Path(__file__).parent / "commercial_codes.tsv"


def codes(character: str) -> tuple[str, ...]:
    """All codes of one character, Taiwan's first, each once; empty when it has none.

    Example:
        >>> [codes(character)[0] for character in "陳大文"]
        ['7115', '1129', '2429']
    """
    return _table().get(character, ())


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[str, ...]]:
    lines = (line.split("\t") for line in _TABLE.read_text(encoding="utf-8").splitlines())
    return {
        character: tuple(dict.fromkeys([*taiwan.split(), *mainland.split()])) for character, taiwan, mainland in lines
    }
