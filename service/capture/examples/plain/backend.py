"""A relying party's page and backend in one small program, for trying the component out.

Run it with `IDPROOF_URL=http://127.0.0.1:8000 IDPROOF_COMPONENT=…/idproof-capture.js python backend.py 8080`, and the
service with `IDPROOF_CAPTURE_ORIGINS=http://127.0.0.1:8080`. `IDPROOF_KEY` is an API key with the scopes `verify:write`
and `verdict:read`; a service that tries out needs none.
"""

import json
import os
import secrets
import sys
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

PAGE = Path(os.environ.get("IDPROOF_PAGE", Path(__file__).parent))
SERVICE = os.environ.get("IDPROOF_URL", "http://127.0.0.1:8000")
COMPONENT = Path(os.environ.get("IDPROOF_COMPONENT", "node_modules/idproof-capture/dist/idproof-capture.js"))
FILES = {
    "/": (PAGE / "index.html", "text/html; charset=utf-8"),
    "/page.js": (PAGE / "page.js", "text/javascript; charset=utf-8"),
    "/page.css": (PAGE / "page.css", "text/css; charset=utf-8"),
    "/idproof-capture.js": (COMPONENT, "text/javascript; charset=utf-8"),
}
# The component requests its recordings from the folder `voices` beside itself.
for file in (COMPONENT.parent / "voices").rglob("*.*"):
    kind = "application/json" if file.suffix == ".json" else "audio/mpeg"
    FILES[f"/{file.relative_to(COMPONENT.parent).as_posix()}"] = (file, kind)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    f"connect-src 'self' {SERVICE.replace('http', 'ws', 1)}; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
TOKENS: dict[str, str] = {}
"""Ids of capture tokens by the visitor's session; a real backend has a database."""


class Page(BaseHTTPRequestHandler):
    """The page, its token and its outcome."""

    def do_GET(self) -> None:
        """Sends a file, or what became of the visitor's registration."""
        if self.path == "/outcome":
            self._send(json.dumps({"outcome": self._outcome()}).encode(), "application/json")
        elif self.path in FILES:
            file, kind = FILES[self.path]
            self._send(file.read_bytes(), kind)
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        """Makes a capture token for the visitor."""
        if self.path != "/capture-token":
            self.send_error(404)
            return
        origin = f"http://{self.headers['Host']}"
        made = asked("POST", "/v1/capture-tokens", {"origin": origin, "reference": "order-17"})
        visitor = secrets.token_urlsafe(16)
        TOKENS[visitor] = made["id"]
        body = json.dumps({"token": made["token"], "service": SERVICE}).encode()
        self._send(body, "application/json", f"visitor={visitor}; HttpOnly; SameSite=Strict")

    def _outcome(self) -> str:
        visitor = SimpleCookie(self.headers.get("Cookie", "")).get("visitor")
        token = TOKENS.get(visitor.value if visitor else "")
        if token is None:
            return "unknown"
        found = asked("GET", f"/v1/capture-tokens/{token}")
        if found["state"] != "done":
            return str(found["state"])
        return str(asked("GET", f"/v1/verifications/{found['verification']}")["decision"])

    def _send(self, body: bytes, kind: str, cookie: str | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Permissions-Policy", "camera=(self)")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        if cookie is not None:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Logs nothing."""


def asked(method: str, path: str, body: dict[str, str] | None = None) -> Any:
    """Returns the service's answer."""
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("IDPROOF_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(SERVICE + path, data, headers, method=method)) as answer:  # noqa: S310 - the operator's own service
        return json.load(answer)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
