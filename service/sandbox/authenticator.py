"""An authenticator in software, for trying passkeys out without a browser: it says that it verified its user."""

import hashlib
import json
import os
import struct
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from idproof.service.errors import ServiceProblem

_MOST = 100
"""Passkeys that are kept; the oldest goes first. Chosen by hand; no outside source."""
_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40  # flags: WebAuthn Level 3, section 6.1
_ID_BYTES, _AAGUID_BYTES = 20, 16


@dataclass
class _Key:
    """One passkey; counts its signatures."""

    party: str
    handle: str
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    count: int = 0


class SandboxAuthenticator:
    """Makes and uses passkeys as a browser with a platform authenticator would (forms of WebAuthn Level 3).

    Args:
        origin: that it signs for.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._keys: dict[str, _Key] = {}

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """Returns RegistrationResponseJSON for PublicKeyCredentialCreationOptionsJSON; raises `ServiceProblem`."""
        import cbor2

        try:
            key, challenge = _Key(str(options["rp"]["id"]), str(options["user"]["id"])), str(options["challenge"])
        except (KeyError, TypeError):
            raise _not_options() from None
        credential, point = os.urandom(_ID_BYTES), key.private.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (point.x, point.y))
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})  # EC2, ES256, P-256: RFC 9053, section 2.1
        made = bytes(_AAGUID_BYTES) + struct.pack(">H", len(credential)) + credential + public
        data = self._data(key, _PRESENT | _VERIFIED | _ATTESTED) + made
        statement = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        while len(self._keys) >= _MOST:
            self._keys.pop(next(iter(self._keys)))
        self._keys[_encode(credential)] = key
        client = self._client("webauthn.create", challenge)
        response = {"clientDataJSON": _encode(client), "attestationObject": _encode(statement)}
        return _answer(_encode(credential), response | {"transports": ["internal"]}, {"credProps": {"rk": True}})

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """Returns AuthenticationResponseJSON for PublicKeyCredentialRequestOptionsJSON; raises `ServiceProblem`."""
        try:
            party, challenge = str(options["rpId"]), str(options["challenge"])
            allowed = [str(entry["id"]) for entry in options.get("allowCredentials", [])]
        except (KeyError, TypeError):
            raise _not_options() from None
        fitting = [name for name, key in self._keys.items() if key.party == party and name in (allowed or [name])]
        if not fitting:
            raise ServiceProblem("request_invalid", "The sandbox's authenticator has no such passkey.")
        name = fitting[-1]
        key = self._keys[name]
        client, data = self._client("webauthn.get", challenge), self._data(key, _PRESENT | _VERIFIED)
        signature = key.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {"clientDataJSON": _encode(client), "authenticatorData": _encode(data)}
        return _answer(name, response | {"signature": _encode(signature), "userHandle": key.handle}, {})

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self._origin, "crossOrigin": False}).encode()

    @staticmethod
    def _data(key: _Key, flags: int) -> bytes:
        key.count += 1
        return hashlib.sha256(key.party.encode()).digest() + bytes([flags]) + struct.pack(">I", key.count)


def _answer(name: str, response: dict[str, Any], results: dict[str, Any]) -> dict[str, Any]:
    found = {"id": name, "rawId": name, "type": "public-key", "response": response}
    return found | {"clientExtensionResults": results, "authenticatorAttachment": "platform"}


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _not_options() -> ServiceProblem:
    return ServiceProblem("request_invalid", "Send public_key as a ceremony gives it.")
