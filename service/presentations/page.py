"""A page for departments that have none of their own: the text of the consent in three languages, then the link.

It has no script, loads nothing, and may not be embedded. Opening it fetches no request: only a wallet does.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from idproof.service.presentations.asked import LANGUAGES
from idproof.service.presentations.consent import sentences

_LANGUAGE_NAMES = {"en": "English", "zh-Hant": "繁體中文", "zh-Hans": "简体中文"}
_MODULE = 5
"""Side of a module of the QR code, in pixels at its natural size. Chosen by hand."""


def headers() -> dict[str, str]:
    """Returns the page's headers: its one style is named by its hash, and nothing else may be loaded."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return {"Content-Security-Policy": f"{policy}; frame-ancestors 'none'", "Cache-Control": "no-store"}


def language_of(accepted: str | None) -> str:
    """Returns the language to begin with, by the header `Accept-Language`.

    Example:
        >>> [language_of(text) for text in ("zh-HK,zh;q=0.9", "zh-CN", "zh", "fr", None)]
        ['zh-Hant', 'zh-Hans', 'zh-Hant', 'en', 'en']
    """
    first = (accepted or "").split(",")[0].split(";")[0].strip().lower()
    if not first.startswith("zh"):
        return "en"
    return "zh-Hans" if {"hans", "cn", "sg"} & set(first.split("-")) else "zh-Hant"


def render(consent: Mapping[str, Any], link: str, rows: Sequence[str] | None, first: str) -> str:
    """Returns the page of a question.

    Args:
        consent: text per language.
        link: that opens a wallet.
        rows: of its QR code; None for none.
        first: language of the first section; the others follow it.
    """
    own, *others = (_section(consent[each], each) for each in _ordered(first))
    texts = sentences()[first]
    code = "" if rows is None else f"<p>{escape(texts['scan'])}</p>{_svg(rows)}"
    wallet = f'<p><a class="open" href="{escape(link)}">{escape(texts["open"])}</a></p>{code}'
    after = f"<p>{escape(consent[first]['after'])}</p>"
    wallet = f'<section class="wallet">{wallet}{after}</section>'
    return _document(first, consent[first]["title"], [_languages(first), own, wallet, *others])


def render_over(names: Mapping[str, str], first: str) -> str:
    """Returns the page of a question that cannot be answered any more."""
    texts = [(each, sentences()[each]["over"].format(name=names[each])) for each in _ordered(first)]
    parts = [f'<section lang="{each}"><p>{escape(text)}</p></section>' for each, text in texts]
    return _document(first, names[first], parts)


def _languages(first: str) -> str:
    """Returns links to the sections in other languages, each named in its own language."""
    links = (f'<a lang="{each}" href="#{each}">{_LANGUAGE_NAMES[each]}</a>' for each in _ordered(first)[1:])
    return f"<nav>{' '.join(links)}</nav>"


def _section(text: Mapping[str, Any], language: str) -> str:
    claims = "".join(f"<li>{escape(claim)}</li>" for claim in text["claims"])
    notes = "".join(f"<p>{escape(text[name])}</p>" for name in ("kept", "checks", "choice", "receipt"))
    return (
        f'<section id="{language}" lang="{language}"><h1>{escape(text["title"])}</h1>'
        f"<p>{escape(text['what'])}</p><ul>{claims}</ul>"
        f"<p><strong>{escape(text['purpose_title'])}</strong><br>{escape(text['purpose'])}</p>{notes}</section>"
    )


def _document(language: str, title: str, parts: Sequence[str]) -> str:
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<style>{style()}</style></head><body><main>{''.join(parts)}</main></body></html>"
    )


def _svg(rows: Sequence[str]) -> str:
    side = len(rows)
    dark = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, cell in enumerate(row) if cell == "1")
    return (
        f'<svg class="code" role="img" aria-label="QR" viewBox="0 0 {side} {side}" width="{side * _MODULE}" '
        f'height="{side * _MODULE}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{side}v{side}H0z"/>'
        f'<path d="{dark}"/></svg>'
    )


def _ordered(first: str) -> list[str]:
    return [first, *(each for each in LANGUAGES if each != first)]


@cache
def style() -> str:
    """Returns the page's style."""
    return Path(__file__).with_name("page.css").read_text(encoding="utf-8")
