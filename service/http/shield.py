"""The outermost layer: security headers on every answer, and no error that tells more than it should."""

from collections.abc import Callable

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idproof.service.http.problems import internal

_POLICY = "Content-Security-Policy"  # a route that answers with a page names its own
_HEADERS = {
    "Cache-Control": "no-store",
    _POLICY: "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_ONE_YEAR = "max-age=31536000"
_PAGES = ("/docs", "/redoc")  # the framework's pages about the interface bring their own scripts

log = structlog.get_logger("idproof")


class Shield:
    """ASGI middleware (pure, so that bodies stream through it)."""

    def __init__(
        self, app: ASGIApp, *, secure: bool = False, answered: Callable[[str, str, int], None] = lambda *_: None
    ) -> None:
        self._answered = answered
        self._app = app
        self._headers = _HEADERS | ({"Strict-Transport-Security": _ONE_YEAR} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, add headers, and answer 500 without a word about why."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                route = getattr(scope.get("route"), "path", "none")
                self._answered(route, scope["method"] if route != "none" else "any", message["status"])
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    if name != _POLICY or not (scope["path"].startswith(_PAGES) or _POLICY in headers):
                        headers[name] = value
            await send(message)

        try:
            await self._app(scope, receive, guarded)
        except Exception as error:  # noqa: BLE001 - the last line: its text may hold what must not be told
            log.error(  # noqa: TRY400 - a traceback could show what must not be told
                "unexpected",
                kind=type(error).__name__,
                # The route's pattern, not the path: an address holds what its caller put there.
                route=getattr(scope.get("route"), "path", None),
            )
            if not started:
                await internal()(scope, receive, guarded)
