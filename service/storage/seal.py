"""How rows are sealed: AES-256-GCM under a key that is not in the database, and keyed hashes to find them by.

A copy of the database tells how many registrations there were, when, by which client, and which were of one card.
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

_NONCE_BYTES = 12


class Seal:
    """Seals documents to the name of their row, and makes keyed hashes (HMAC-SHA-256), each kind with its own key.

    Args:
        key: 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._cipher = AESGCM(key)
        self._index = self.subkey("person index")

    def subkey(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose."""
        return HKDF(SHA256(), 32, None, f"idproof {purpose}".encode()).derive(self._key)

    def close(self, name: str, document: dict[str, Any]) -> bytes:
        """The document, sealed so that it only opens under this name."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, json.dumps(document).encode(), name.encode())

    def open(self, name: str, sealed: bytes) -> dict[str, Any]:
        """The document; raises `StoreUnavailable` when key, name or bytes are not those it was sealed with."""
        try:
            opened = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
        except InvalidTag:
            raise StoreUnavailable("A row of the database does not open.") from None
        document: dict[str, Any] = json.loads(opened)
        return document

    def person(self, number: str | None) -> bytes | None:
        """The keyed hash of a card's number, printed or without brackets."""
        plain = "".join(character for character in (number or "").upper() if character.isalnum())
        return hmac.digest(self._index, plain.encode(), "sha256") if plain else None

    def fingerprint(self) -> bytes:
        """Tells one key from another without telling the key."""
        return hmac.digest(self.subkey("key check"), b"idproof", "sha256")
