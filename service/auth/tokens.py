"""OAuth 2.0 bearer tokens as JWTs (RFC 9068) of the operator's issuer, checked with its published keys."""

import hashlib
import math
import threading
import time
from collections.abc import Callable
from typing import Any, cast

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from idproof.service.auth.clients import Client, Scope
from idproof.service.errors import IssuerUnavailable

ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"]
"""Public-key signatures only: with a shared secret, everyone who can check a token could make one."""

# Chosen by hand; no outside source. RFC 9068 leaves the caching of the issuer's keys to the operator.
FRESH_S = 300.0  # the issuer's keys are read again after this time
STALE_S = 3600.0  # keys that were read longer ago are not used
RETRY_S = 10.0  # the shortest time between two readings
_TIMEOUT_S = 5.0
MEDIA_TYPE = "at+jwt"
"""Type in the header of an access token (RFC 9068, section 2.1)."""
_LEEWAY_S = 30  # between clocks; RFC 7519, section 4.1.4: "usually no more than a few minutes"
_ID_LENGTH = 64  # of the database's columns `client`


class Tokens:
    """Checks bearer tokens; safe to use from several threads.

    Args:
        issuer: the `iss` that tokens must have.
        audience: the `aud` that tokens must have.
        jwks_url: where the issuer publishes its keys.
        token_type: the `typ` that tokens must have in their header, with or without `application/`. An ID token of
            the same issuer and audience has another.
        clock: seconds that only increase.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        jwks_url: str,
        token_type: str = MEDIA_TYPE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = jwks_url
        self._type = _short_media_type(token_type)
        self._clock = clock
        self._claims = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
        )
        self._lock, self._reading = threading.Lock(), threading.Lock()
        self._keys = KeySet([])
        self._read_at = self._tried_at = -math.inf

    def find(self, token: str) -> Client | None:
        """Returns the client of a valid token, or None; raises `IssuerUnavailable`."""
        claims = self._valid_claims(token, self._issuer_keys(FRESH_S))
        if claims is None:  # the token's key may be newer than the copy
            claims = self._valid_claims(token, self._issuer_keys(RETRY_S))
        return None if claims is None else _client(claims)

    def _valid_claims(self, token: str, keys: KeySet) -> dict[str, Any] | None:
        try:
            decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
            self._claims.validate(decoded.claims)
        except (JoseError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return decoded.claims if _short_media_type(str(decoded.header.get("typ", ""))) == self._type else None

    def _issuer_keys(self, max_age_s: float) -> KeySet:
        """Returns the issuer's keys; one thread reads them again, and the others use the older copy meanwhile.

        An invalid token has them read again, too: while a slow issuer answers, valid tokens must not wait for it.
        """
        with self._lock:
            now = self._clock()
            due = now - self._read_at > max_age_s and now - self._tried_at > RETRY_S
            reads = due and self._reading.acquire(blocking=False)
            if reads:
                self._tried_at = now
            usable = now - self._read_at <= STALE_S
        if reads:
            try:
                self._read()
            finally:
                self._reading.release()
        elif not usable:
            with self._reading:  # until the thread that reads them is done
                pass
        if self._clock() - self._read_at > STALE_S:
            raise IssuerUnavailable("The issuer's keys cannot be read.")
        return self._keys

    def _read(self) -> None:
        try:
            body = httpx.get(self._url, timeout=_TIMEOUT_S).raise_for_status().json()
            self._keys = KeySet.import_key_set(cast("KeySetSerialization", body))
        except (httpx.HTTPError, JoseError, ValueError, KeyError, TypeError, RecursionError):
            return  # the older copy is used until it is stale
        self._read_at = self._clock()


def _short_media_type(name: str) -> str:
    """Returns a media type for comparison: case does not count, nor `application/` (RFC 7515, section 4.1.9)."""
    return name.lower().removeprefix("application/")


def _client(claims: dict[str, Any]) -> Client | None:
    """Returns the client that the token was issued to, or None.

    Never the subject: a person could choose a `sub` that is another client's name (RFC 9068, section 5).
    """
    names = {str(claims[claim]) for claim in ("client_id", "azp") if isinstance(claims.get(claim), str)}
    name = names.pop() if len(names) == 1 else ""  # two that differ name no client
    scopes = claims.get("scope", claims.get("scp", ""))
    words = scopes.split() if isinstance(scopes, str) else scopes
    if not name or not isinstance(words, list):
        return None
    client_id = f"oauth:{name}"
    if len(client_id) > _ID_LENGTH:
        # Its own prefix: another client's name may be these 48 digits.
        client_id = f"oauth-sha256:{hashlib.sha256(name.encode()).hexdigest()[:48]}"
    return Client(client_id, frozenset(Scope(word) for word in words if word in list(Scope)))
