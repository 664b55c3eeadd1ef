"""Nonces of proofs of possession: made without storing anything, recognised by a tag, and used once.

A request for a nonce costs no row, so that nobody can fill the database with them; only its use does.
"""

import hmac
import secrets
import time
from dataclasses import dataclass

from idproof.service.credentials.encoding import from_base64url, to_base64url
from idproof.service.errors import CredentialRefused, IssuanceRefused
from idproof.service.storage.seal import Seal

_LIFETIME_S = 300.0
"""Seconds for which a nonce may be used. Chosen by hand: a holder may have to unlock ten keys."""
_RANDOM, _TIME, _TAG = 16, 8, 16
"""Bytes of a nonce's parts."""


@dataclass(frozen=True, slots=True)
class Nonce:
    """A nonce of ours: its random part, and the time at which it lapses (seconds since 1970)."""

    random: bytes
    expires: float


class Nonces:
    """Makes and recognises nonces; every server process with the same seal does.

    Args:
        seal: of the database.
    """

    def __init__(self, seal: Seal) -> None:
        self._mac = seal.subkey("credential nonces")

    def make(self) -> str:
        """Returns a nonce that nobody had before."""
        content = secrets.token_bytes(_RANDOM) + int(time.time() + _LIFETIME_S).to_bytes(_TIME, "big")
        return to_base64url(content + self._tag(content))

    def read(self, text: object) -> Nonce:
        """Returns a nonce of ours that has not lapsed; raises `IssuanceRefused`: `invalid_nonce`."""
        wrong = IssuanceRefused("invalid_nonce", "The nonce is not one of ours, or has lapsed; ask for another.")
        try:
            data = from_base64url(text)
        except CredentialRefused:
            raise wrong from None
        content, tag = data[:-_TAG], data[-_TAG:]
        if len(data) != _RANDOM + _TIME + _TAG or not hmac.compare_digest(tag, self._tag(content)):
            raise wrong
        expires = int.from_bytes(content[_RANDOM:], "big")
        if expires <= time.time():
            raise wrong
        return Nonce(content[:_RANDOM], float(expires))

    def _tag(self, content: bytes) -> bytes:
        return hmac.digest(self._mac, content, "sha256")[:_TAG]
