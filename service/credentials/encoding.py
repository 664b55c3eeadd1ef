"""Strict readers of base64url, JSON and CBOR: each value has one form, so that no changed byte goes unnoticed."""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any, NoReturn

import cbor2

from idproof.service.errors import CredentialRefused

_DEEPEST = 16
"""Nested arrays and maps. Chosen by hand: a device's response has nine."""
EMBEDDED = 24
"""CBOR tag of encoded CBOR (RFC 8949, section 3.4.5.1)."""
LAST_SECOND = 253_402_300_799
"""31 December 9999, 23:59:59 UTC in seconds since 1970: later times have no date (`datetime.max`)."""
DATE_TIME, FULL_DATE = 0, 1004
"""CBOR tags of a time (RFC 8949, section 3.4.1) and a day (RFC 8943)."""


def _as_tag(tag: int) -> Callable[[Any, bool], cbor2.CBORTag]:
    return lambda value, _: cbor2.CBORTag(tag, value)


_AS_TAGS = {tag: _as_tag(tag) for tag in (DATE_TIME, FULL_DATE)}


def to_base64url(data: bytes) -> str:
    """Returns base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: object) -> bytes:
    """Returns the bytes of base64url without padding; raises `CredentialRefused` for any other form of them."""
    if not isinstance(text, str) or not text.isascii():
        _malformed()
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        _malformed()
    # The last character may have bits that belong to no byte.
    return data if to_base64url(data) == text else _malformed()


def read_json(data: bytes | str) -> Any:
    """Returns a JSON value; raises `CredentialRefused`, also for a member that occurs twice and for `NaN`.

    Bytes are UTF-8 (RFC 8259, section 8.1) and nothing else that the standard library would recognise, and no text has
    half of a surrogate pair (RFC 7493, section 2.1), which cannot be encoded again.
    """
    try:
        text = data if isinstance(data, str) else data.decode()
        value = json.loads(text, object_pairs_hook=_members, parse_constant=_malformed)
        write_json(value)
    except (ValueError, RecursionError):
        _malformed()
    return value


def write_json(value: Any) -> bytes:
    """Returns a JSON value without spaces, in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def read_cbor(data: bytes) -> Any:
    """Returns a CBOR value, dates as `CBORTag`; raises `CredentialRefused`.

    Only the shortest encoding of a value is read, and nothing may follow it: any other does not come back the same.
    """
    limits: dict[str, Any] = {"max_depth": _DEEPEST, "allow_indefinite": False, "allow_duplicate_keys": False}
    try:
        value = cbor2.loads(data, semantic_decoders=_AS_TAGS, **limits)
        same = write_cbor(value) == data
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, MemoryError):
        _malformed()
    return value if same else _malformed()


def write_cbor(value: Any) -> bytes:
    """Returns the CBOR of a value."""
    return bytes(cbor2.dumps(value))


def embedded(value: Any) -> cbor2.CBORTag:
    """Returns a value as encoded CBOR within CBOR (`#6.24(bstr .cbor …)`)."""
    return cbor2.CBORTag(EMBEDDED, write_cbor(value))


def embedded_bytes(value: object) -> bytes:
    """Returns the bytes within `#6.24(bstr)`; raises `CredentialRefused`."""
    if not isinstance(value, cbor2.CBORTag) or value.tag != EMBEDDED or not isinstance(value.value, bytes):
        _malformed()
    return bytes(value.value)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _malformed()


def _malformed(_: object = None) -> NoReturn:
    raise CredentialRefused("credential_malformed", "It is not encoded as its format demands.")
