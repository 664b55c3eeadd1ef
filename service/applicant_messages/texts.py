"""Sentences for reason codes and for problems with captures, in English and in Chinese of both scripts."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

ENGLISH, CHINESE, SIMPLIFIED = "en", "zh-Hant", "zh-Hans"
LANGUAGES = (ENGLISH, CHINESE, SIMPLIFIED)
_ENGLISH_TAGS = ("en", "*")
_CHINESE_TAGS = ("zh-hant", "zh-hk", "zh-tw", "zh-mo", "yue", "zh")
_SIMPLIFIED_TAGS = ("zh-hans", "zh-cn", "zh-sg", "zh-my")
_SIMPLIFIED_SCRIPT = "hans"
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
    return _table()[entry_of(code, _table())][language]


def entry_of(code: str, table: Mapping[str, object]) -> str:
    """Returns the entry of a table that a reason code belongs to; one made of a name and a suffix, that of its suffix.

    Example:
        >>> entry_of("dates_real_unread", {"*_unread": 1, "*": 2})
        '*_unread'
    """
    if code in table:
        return code
    for pattern in ("records_mismatch_*", "*_unread", "*_missing"):
        start, _, end = pattern.partition(_ANY)
        if pattern in table and code.startswith(start) and code.endswith(end):
            return pattern
    return _ANY


def has_sentence(code: str) -> bool:
    """Returns whether the table has a sentence for this very code."""
    return code in _table()


def _language_of(tag: str) -> str | None:
    """Returns our language for a language tag in lower case (RFC 5646); None if we have none."""
    if tag.split("-")[0] in _ENGLISH_TAGS:
        return ENGLISH
    chinese = _is_one_of(tag, _CHINESE_TAGS)
    if _is_one_of(tag, _SIMPLIFIED_TAGS) or (chinese and _SIMPLIFIED_SCRIPT in tag.split("-")):
        return SIMPLIFIED
    return CHINESE if chinese else None


def _is_one_of(tag: str, own: Iterable[str]) -> bool:
    return any(tag == name or tag.startswith(name + "-") for name in own)


@cache
def _table() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((files(__package__) / "texts.toml").read_text(encoding="utf-8"))
