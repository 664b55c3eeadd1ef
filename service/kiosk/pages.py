"""`/kiosk` and `/kiosk/operators`: plain HTML, CSS and JavaScript modules as they lie in `static/`, without a build.

The policy allows scripts, styles, words and fonts of this service alone, nothing inline, and connections to nowhere
else; the camera may be used by this page and by none that it could be put into.
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
_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "otf": "font/otf",
    "svg": "image/svg+xml",
}
_FONT = "font.otf"


def install(app: FastAPI) -> None:
    """Add the two pages and their files."""

    @app.get("/kiosk", include_in_schema=False)
    async def kiosk() -> Response:
        """The applicant's page."""
        return _answer("index.html")

    @app.get("/kiosk/operators", include_in_schema=False)
    async def operators() -> Response:
        """The operators' page; what it shows it asks for with the operator's own key."""
        return _answer("operators.html")

    @app.get("/kiosk/static/{name:path}", include_in_schema=False)
    async def static(name: str) -> Response:
        """One file of the pages."""
        return _answer(name) if name in _table() else problems.problem("not_found", "There is no such file.")


def _answer(name: str) -> Response:
    return Response(_table()[name].read_bytes(), media_type=_TYPES[name.rpartition(".")[2]], headers=_HEADERS)


@cache
def _table() -> dict[str, Traversable]:
    """Every file that may be asked for, by name: what is not listed here is not reached, whatever its path."""
    root = files("idproof.service.kiosk") / "static"
    listed = {entry.name: entry for entry in root.iterdir() if entry.is_file()}
    listed |= {f"texts/{entry.name}": entry for entry in (root / "texts").iterdir() if entry.is_file()}
    # Chinese on a machine that has no typeface for it: the one that the specimens are printed with.
    return listed | {_FONT: files("pylopdf_fonts_zh_tw") / "NotoSansTC-Regular.otf"}
