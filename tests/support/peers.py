"""The service's peers as small real servers: the identity core, and the issuing department's records."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jws
from joserfc.jwk import KeySet

Reply = tuple[int, bytes]
_POLL_S = 0.02  # after which a server sees that it is to stop; half a second by default, at the end of many tests


class Peer:
    """Answers every POST with what `reply` makes of it; `trouble` may answer instead."""

    def __init__(self, port: int = 0) -> None:
        peer = self
        self.trouble: Callable[[], Reply | None] = lambda: None
        self.attempts = 0
        self.path = "/"
        self._lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                with peer._lock:
                    peer.attempts += 1
                answer = peer.trouble()
                if answer is None:
                    with peer._lock:
                        peer.path = self.path
                        answer = peer.reply(body)
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])

            def log_message(self, *_: object) -> None: ...

            def handle(self) -> None:
                with suppress(OSError):  # the other side was killed
                    super().handle()

        class Server(ThreadingHTTPServer):
            request_queue_size = 64
            daemon_threads = True

            def handle_error(self, *_: object) -> None: ...

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}/"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(_POLL_S,), daemon=True)
        self._thread.start()

    def reply(self, body: bytes) -> Reply:
        raise NotImplementedError

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


class IdentityCore(Peer):
    """Keeps events by id, as the contract asks: the same id again is acknowledged and changes nothing."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.events: dict[str, dict[str, Any]] = {}
        self.order: list[dict[str, Any]] = []
        self.changed = 0
        self.tokens: list[str] = []

    def reply(self, body: bytes) -> Reply:
        token = body.decode()
        claims = json.loads(jws.extract_compact(body).payload)
        event = claims["jti"]
        known = self.events.get(event)
        if known is None:
            self.events[event] = claims
            self.order.append(claims)
            self.tokens.append(token)
        elif {**known, "iat": 0} != {**claims, "iat": 0}:
            self.changed += 1
        return 200, json.dumps({"received": event}).encode()

    def verified(self, jwks: dict[str, Any]) -> None:
        """Every event was signed by one of these keys."""
        for token in self.tokens:
            jws.deserialize_compact(token, KeySet.import_key_set(jwks), algorithms=["EdDSA"])  # type: ignore[arg-type]

    def verdicts(self) -> list[str]:
        """Ids of the verdicts that arrived, one for each event."""
        return [claims["verification"] for claims in self.order]


class Records(Peer):
    """Answers about cards as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = {"status": "match"}
        self.picture: bytes | None = None

    def reply(self, body: bytes) -> Reply:
        self.asked.append(json.loads(body)["card"])
        if self.path == "/portrait":
            return (404, b"") if self.picture is None else (200, self.picture)
        return 200, json.dumps(self.answer).encode()


@contextmanager
def running(peer: Peer) -> Iterator[Any]:
    try:
        yield peer
    finally:
        peer.stop()


def slow(seconds: float) -> Callable[[], Reply | None]:
    def trouble() -> Reply | None:
        time.sleep(seconds)
        return None

    return trouble
