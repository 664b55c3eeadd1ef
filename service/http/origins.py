"""Host, origin and content type of each request, checked before anything else is.

A page of another site can make a visitor's browser send requests to this service, with the visitor's place in the
network and, on the visitor's own machine, without a key. Such a page can name this service by a host of its own (DNS
rebinding), sends the header `Origin`, and without asking first sends only the content types of HTML forms.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from idproof.service.http import problems
from idproof.service.http.body_limits import takes_captures
from idproof.service.operations.networks import is_loopback

_STATE = ("/healthz", "/readyz")
"""Asked by orchestrators under the address of the machine; they tell nothing of the host's visitors."""
_FORMS = re.compile(r"/v1/(credential-issuance/token|presentation-requests/[^/]+(/response)?)")
"""Paths to which wallets send forms, as OAuth 2.0 has it. They carry secrets that no other page knows."""
STREAM = "/v1/stream"
"""The WebSocket that pages of others may open with a capture token."""
FROM_OTHER_ORIGIN = "idproof.from_other_origin"
"""Member of a WebSocket's scope: it comes from a page of one of these origins."""
_SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")  # RFC 9110, section 9.2.1
_TYPES = ("application/json", "application/jwt")
"""None of the types that a browser sends to another site without asking it (Fetch standard, section 2.2.2)."""


class CheckedOrigins:
    """Pure ASGI middleware.

    Args:
        app: the application.
        hosts: names under which clients reach the service; those of the machine itself always count. None for any.
        capturing: origins of the pages of others that may open a stream; the stream takes only capture tokens of them.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], capturing: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._capturing = frozenset(capturing)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers with `host_unknown`, `origin_foreign` or `content_type_unsupported`."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope, Headers(scope=scope))
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})  # before it was accepted: 403
        else:
            await problems.problem(*refusal)(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[str, str] | None:
        host = headers.get("host", "")
        if scope["path"] not in _STATE and not self._is_known(host):
            return "host_unknown", "The service is not reached under this name."
        checked = scope["type"] == "websocket" or scope["method"] not in _SAFE
        if checked and not self._is_own(headers, host) and not self._may_stream(scope, headers):
            return "origin_foreign", "Pages of other sites may not send this request."
        own_types = takes_captures("POST", scope["path"]) or _FORMS.fullmatch(scope["path"])
        if scope["type"] == "http" and scope["method"] == "POST" and not own_types and _is_form(headers):
            return "content_type_unsupported", "The body of this request is application/json."
        return None

    def _is_known(self, host: str) -> bool:
        name = host_name(host)
        return not self._hosts or name in self._hosts or is_loopback(name)

    def _may_stream(self, scope: Scope, headers: Headers) -> bool:
        """Returns True for the stream of a page that the operator lets capture, and notes that in the scope."""
        if scope["type"] != "websocket" or scope["path"] != STREAM or headers.get("origin") not in self._capturing:
            return False
        scope[FROM_OTHER_ORIGIN] = True
        return True

    def _is_own(self, headers: Headers, host: str) -> bool:
        """Returns True for a request from a page of this service, or from no page at all."""
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site") != "cross-site"
        try:
            where = urlsplit(origin)
        except ValueError:  # such as a bracket that is not closed
            return False
        return where.scheme in ("http", "https") and (
            where.netloc.lower() == host.lower() or host_name(where.netloc) in self._hosts
        )


def host_name(host: str) -> str:
    """Returns a host without its port, in lower case; an IPv6 address without its brackets.

    Example:
        >>> host_name("[::1]:8000")
        '::1'
    """
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].rstrip(".").lower()


def _is_form(headers: Headers) -> bool:
    """Returns True for a body, or the announcement of one, whose type is none that the routes read."""
    kind = headers.get("content-type")
    if kind is None:
        return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    essence = kind.partition(";")[0].strip().lower()
    return essence not in _TYPES and not essence.endswith("+json")
