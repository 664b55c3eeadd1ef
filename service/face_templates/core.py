"""Requests to the identity core for the key of one template, for one check of one step-up.

`docs/peers.md` has the contract; `reference_core` is a core that keeps it.
"""

import hashlib
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from idproof.pipeline.vault.split_templates import SUITE, TemplateOwner, core_public_key
from idproof.service.errors import CoreKeyUnusable, ServiceProblem
from idproof.service.operations.settings import Settings
from idproof.service.operations.tls import client_context
from idproof.service.records.circuit_breaker import CircuitBreaker, CircuitBreakerError
from idproof.service.signing.jws import sign_claims
from idproof.service.signing.keys import KeyRing

TYPE = "face-template-key-request+jwt"
REQUEST_S = 60
"""Seconds for which a request may be answered. Chosen by hand: it is sent at once."""
# As those of the records (`service/records/remote.py`): an applicant waits.
_TIMEOUT = httpx.Timeout(4.0, connect=2.0)
_ANSWER_S = 8.0
"""Seconds for a whole answer, however slowly it arrives: connection, and one wait for the beginning and one for the
rest. Chosen by hand; no outside source."""
_FAILURES, _OPEN_S = 5, 30.0
_LONGEST_ANSWER = 16 * 1024
"""Bytes; the documented answer has less than one kilobyte. Chosen by hand; no outside source."""
log = structlog.get_logger("idproof")


class _UnusableAnswer(Exception):
    """The answer is not as documented."""


class KeyRevoked(Exception):
    """The core will release this key never again."""


@dataclass(frozen=True, slots=True, repr=False)
class KeyRequest:
    """Request to the core for the key of one template.

    Attributes:
        id: of the check, never the same twice.
        step_up: its id.
        client: relying party of the step-up.
        text_sha256: of the transaction's text.
        passkey: that removed the outer layer.
        owner: of the template.
        key: encrypted to the core (`ProtectedTemplate.key`).
    """

    id: str
    step_up: str
    client: str
    text_sha256: str
    passkey: str
    owner: TemplateOwner
    key: bytes


class KeyReleases:
    """Asks the core for keys. Safe to use from several threads.

    A request is never repeated: the core answers each id once.

    Args:
        client: sends the requests.
        url: of the core.
        keys: sign the requests.
        issuer: of the requests.
    """

    def __init__(self, client: httpx.Client, url: str, keys: KeyRing, issuer: str) -> None:
        self._client = client
        self._url = url
        self._keys = keys
        self._issuer = issuer
        self._breaker = CircuitBreaker(_FAILURES, _OPEN_S, (httpx.HTTPError, _UnusableAnswer))

    @classmethod
    def open(cls, settings: Settings, keys: KeyRing) -> Self:
        """Opens a client with the settings' address and certificates; raises `SettingsInvalid`."""
        trust = client_context(settings.peers_ca, settings.peers_cert, settings.peers_key)
        client = httpx.Client(timeout=_TIMEOUT, verify=trust, follow_redirects=False)
        return cls(client, settings.face_template_core_url or "", keys, settings.issuer)

    def ask(self, wanted: KeyRequest) -> bytearray:
        """Returns the key of a template.

        The answer is encrypted to a key that exists for this request alone, so that a copy of it opens nothing later.

        Raises:
            KeyRevoked: the core will not release it again.
            ServiceProblem: `face_template_core_unavailable`, or `face_template_refused`.
        """
        private = ec.generate_private_key(ec.SECP256R1())
        recipient = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        try:
            with self._breaker.calling():
                sealed = self._post(self._signed(wanted, recipient))
        except (CircuitBreakerError, httpx.HTTPError, _UnusableAnswer) as error:
            log.warning("core unavailable", kind=type(error).__name__)
            raise ServiceProblem("face_template_core_unavailable", "The identity core does not answer.") from None
        if sealed is None:
            raise ServiceProblem("face_template_refused", "The identity core does not release the template's key.")
        try:
            return bytearray(SUITE.decrypt(sealed, private, info=release_info(wanted.id, recipient)))
        except (InvalidTag, ValueError):
            raise ServiceProblem("face_template_refused", "The identity core's key does not open.") from None

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _signed(self, wanted: KeyRequest, recipient: bytes) -> str:
        claims: dict[str, Any] = {
            "jti": wanted.id,
            "exp": int(time.time()) + REQUEST_S,
            "step_up": wanted.step_up,
            "client": wanted.client,
            "text_sha256": wanted.text_sha256,
            "passkey": wanted.passkey,
            "verification": wanted.owner.verification,
            "registration": wanted.owner.registration,
            "network": wanted.owner.network,
            "key": to_text(wanted.key),
            "recipient": to_text(recipient),
        }
        return sign_claims(claims, self._keys.current, self._issuer, TYPE)

    def _post(self, request: str) -> bytes | None:
        """Returns the encrypted key; None if the core refuses. Raises `KeyRevoked`, `_UnusableAnswer`."""
        headers, ends_at = {"Content-Type": "application/jwt"}, time.monotonic() + _ANSWER_S
        with self._client.stream("POST", self._url, content=request, headers=headers) as answer:
            if answer.status_code == httpx.codes.GONE:
                raise KeyRevoked
            if answer.status_code == httpx.codes.FORBIDDEN:
                return None
            body = b""
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > _LONGEST_ANSWER or time.monotonic() > ends_at:
                    raise _UnusableAnswer
        if answer.status_code != httpx.codes.OK:
            raise _UnusableAnswer
        try:
            return from_text(json.loads(body)["key"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise _UnusableAnswer from None


def release_info(request: str, recipient: bytes) -> bytes:
    """Returns the `info` of HPKE of an answer: it opens for this request and this recipient alone."""
    return b"idproof face template release 1\0" + request.encode() + b"\0" + hashlib.sha256(recipient).digest()


def load_core_key(path: Path) -> bytes:
    """Returns the uncompressed point of a file with one public JWK on P-256; raises `CoreKeyUnusable`.

    A private key is refused: whoever has this service would have the core's half.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if "d" in data:
            raise CoreKeyUnusable(f"{path.name} holds the core's private key, which only the core may have.")
        key = ECKey.import_key(data)
        point = key.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        core_public_key(point)  # ValueError on another curve
    except (OSError, ValueError, KeyError, TypeError, AttributeError, JoseError):
        raise CoreKeyUnusable(f"{path.name} does not hold a public key on P-256 as a JWK.") from None
    return point


def to_text(data: bytes) -> str:
    """Encodes as base64url without padding."""
    return urlsafe_b64encode(data).decode().rstrip("=")


def from_text(text: str) -> bytes:
    """Decodes base64url without padding."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
