"""Authenticators and browsers in software, made of fido2's data types, and accepted verdicts to bind passkeys to."""

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from fido2.cose import ES256
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

ORIGIN = "https://login.idproof.example"
PARTY = "idproof.example"
FLAG = AuthenticatorData.FLAG
AAGUID = bytes.fromhex("f8a011f38c0a4d15800617111f9edc7d")


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Maker:
    """A maker of authenticators with a root of its own."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self.root = self._certificate("Maker root", "Maker root", self.key.public_key(), ca=True)
        self.batch = ec.generate_private_key(ec.SECP256R1())
        self.leaf = self._certificate("Maker batch", "Maker root", self.batch.public_key(), ca=False)

    def pem(self) -> bytes:
        return self.root.public_bytes(Encoding.PEM)

    def statement(self, signed: bytes) -> dict[str, Any]:
        """A packed statement (WebAuthn, section 8.2)."""
        signature = self.batch.sign(signed, ec.ECDSA(hashes.SHA256()))
        return {"alg": -7, "sig": signature, "x5c": [self.leaf.public_bytes(Encoding.DER)]}

    def _certificate(self, subject: str, issuer: str, key: Any, *, ca: bool) -> x509.Certificate:
        def name(common: str) -> x509.Name:
            parts = [
                (NameOID.COUNTRY_NAME, "HK"),
                (NameOID.ORGANIZATION_NAME, "Maker"),
                (NameOID.ORGANIZATIONAL_UNIT_NAME, "Authenticator Attestation"),
                (NameOID.COMMON_NAME, common),
            ]
            return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])

        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(issuer))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        return builder.sign(self.key, hashes.SHA256())


@dataclass
class Authenticator:
    """One authenticator with one passkey, and the browser before it. Members are what a test changes.

    Attributes:
        origin: of the page.
        flags: besides those that a ceremony needs.
        count: of signatures; None for one that does not count.
        maker: attests the key; None for the statement `none`.
        prf: secret of the extension `prf`; None for an authenticator without it.
    """

    origin: str = ORIGIN
    party: str = PARTY
    flags: FLAG = FLAG.UP | FLAG.UV
    count: int | None = 0
    maker: Maker | None = None
    cross_origin: bool = False
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential: bytes = field(default_factory=lambda: os.urandom(20))
    handle: bytes | None = None
    names_account: bool = True
    prf: bytes | None = None

    def create(self, options: dict[str, Any], **more: Any) -> dict[str, Any]:
        """`navigator.credentials.create`."""
        self.handle = unb64(options["user"]["id"])
        client = self._client("webauthn.create", options["challenge"], more)
        public = ES256.from_cryptography_key(self.key.public_key())
        made = AttestedCredentialData.create(AAGUID, self.credential, public)
        data = AuthenticatorData.create(self._party_hash(), self.flags | FLAG.AT, self._next_count(), made)
        statement = {} if self.maker is None else self.maker.statement(bytes(data) + client.hash)
        attested = AttestationObject.create("none" if self.maker is None else "packed", data, statement)
        answer = {"clientDataJSON": b64(bytes(client)), "attestationObject": b64(bytes(attested))}
        results: dict[str, Any] = {"credProps": {"rk": True}}
        if "prf" in options.get("extensions", {}):
            results["prf"] = {"enabled": self.prf is not None}
        return self._answer(answer | {"transports": ["internal"]}, results)

    def get(self, options: dict[str, Any], **more: Any) -> dict[str, Any]:
        """`navigator.credentials.get`."""
        client = self._client("webauthn.get", options["challenge"], more)
        data = AuthenticatorData.create(self._party_hash(), self.flags, self._next_count())
        signature = self.key.sign(bytes(data) + client.hash, ec.ECDSA(hashes.SHA256()))
        answer = {
            "clientDataJSON": b64(bytes(client)),
            "authenticatorData": b64(bytes(data)),
            "signature": b64(signature),
        }
        if self.names_account and self.handle is not None:
            answer["userHandle"] = b64(self.handle)
        asked = options.get("extensions", {}).get("prf")
        if self.prf is None or asked is None:
            return self._answer(answer, {})
        given = hmac.digest(self.prf, b"WebAuthn PRF\0" + unb64(asked["eval"]["first"]), "sha256")
        return self._answer(answer, {"prf": {"results": {"first": b64(given)}}})

    def _client(self, kind: str, challenge: str, more: dict[str, Any]) -> CollectedClientData:
        told = {"origin": self.origin, "cross_origin": self.cross_origin} | more
        return CollectedClientData.create(kind, told.pop("challenge", challenge), **told)

    def _answer(self, response: dict[str, Any], results: dict[str, Any]) -> dict[str, Any]:
        name = b64(self.credential)
        kind = {"type": "public-key", "clientExtensionResults": results, "authenticatorAttachment": "platform"}
        return {"id": name, "rawId": name, "response": response} | kind

    def _party_hash(self) -> bytes:
        return sha256(self.party.encode()).digest()

    def _next_count(self) -> int:
        if self.count is None:
            return 0
        self.count += 1
        return self.count
