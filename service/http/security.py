"""Middleware: security headers and the client's rate limit on every response, and none that shows an error's text."""

from collections.abc import Callable

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idproof.service.auth.quota import ALLOWANCE
from idproof.service.http.problems import internal

_POLICY = "Content-Security-Policy"
_CACHE = "Cache-Control"
_OWN = (_POLICY, _CACHE)  # a route that returns a page, or public data, sets its own
_HEADERS = {
    _CACHE: "no-store",
    _POLICY: "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_ONE_YEAR = "max-age=31536000"  # as recommended by the OWASP Secure Headers Project

log = structlog.get_logger("idproof")


class SecurityMiddleware:
    """Pure ASGI middleware, so that bodies stream through it.

    Args:
        app: the application.
        secure: the service is reached by TLS; adds `Strict-Transport-Security`.
        on_response: called with route, method and status of every response.
    """

    def __init__(
        self, app: ASGIApp, *, secure: bool = False, on_response: Callable[[str, str, int], None] = lambda *_: None
    ) -> None:
        self._on_response = on_response
        self._app = app
        self._headers = _HEADERS | ({"Strict-Transport-Security": _ONE_YEAR} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds the headers; answers an unexpected error with 500, without its text."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                route = getattr(scope.get("route"), "path", "none")
                self._on_response(route, scope["method"] if route != "none" else "any", message["status"])
                headers = MutableHeaders(scope=message)
                self._add_headers(headers)
                if (allowance := scope.get("state", {}).get(ALLOWANCE)) is not None:
                    headers.update(allowance.headers())
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001 - its text may hold personal data
            log.error(  # noqa: TRY400 - a traceback may hold personal data
                "unexpected",
                kind=type(error).__name__,
                # The route's pattern, not the path: a path holds what the client put there.
                route=getattr(scope.get("route"), "path", None),
            )
            if not started:
                await internal()(scope, receive, send_with_headers)

    def _add_headers(self, headers: MutableHeaders) -> None:
        for name, value in self._headers.items():
            if name not in _OWN or name not in headers:
                headers[name] = value
