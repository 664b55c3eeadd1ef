"""An identity core that counts the events which a server delivers to it."""

import base64
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_SETTLE_S = 60
"""Seconds until an event that has not arrived counts as lost. Chosen by hand; no outside source."""


@dataclass
class IdentityCore:
    """Receives events over HTTP.

    Attributes:
        events: verdict id to the ids of the events about it.
    """

    events: dict[str, set[str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, token: bytes) -> str:
        """Stores one event; returns its id."""
        payload = token.split(b".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
        with self.lock:
            self.events.setdefault(claims["verification"], set()).add(claims["jti"])
        return str(claims["jti"])

    def wait_for(self, verdicts: Sequence[str]) -> None:
        """Waits until an event about every verdict arrived, at most a minute."""
        deadline = time.monotonic() + _SETTLE_S
        while not set(verdicts) <= self.events.keys() and time.monotonic() < deadline:
            time.sleep(0.1)

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Serves HTTP on a free port of 127.0.0.1; yields the address."""
        core = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                event = core.receive(self.rfile.read(int(self.headers["content-length"])))
                body = json.dumps({"received": event}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Logs nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
