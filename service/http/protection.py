"""The middleware of every application of the service, in its order."""

from collections.abc import Callable

from fastapi import FastAPI
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from idproof.service.http.body_limits import BoundedBodies
from idproof.service.http.origins import CheckedOrigins
from idproof.service.http.request_ids import RequestIds
from idproof.service.http.requests import RequestForms
from idproof.service.http.security import SecurityMiddleware
from idproof.service.operations.settings import Settings


def install(app: FastAPI, settings: Settings, max_bytes: int, on_response: Callable[[str, str, int], None]) -> None:
    """Adds the middleware.

    Args:
        app: the application.
        settings: of the operator.
        max_bytes: of the body of a request without captures.
        on_response: called with route, method and status of every response.
    """
    # These two are within the next, which adds its headers to their refusals.
    app.add_middleware(BoundedBodies, max_bytes=max_bytes)
    app.add_middleware(CheckedOrigins, hosts=settings.host_names, capturing=settings.capture_origin_list)
    app.add_middleware(
        SecurityMiddleware,
        secure=settings.tls_cert is not None or settings.tls_by_proxy,
        on_response=on_response,
    )
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=settings.trusted_proxies)
    app.add_middleware(RequestForms)  # so that everything within sees the usual form of a request
    app.add_middleware(RequestIds)  # outermost, so that every answer has one
