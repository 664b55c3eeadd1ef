"""Forms of a request that HTTP requires of a server and the framework lacks: absolute targets, and HEAD.

Also refuses query parameters that no route reads: a misspelt `limit` would otherwise be taken for none.
"""

import re
from urllib.parse import unquote

from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idproof.service.errors import ServiceProblem
from idproof.service.http.request_faults import describe_fields, unknown_parameters

_VERSIONED = "/v1/"
WITHOUT_BODY = "idproof.without_body"
"""Name in a request's scope that is true for HEAD, which routes otherwise take for GET."""
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#]*)(/[^?#]*)?")


class RequestForms:
    """Pure ASGI middleware, so that bodies stream through it.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reduces an absolute target (RFC 9112, section 3.2.2) to its path; answers HEAD like GET, without a body."""
        if scope["type"] in ("http", "websocket"):
            scope = _with_origin_form(scope)
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self._app({**scope, "method": "GET", WITHOUT_BODY: True}, receive, send_without_body)


async def no_unknown_parameters(connection: HTTPConnection) -> None:
    """Raises `ServiceProblem` for query parameters of `/v1/` that the route does not read."""
    route = connection.scope.get("route")
    if not isinstance(route, APIRoute) or not route.path.startswith(_VERSIONED):
        return
    known = {str(field.alias) for field in route.dependant.query_params}
    unknown = sorted(set(connection.query_params) - known)
    if not unknown:
        return
    rule = f"Known are: {', '.join(sorted(known))}." if known else "This request has none."
    errors = unknown_parameters(unknown, f"There is no such parameter. {rule}")
    sentence = f"The request does not have the documented form: {describe_fields(errors)}. {errors[0].detail}"
    raise ServiceProblem("request_invalid", sentence, errors=errors)


def _with_origin_form(scope: Scope) -> Scope:
    raw = scope.get("raw_path") or scope["path"].encode()
    absolute = _ABSOLUTE.fullmatch(raw)
    if absolute is None:
        return scope
    authority, path = absolute.group(1), absolute.group(2) or b"/"
    changed = dict(scope) | {"raw_path": path, "path": unquote(path.decode("latin-1"))}
    headers = MutableHeaders(raw=list(scope["headers"]))
    headers["host"] = authority.decode("latin-1")
    return changed | {"headers": headers.raw}
