"""The door of every endpoint that is not public."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
import structlog
from fastapi import Request
from starlette.requests import ClientDisconnect

from idproof.pipeline.errors import IdproofError
from idproof.service.auth.api_keys import PREFIX, ApiKeys
from idproof.service.auth.clients import ANYBODY, Client, Scope
from idproof.service.auth.quota import Quota
from idproof.service.auth.tokens import Tokens
from idproof.service.errors import ServiceProblem
from idproof.service.http.uploads import drain
from idproof.service.operations.settings import Settings
from idproof.service.storage import Database

_DRAIN_BYTES = 16 * 1024 * 1024
_LONGEST = 8192

log = structlog.get_logger("idproof")


class Gate:
    """Tells who is asking, and lets in who may.

    Args:
        settings: whether anybody may come in without a key, and whose tokens hold.
        database: of the API keys.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self.quota = Quota(settings.rate_per_minute, settings.client_concurrency)
        self._open = settings.anonymous and not settings.production
        self._api_keys = ApiKeys(database)
        self._tokens = None
        if settings.oauth_issuer is not None:
            # The settings see to it that all three are there.
            self._tokens = Tokens(settings.oauth_issuer, settings.oauth_audience or "", settings.oauth_jwks_url or "")

    def needs(self, scope: Scope) -> Callable[[Request], Awaitable[Client]]:
        """A dependency that gives the client, if it has the scope.

        Raises:
            ServiceProblem: `unauthenticated`, `forbidden` or `rate_limited`.
        """

        async def dependency(request: Request) -> Client:
            try:
                return await self._admit(request, scope)
            except IdproofError:
                with suppress(ClientDisconnect):
                    await drain(aiter(request.stream()), _DRAIN_BYTES)
                raise

        dependency.scope = scope  # type: ignore[attr-defined] # a test asks every route for it
        return dependency

    async def _admit(self, request: Request, scope: Scope) -> Client:
        host = request.client.host if request.client is not None else ""
        self.quota.address(host)
        try:
            client = await anyio.to_thread.run_sync(self._find, _presented(request), scope)
        except ServiceProblem:
            self.quota.failed(host)
            raise
        self.quota.request(client.id)
        return client

    def _find(self, presented: str | None, scope: Scope) -> Client:
        client = self._who(presented)
        if scope not in client.scopes:
            raise ServiceProblem("forbidden", f"This needs the scope {scope}.")
        return client

    def _who(self, presented: str | None) -> Client:
        if presented is None:
            if self._open:
                return ANYBODY
            raise _unauthenticated()
        found = None
        if presented.startswith(PREFIX):
            found = self._api_keys.find(presented)
        elif self._tokens is not None:
            found = self._tokens.find(presented)
        if found is None:
            raise _unauthenticated()
        return found


def _presented(request: Request) -> str | None:
    """The token of `Authorization: Bearer` (RFC 6750), or the key of `X-API-Key`."""
    key = request.headers.get("x-api-key")
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if key is None and not kind:
        return None
    presented = key if key is not None else token.strip()
    if (key is None and kind.lower() != "bearer") or not presented or len(presented) > _LONGEST:
        raise _unauthenticated()
    return presented


def _unauthenticated() -> ServiceProblem:
    return ServiceProblem("unauthenticated", "Send an API key or a bearer token that is in force.")
