"""Sealed rows: AES-256-GCM under a key that is not in the database, and keyed hashes for look-ups.

A copy of the database shows the number of registrations, their times and clients, and which were of the same card.
"""

import hmac
import json
import os
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
        key: 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._cipher = AESGCM(key)
        self._index = self.subkey("person index")

    def subkey(self, purpose: str) -> bytes:
        """Derives a key of 32 bytes for one purpose (HKDF, RFC 5869)."""
        return HKDF(SHA256(), 32, None, f"idproof {purpose}".encode()).derive(self._key)

    def close(self, name: str, document: dict[str, Any]) -> bytes:
        """Seals a document; it opens only under the same name."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, json.dumps(document).encode(), name.encode())

    def open(self, name: str, sealed: bytes) -> dict[str, Any]:
        """Opens a sealed document; raises `StoreUnavailable` if the key, the name or the bytes differ."""
        try:
            opened = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
        except InvalidTag:
            raise StoreUnavailable("A row of the database does not open.") from None
        document: dict[str, Any] = json.loads(opened)
        return document

    def person(self, number: str | None) -> bytes | None:
        """Returns the keyed hash of a card's number, with or without brackets; None without a number."""
        plain = "".join(character for character in (number or "").upper() if character.isalnum())
        return hmac.digest(self._index, plain.encode(), "sha256") if plain else None

    def fingerprint(self) -> bytes:
        """Returns a value that differs between keys and does not reveal the key."""
        return hmac.digest(self.subkey("key check"), b"idproof", "sha256")
