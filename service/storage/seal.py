"""Sealed rows: AES-256-GCM under a key that is not in the database, and keyed hashes for look-ups.

A copy of the database shows the number of registrations, their times, clients, statuses and reason codes, and which
were of the same card.
"""

import hmac
import json
import os
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from idproof.service.errors import StoreUnavailable

_NONCE_BYTES = 12  # NIST SP 800-38D, section 5.2.1.1: 96 bits


class Seal:
    """Seals documents, each bound to the name of its row, and computes keyed hashes (HMAC-SHA-256).

    Args:
        key: 32 bytes; the first sealing key. All derived keys come from it, and it opens what it sealed.
        newer: returns the sealing keys that came after it, oldest first; asked each time, since one may be added while
            the service runs. The newest seals, and every one opens.
    """

    def __init__(self, key: bytes, newer: Callable[[], Sequence[bytes]] = tuple) -> None:
        self._key = key
        self._newer = newer
        self._index = self.subkey("person index")

    def subkey(self, purpose: str) -> bytes:
        """Derives a key of 32 bytes for one purpose (HKDF, RFC 5869)."""
        return HKDF(SHA256(), 32, None, f"idproof {purpose}".encode()).derive(self._key)

    def close(self, name: str, document: dict[str, Any]) -> bytes:
        """Seals a document; it opens only under the same name."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self._keys()[0]).encrypt(nonce, json.dumps(document).encode(), name.encode())

    def open(self, name: str, sealed: bytes) -> dict[str, Any]:
        """Opens a sealed document; raises `StoreUnavailable` if the key, the name or the bytes differ."""
        for key in self._keys():
            opened = _opened(key, name, sealed)
            if opened is not None:
                document: dict[str, Any] = json.loads(opened)
                return document
        raise StoreUnavailable("A row of the database does not open.")

    def resealed(self, name: str, sealed: bytes) -> bytes | None:
        """Returns a document sealed with the newest key, or None if it is; raises as `open`."""
        if _opened(self._keys()[0], name, sealed) is not None:
            return None
        return self.close(name, self.open(name, sealed))

    def _keys(self) -> list[bytes]:
        """Returns the sealing keys, newest first."""
        return [*reversed(self._newer()), self._key]

    def person(self, number: str | None) -> bytes | None:
        """Returns the keyed hash of a card's number, with or without brackets; None without a number."""
        plain = "".join(character for character in (number or "").upper() if character.isalnum())
        return hmac.digest(self._index, plain.encode(), "sha256") if plain else None

    def fingerprint(self) -> bytes:
        """Returns a value that differs between keys and does not reveal the key."""
        return hmac.digest(self.subkey("key check"), b"idproof", "sha256")


def _opened(key: bytes, name: str, sealed: bytes) -> bytes | None:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
    except InvalidTag:
        return None
