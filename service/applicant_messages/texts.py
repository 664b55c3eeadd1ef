"""Sentences for reason codes and for problems with captures, in English and in Traditional Chinese."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

ENGLISH, CHINESE = "en", "zh-Hant"
_ENGLISH_TAGS = ("en", "*")
_CHINESE_TAGS = ("zh-hant", "zh-hk", "zh-tw", "zh-mo", "yue", "zh")
_SIMPLIFIED_TAG, _SIMPLIFIED_SCRIPT = "zh-cn", "hans"
_ANY = "*"


def preferred_language(accepted: str | None) -> str:
    """Returns the language that an `Accept-Language` header prefers (RFC 9110, section 12.5.4); English if it has none.

    Example:
        >>> preferred_language("fr, zh-HK;q=0.9, en;q=0.1")
        'zh-Hant'
    """
    entries = parse_accept_header(accepted, LanguageAccept)
    for tag, quality in sorted(entries, key=lambda entry: entry[1], reverse=True):
        language = _language_of(tag.lower())
        if language is not None and quality > 0:
            return language
    return ENGLISH


def sentences(codes: Iterable[str], language: str) -> dict[str, str]:
    """Returns a sentence for each reason code."""
    return {code: sentence(code, language) for code in codes}


def sentence(code: str, language: str) -> str:
    """Returns the sentence of one code; a code made of a name and a suffix has the sentence of its suffix."""
    table = _table()
    if code in table:
        return table[code][language]
    for pattern in ("records_mismatch_*", "*_unread", "*_missing"):
        start, _, end = pattern.partition(_ANY)
        if code.startswith(start) and code.endswith(end):
            return table[pattern][language]
    return table[_ANY][language]


def has_sentence(code: str) -> bool:
    """Returns whether the table has a sentence for this very code."""
    return code in _table()


def _language_of(tag: str) -> str | None:
    """Returns our language for a language tag in lower case (RFC 5646); None if we have none."""
    if tag.split("-")[0] in _ENGLISH_TAGS:
        return ENGLISH
    if _SIMPLIFIED_SCRIPT in tag or tag == _SIMPLIFIED_TAG:
        return None
    return CHINESE if any(tag == own or tag.startswith(own + "-") for own in _CHINESE_TAGS) else None


@cache
def _table() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((files(__package__) / "texts.toml").read_text(encoding="utf-8"))
