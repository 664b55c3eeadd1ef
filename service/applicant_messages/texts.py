"""What reasons and problems with captures are called for people, in English and in Traditional Chinese."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

ENGLISH, CHINESE = "en", "zh-Hant"
_CHINESE_TAGS = ("zh-hant", "zh-hk", "zh-tw", "zh-mo", "yue", "zh")


def language(accepted: str | None) -> str:
    """The language that fits an `Accept-Language` header best (RFC 9110, section 12.5.4); English if none does.

    Example:
        >>> language("fr, zh-HK;q=0.9, en;q=0.1")
        'zh-Hant'
    """
    best, chosen = 0.0, ENGLISH
    for entry in (accepted or "").split(",")[:20]:
        tag, _, parameter = (part.strip().lower() for part in entry.partition(";"))
        try:
            quality = float(parameter.removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        found = CHINESE if _is_chinese(tag) else ENGLISH if tag.split("-")[0] in ("en", "*") else None
        if found is not None and best < quality <= 1:
            best, chosen = quality, found
    return chosen


def texts(codes: Iterable[str], wanted: str) -> dict[str, str]:
    """A sentence for each reason code."""
    return {code: text(code, wanted) for code in codes}


def text(code: str, wanted: str) -> str:
    """The sentence of one code; a code that is made of a name and a suffix has its suffix's sentence."""
    table = _table()
    if code in table:
        return table[code][wanted]
    for pattern in ("records_mismatch_*", "*_unread", "*_missing"):
        start, _, end = pattern.partition("*")
        if code.startswith(start) and code.endswith(end):
            return table[pattern][wanted]
    return table["*"][wanted]


def known(code: str) -> bool:
    """Whether the table has a sentence of this code's own."""
    return code in _table()


def _is_chinese(tag: str) -> bool:
    return (
        "hans" not in tag and tag != "zh-cn" and any(tag == own or tag.startswith(own + "-") for own in _CHINESE_TAGS)
    )


@cache
def _table() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((files(__package__) / "texts.toml").read_text(encoding="utf-8"))
