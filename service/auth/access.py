"""Authentication and permission of every request to an endpoint that is not public."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
import structlog
from anyio.lowlevel import RunVar
from fastapi import Request
from starlette.requests import ClientDisconnect, HTTPConnection

from idproof.pipeline.errors import IdproofError
from idproof.service.auth.api_keys import PREFIX, ApiKeys
from idproof.service.auth.clients import ANYBODY, Client, Scope
from idproof.service.auth.quota import ALLOWANCE, Allowance, Quota
from idproof.service.auth.tokens import Tokens
from idproof.service.errors import ServiceProblem, StoreUnavailable
from idproof.service.http.connections import keep_connection
from idproof.service.http.draining import drain
from idproof.service.http.origins import host_name
from idproof.service.operations.networks import is_loopback
from idproof.service.operations.settings import Settings
from idproof.service.storage import Database

_UNKNOWN_AT_ONCE = 2
"""Credentials that this process has not admitted yet and that are looked up at once, on threads of their own: whoever
guesses keys waits for other guesses, and the threads of admitted clients stay free. Chosen by hand."""
_MOST_ADMITTED = 10_000  # hashes of credentials that are remembered as admitted, 32 bytes each. Chosen by hand.
_DRAIN_BYTES = 16 * 1024 * 1024  # of a refused body; less than from an authenticated client. Chosen by hand.
# Chosen by hand: longer than most outages, and few scrapers.
_CONFIRMED_S = 3600.0
_MOST_CONFIRMED = 16
_FORWARDED = (
    *("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port"),
    *("x-forwarded-server", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "cf-connecting-ip"),
)
"""Headers that proxies add (RFC 7239, RFC 9110 section 7.6.3, and customs): the request is somebody else's."""
_KEY_ID_LENGTH = 64  # longer than any id of a key; the rest of a made-up one is not kept
_MAX_TOKEN_LENGTH = 8192  # the usual limit of HTTP servers for one header

log = structlog.get_logger("idproof")


class AccessControl:
    """Authenticates clients and checks their scopes.

    Args:
        settings: whether anonymous clients are allowed, and the issuer of tokens.
        database: holds the API keys.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self.quota = Quota(settings.rate_per_minute, settings.client_concurrency)
        # Behind a proxy every request comes from a machine that the operator named, whoever sent it.
        closed = settings.production or settings.trusted_proxies or settings.oauth_issuer is not None
        self._anonymous_allowed = settings.anonymous and not closed
        self._api_keys = ApiKeys(database)
        self._tokens = None
        self._confirmed: dict[bytes, tuple[Client, float]] = {}
        self._admitted: OrderedDict[bytes, None] = OrderedDict()
        self._unknown: RunVar[anyio.CapacityLimiter] = RunVar(f"unknown credentials {id(self)}")
        if settings.oauth_issuer is not None:
            # `Settings` refuses an issuer without the other two.
            self._tokens = Tokens(
                settings.oauth_issuer,
                settings.oauth_audience or "",
                settings.oauth_jwks_url or "",
                settings.oauth_token_type,
            )

    def needs(self, scope: Scope, *, through_outage: bool = False) -> Callable[[Request], Awaitable[Client]]:
        """Returns a dependency that returns the client, if it has the scope.

        Args:
            scope: the permission.
            through_outage: while the database does not answer, a credential that it confirmed within `_CONFIRMED_S`
                seconds is accepted; for what must be readable just then, and says nothing about a person.

        Raises:
            ServiceProblem: `unauthenticated`, `forbidden` or `rate_limited`.
        """

        async def dependency(request: Request) -> Client:
            try:
                return await self._admit(request, scope, through_outage=through_outage)
            except IdproofError:
                with suppress(ClientDisconnect):
                    await drain(aiter(request.stream()), _DRAIN_BYTES)
                raise

        dependency.scope = scope  # type: ignore[attr-defined] # a test reads it from every route
        return dependency

    async def _admit(self, request: Request, scope: Scope, *, through_outage: bool) -> Client:
        credential = None
        try:
            credential = _credential(request)
            authenticate = self._authenticate_through_outage if through_outage else self._authenticate
            lane = self._lane(credential)
            client = await anyio.to_thread.run_sync(authenticate, credential, is_local(request), limiter=lane)
            self._remember(credential)
        except ServiceProblem:
            # Counted only now: a valid credential is accepted whoever else fails from its address.
            host = request.client.host if request.client is not None else ""
            self._count(request, self.quota.failed(host, _public_name(credential)))
            raise
        keep_connection(request.scope)
        self._count(request, self.quota.request(client.id))
        if scope not in client.scopes:
            raise ServiceProblem("forbidden", f"This needs the scope {scope}.")
        return client

    def _lane(self, credential: str | None) -> anyio.CapacityLimiter | None:
        """Returns the limit of the threads that look a credential up; None for the ordinary one.

        It says nothing about the credential, which is looked up on either.
        """
        if credential is not None and _hashed(credential) in self._admitted:
            return None
        limiter = self._unknown.get(None)
        if limiter is None:  # one per event loop: threads of another loop cannot wake those that wait here
            limiter = anyio.CapacityLimiter(_UNKNOWN_AT_ONCE)
            self._unknown.set(limiter)
        return limiter

    def _remember(self, credential: str | None) -> None:
        if credential is None:
            return
        self._admitted[_hashed(credential)] = None
        self._admitted.move_to_end(_hashed(credential))
        if len(self._admitted) > _MOST_ADMITTED:
            self._admitted.popitem(last=False)

    @staticmethod
    def _count(request: Request, allowance: Allowance) -> None:
        """Leaves the client's allowance for the answer's headers; raises `rate_limited` if it was used up."""
        setattr(request.state, ALLOWANCE, allowance)
        allowance.require()

    def _authenticate_through_outage(self, credential: str | None, local: bool) -> Client:
        name = _hashed(credential or "")
        try:
            client = self._authenticate(credential, local)
        except StoreUnavailable:
            confirmed = self._confirmed.get(name)
            if confirmed is None or time.monotonic() - confirmed[1] > _CONFIRMED_S:
                raise
            return confirmed[0]
        except ServiceProblem:
            self._confirmed.pop(name, None)  # revoked or expired
            raise
        if len(self._confirmed) >= _MOST_CONFIRMED:
            self._confirmed.clear()
        self._confirmed[name] = client, time.monotonic()
        return client

    def _authenticate(self, credential: str | None, local: bool) -> Client:
        if credential is None:
            if self._anonymous_allowed and local and not self._keys_exist():
                return ANYBODY
            raise _unauthenticated()
        found = None
        if credential.startswith(PREFIX):
            found = self._api_keys.find(credential)
        elif self._tokens is not None:
            found = self._tokens.find(credential)
        if found is None:
            raise _unauthenticated()
        return found

    def _keys_exist(self) -> bool:
        """Returns True once a key was made, also one that was revoked since; raises `StoreUnavailable`."""
        self._anonymous_allowed = not self._api_keys.any_exists()
        return not self._anonymous_allowed


def is_local(request: HTTPConnection) -> bool:
    """Returns True for a request that came from this machine, to a name of this machine, through no proxy."""
    client = request.client.host if request.client is not None else ""
    forwarded = any(name in request.headers for name in _FORWARDED)
    return is_loopback(client) and is_loopback(host_name(request.headers.get("host", ""))) and not forwarded


def _credential(request: Request) -> str | None:
    """Returns the token of `Authorization: Bearer` (RFC 6750) or the key of `X-API-Key`; None without either."""
    key = request.headers.get("x-api-key")
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if key is None and not kind:
        return None
    credential = key if key is not None else token.strip()
    if (key is None and kind.lower() != "bearer") or not credential or len(credential) > _MAX_TOKEN_LENGTH:
        raise _unauthenticated()
    return credential


def _public_name(credential: str | None) -> str | None:
    """Returns what tells failing credentials apart: the id of a key, whose secret somebody may guess, or a hash."""
    if credential is None:
        return None
    if credential.startswith(PREFIX):
        return credential.removeprefix(PREFIX).partition("_")[0][:_KEY_ID_LENGTH]
    return hashlib.sha256(credential.encode()).hexdigest()


def _hashed(credential: str) -> bytes:
    return hashlib.sha256(credential.encode()).digest()


def _unauthenticated() -> ServiceProblem:
    return ServiceProblem("unauthenticated", "Send an API key or a bearer token that is in force.")
