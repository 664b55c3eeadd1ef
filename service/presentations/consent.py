"""The text that a holder reads before the wallet opens: verifier, claims and purpose, in three languages."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from idproof.service.presentations.asked import LANGUAGES, Asked


def consent_texts(asked: Asked, names: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Returns the consent's text per language.

    Args:
        asked: of the holder.
        names: of the party that asks, per language.
    """
    return {language: _text(asked, language, names[language]) for language in LANGUAGES}


def _text(asked: Asked, language: str, name: str) -> dict[str, Any]:
    texts = sentences()[language]
    kept = texts["kept" if asked.keeps_days else "not_kept"]
    return {
        "title": texts["title"].format(name=name),
        "what": texts["what"],
        "claims": [texts["claims"][claim] for claim in asked.claims],
        "purpose_title": texts["purpose"],
        "purpose": asked.purpose[language],
        "kept": kept.format(name=name, days=asked.keeps_days),
        "checks": texts["checks"].format(name=name),
        "choice": texts["choice"],
        "receipt": texts["receipt"],
        "after": texts["after"].format(name=name),
    }


@cache
def sentences() -> dict[str, Any]:
    """Returns the sentences of every language."""
    return tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))
