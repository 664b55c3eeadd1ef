"""An identity core that releases keys of face templates, as a reference: what `docs/peers.md` asks of a real one."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey

from idproof.pipeline.vault.split_templates import SUITE, TemplateOwner, core_public_key
from idproof.service.errors import SignatureInvalid
from idproof.service.face_templates.core import TYPE, from_text, release_info, to_text
from idproof.service.signing.jws import verify

_LONGEST_REQUEST = 16 * 1024  # bytes; chosen by hand, no outside source


class ReferenceCore:
    """Releases each key once per request, to who signed the request; safe to use from several threads.

    Args:
        jwks: returns the service's public keys.
        issuer: of the requests.
    """

    def __init__(self, jwks: Callable[[], dict[str, Any]], issuer: str = "idproof") -> None:
        self._jwks = jwks
        self._issuer = issuer
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._public = self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self._answered: dict[str, int] = {}
        self._revoked: set[str] = set()
        self._lock = threading.Lock()
        self.releases: list[str] = []

    @property
    def public_jwk(self) -> dict[str, Any]:
        """The key that templates are encrypted to, as the file of `IDPROOF_FACE_TEMPLATE_CORE_KEY` holds it."""
        return dict(ECKey.import_key(self._private.public_key()).as_dict(private=False))

    def revoke(self, verification: str) -> None:
        """Releases the keys of a verdict's templates never again."""
        with self._lock:
            self._revoked.add(verification)

    def release(self, request: str) -> tuple[int, dict[str, str]]:
        """Returns status and body of the answer: 200 with the key, 403, or 410 for what was revoked."""
        try:
            claims = verify(request, self._jwks(), TYPE)
            owner = TemplateOwner(claims["verification"], claims["registration"], claims["network"])
            check, recipient, wrapped = claims["jti"], from_text(claims["recipient"]), from_text(claims["key"])
            public, now = core_public_key(recipient), time.time()
            with self._lock:
                self._answered = {each: ends for each, ends in self._answered.items() if ends > now}
                usable = claims["iss"] == self._issuer and claims["exp"] > now and check not in self._answered
                if not usable or not check.startswith(claims["step_up"] + "."):
                    return 403, {}
                self._answered[check] = claims["exp"]
                if owner.verification in self._revoked:
                    return 410, {}
            key = SUITE.decrypt(wrapped, self._private, info=owner.info(self._public))
        except (SignatureInvalid, InvalidTag, ValueError, KeyError, TypeError, AttributeError):
            return 403, {}
        self.releases.append(check)
        return 200, {"key": to_text(SUITE.encrypt(key, public, info=release_info(check, recipient)))}


@contextmanager
def serve_core(core: ReferenceCore) -> Iterator[str]:
    """Serves a core on a free port of this machine; yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that the base class asks for
            size = min(int(self.headers.get("Content-Length", 0)), _LONGEST_REQUEST)
            status, body = core.release(self.rfile.read(size).decode("ascii", errors="replace"))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Writes nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/face-template-keys"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
