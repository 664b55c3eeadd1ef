"""The page `/docs`: Swagger UI with every file from this server, so that a reader's browser asks no other host."""

from collections.abc import AsyncIterator
from functools import cache
from importlib.resources import files

from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse

from idproof.service.http import problems

_PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>idproof</title>
<link rel="icon" href="/docs/files/favicon.png">
<link rel="stylesheet" href="/docs/files/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/files/swagger-ui-bundle.js"></script>
<script src="/docs/files/start.js"></script>
</body>
</html>
"""
_START = b'SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui", validatorUrl: null });\n'
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # Swagger UI sets style attributes
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_MEDIA_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "png": "image/png"}
_PIECE_BYTES = 32 * 1024  # half of what uvicorn buffers before it waits for the client
_VENDORED = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")


def install(app: FastAPI) -> None:
    """Adds the page and its files to the application."""

    @app.get("/docs", include_in_schema=False)
    async def page() -> Response:
        """Returns the page."""
        return Response(_PAGE, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": _POLICY})

    @app.get("/docs/files/{name}", include_in_schema=False)
    def file(name: str) -> Response:
        """Returns one file of the page."""
        if name == "start.js":
            return Response(_START, media_type=_MEDIA_TYPES["js"])
        if name not in _VENDORED:
            return problems.problem("not_found", "There is no such file.")
        return _in_pieces(_vendored(name), _MEDIA_TYPES[name.rpartition(".")[2]])


def _in_pieces(data: bytes, media_type: str) -> Response:
    """Returns an answer that is written piece by piece: a client that does not read holds one piece in memory."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(data), _PIECE_BYTES):
            yield data[start : start + _PIECE_BYTES]

    return StreamingResponse(pieces(), media_type=media_type, headers={"Content-Length": str(len(data))})


@cache
def _vendored(name: str) -> bytes:
    return (files("fastapi_offline") / "static" / name).read_bytes()
