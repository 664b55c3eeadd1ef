"""Every value within what a wallet sends, whatever it is encoded in: what two verifiers could compare."""

from collections.abc import Iterator
from typing import Any

import cbor2

from idproof.service.credentials.encoding import from_base64url, read_cbor, read_json
from idproof.service.errors import CredentialRefused


def values(node: Any) -> Iterator[Any]:
    """Every value in a presentation, whatever it is encoded in: objects, tokens, base64url, CBOR in CBOR."""
    parts = parts_of(node)
    if parts is None:
        yield node
        if isinstance(node, (str, bytes)):
            yield from opened(node)
        return
    for part in parts:
        yield from values(part)


def parts_of(node: Any) -> list[Any] | None:
    if isinstance(node, dict):
        return [part for entry in node.items() for part in entry]
    if isinstance(node, list):
        return node
    if isinstance(node, cbor2.CBORTag):
        return [node.value]
    if isinstance(node, str) and "~" in node:
        return list(node.split("~"))
    if isinstance(node, str) and node.count(".") in (2, 4) and len(node) > 100:  # JWS and JWE
        return list(node.split("."))
    return None


def opened(node: str | bytes) -> Iterator[Any]:
    try:
        data = from_base64url(node) if isinstance(node, str) else node
    except CredentialRefused:
        return
    for read in (read_json, read_cbor):
        try:
            inner = read(data)
        except (CredentialRefused, UnicodeDecodeError):
            continue
        if inner != node and not isinstance(inner, (int, float)):
            yield from values(inner)
            return
