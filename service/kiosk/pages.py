"""Routes `/kiosk` and `/kiosk/operators`: the HTML, CSS and JavaScript modules of `static/`, without a build step.

The policy (Content Security Policy Level 3) allows only scripts, styles, texts, fonts and connections of this service,
and nothing inline. The camera may be used by this page, and no other page may embed it.
"""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import FastAPI, Response

from idproof.service.http import problems

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_PERMISSIONS = "camera=(self), microphone=(), geolocation=(), display-capture=(), payment=(), usb=()"
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": _PERMISSIONS,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "otf": "font/otf",
    "svg": "image/svg+xml",
}
_FONT = "font.otf"


def install(app: FastAPI) -> None:
    """Add the two pages and their files to the application."""

    @app.get("/kiosk", include_in_schema=False)
    async def kiosk() -> Response:
        """Returns the applicant's page."""
        return _file_response("index.html")

    @app.get("/kiosk/operators", include_in_schema=False)
    async def operators() -> Response:
        """Returns the operators' page, which requests its data with the operator's own key."""
        return _file_response("operators.html")

    @app.get("/kiosk/static/{name:path}", include_in_schema=False)
    async def static(name: str) -> Response:
        """Returns one file of the pages."""
        return _file_response(name) if name in _files() else problems.problem("not_found", "There is no such file.")


def _file_response(name: str) -> Response:
    return Response(_files()[name].read_bytes(), media_type=_MEDIA_TYPES[name.rpartition(".")[2]], headers=_HEADERS)


@cache
def _files() -> dict[str, Traversable]:
    """Returns every file that may be served, by name; a request for any other path finds nothing."""
    root = files("idproof.service.kiosk") / "static"
    listed = {entry.name: entry for entry in root.iterdir() if entry.is_file()}
    listed |= {f"texts/{entry.name}": entry for entry in (root / "texts").iterdir() if entry.is_file()}
    # The typeface of the specimens, for a machine that has none for Chinese.
    return listed | {_FONT: files("pylopdf_fonts_zh_tw") / "NotoSansTC-Regular.otf"}
