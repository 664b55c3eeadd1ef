"""OAuth 2.0 bearer tokens as JWTs (RFC 9068) of the operator's issuer, checked with its published keys."""

import hashlib
import threading
import time
from typing import Any, cast

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from idproof.service.auth.clients import Client, Scope
from idproof.service.errors import IssuerUnavailable

ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"]
"""Public-key signatures only: with a shared secret, whoever can check a token could make one."""

_FRESH_S = 300.0
_STALE_S = 3600.0
_AGAIN_S = 10.0
_TIMEOUT_S = 5.0
_LEEWAY_S = 30
_ID_LENGTH = 64


class Tokens:
    """Checks bearer tokens; safe from several threads.

    Args:
        issuer: the `iss` that tokens must have.
        audience: the `aud` that tokens must have.
        jwks_url: where the issuer publishes its keys.
    """

    def __init__(self, issuer: str, audience: str, jwks_url: str) -> None:
        self._url = jwks_url
        self._claims = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
        )
        self._lock = threading.Lock()
        self._keys = KeySet([])
        self._read_at = self._tried_at = -_STALE_S

    def find(self, presented: str) -> Client | None:
        """Whose token this is, or None when it does not hold; raises `IssuerUnavailable`."""
        claims = self._opened(presented, self._current(_FRESH_S))
        if claims is None:  # perhaps signed with a key that is newer than our copy
            claims = self._opened(presented, self._current(_AGAIN_S))
        return None if claims is None else _client(claims)

    def _opened(self, presented: str, keys: KeySet) -> dict[str, Any] | None:
        try:
            token = jwt.decode(presented, keys, algorithms=ALGORITHMS)
            self._claims.validate(token.claims)
        except (JoseError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return token.claims

    def _current(self, age_s: float) -> KeySet:
        with self._lock:
            now = time.monotonic()
            if now - self._read_at > age_s and now - self._tried_at > _AGAIN_S:
                self._tried_at = now
                self._read()
            if now - self._read_at > _STALE_S:
                raise IssuerUnavailable("The issuer's keys cannot be read.")
            return self._keys

    def _read(self) -> None:
        try:
            answer = httpx.get(self._url, timeout=_TIMEOUT_S).raise_for_status().json()
            self._keys = KeySet.import_key_set(cast("KeySetSerialization", answer))
        except (httpx.HTTPError, JoseError, ValueError, KeyError, TypeError, RecursionError):
            return  # the older copy serves on, for a while
        self._read_at = time.monotonic()


def _client(claims: dict[str, Any]) -> Client | None:
    named = claims.get("client_id") or claims.get("azp") or claims.get("sub")
    granted = claims.get("scope", claims.get("scp", ""))
    words = granted.split() if isinstance(granted, str) else granted
    if not isinstance(named, str) or not isinstance(words, list):
        return None
    client_id = f"oauth:{named}"
    if len(client_id) > _ID_LENGTH:
        client_id = f"oauth:{hashlib.sha256(named.encode()).hexdigest()[:48]}"
    return Client(client_id, frozenset(Scope(word) for word in words if word in set(Scope)))
