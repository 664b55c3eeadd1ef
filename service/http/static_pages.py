"""Pages of HTML, CSS and JavaScript modules that lie in the folder `static/` of a package, without a build step.

The policy (Content Security Policy Level 3) allows only scripts, styles, texts, fonts and connections of this service,
and nothing inline. No other page may embed one of these pages.
"""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import Response

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
_MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "otf": "font/otf",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "mp3": "audio/mpeg",
    "woff2": "font/woff2",
}


class StaticPages:
    """The files of one package's `static/` and of the folders in it, each sent with the same headers."""

    def __init__(
        self, package: str, *, camera: bool, policy: str = POLICY, more: Mapping[str, Traversable] | None = None
    ) -> None:
        """Lists every file that may be served, by name; a request for any other path finds nothing.

        Args:
            package: name of the package that has the folder.
            camera: whether the pages may use the camera.
            policy: the pages' Content Security Policy.
            more: files from elsewhere, by the name that they are served under.
        """
        self._files = dict(_listed(files(package) / "static")) | dict(more or {})
        self._headers = {
            "Content-Security-Policy": policy,
            "Permissions-Policy": f"camera=({'self' if camera else ''}), microphone=(), geolocation=(), "
            "display-capture=(), payment=(), usb=()",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }

    def respond(self, name: str) -> Response:
        """Returns a file by its name, or the problem `not_found`."""
        if (entry := self._files.get(name)) is None:
            return problems.problem("not_found", "There is no such file.")
        media_type = _MEDIA_TYPES[name.rpartition(".")[2]]
        return Response(entry.read_bytes(), media_type=media_type, headers=self._headers)


def _listed(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    """Yields every file in a folder and in the folders within it, with its path from there."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _listed(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry
