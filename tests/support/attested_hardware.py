"""Hardware that attests to its keys, with chains of our own making: an Android telephone, an Apple device, a TPM."""

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier
from pyasn1.codec.der.encoder import encode
from webauthn.helpers.asn1.android_key import KeyDescription

ORIGIN = "https://idproof.example"
PARTY = hashlib.sha256(b"idproof.example").digest()
PRESENT, ATTESTED = 0x01, 0x40  # flags of authenticator data: WebAuthn Level 2, section 6.1
KEY_DESCRIPTION = ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")
APPLE_NONCE = ObjectIdentifier("1.2.840.113635.100.8.2")
TCG = "2.23.133"
AIK = x509.ExtendedKeyUsage([ObjectIdentifier(f"{TCG}.8.3")])


def base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def certificate(
    subject: str, key: Any, issuer_key: Any, *extensions: x509.ExtensionType, authority: bool = False
) -> x509.Certificate:
    """A certificate of "Root", with an empty subject where `subject` is empty."""

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])

    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name("Root"))
    made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
    made = made.add_extension(x509.BasicConstraints(authority, None), critical=True)
    for extension in extensions:
        # TPM certificates with an empty subject mark their names as critical (RFC 5280, section 4.2.1.6).
        named = isinstance(extension, x509.SubjectAlternativeName)
        made = made.add_extension(extension, critical=named and not subject)
    return made.sign(issuer_key, hashes.SHA256())


@dataclass
class Maker:
    """A maker of hardware, with a root of its own."""

    root_key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self.root = certificate("Root", self.root_key, self.root_key, authority=True)

    def roots(self, folder: Path, *formats: str) -> Path:
        folder.mkdir(exist_ok=True)
        for name in formats:
            (folder / f"{name}.pem").write_bytes(self.root.public_bytes(Encoding.PEM))
        return folder


@dataclass
class Hardware:
    """Keeps one key, and answers challenges as an Android telephone's hardware does."""

    maker: Maker
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential: bytes = b"credential-1"
    count: int = 0

    def _client_data(self, kind: str, challenge: bytes, origin: str = ORIGIN) -> bytes:
        return json.dumps({"type": kind, "challenge": base64(challenge), "origin": origin}).encode()

    def statement(self, challenge: bytes, origin: str = ORIGIN, **system: Any) -> str:
        data = self._client_data("webauthn.create", challenge, origin)
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        authenticator = PARTY + bytes([PRESENT | ATTESTED]) + bytes(4) + bytes(16)
        authenticator += len(self.credential).to_bytes(2, "big") + self.credential + cbor2.dumps(public)
        hashed = hashlib.sha256(data).digest()
        attested = self._attested(authenticator, hashed, **system) | {"authData": authenticator}
        response = {"clientDataJSON": base64(data), "attestationObject": base64(cbor2.dumps(attested))}
        return json.dumps(self._credential(response))

    def _attested(self, authenticator: bytes, hashed: bytes, **system: Any) -> dict[str, Any]:
        described = x509.UnrecognizedExtension(KEY_DESCRIPTION, self._description(hashed, **system))
        chain = self._chain(certificate("Key", self.key, self.maker.root_key, described))
        signature = self.key.sign(authenticator + hashed, ec.ECDSA(hashes.SHA256()))
        return {"fmt": "android-key", "attStmt": {"alg": -7, "sig": signature, "x5c": chain}}

    def _chain(self, leaf: x509.Certificate) -> list[bytes]:
        return [each.public_bytes(Encoding.DER) for each in (leaf, self.maker.root)]

    def signature(self, challenge: bytes, origin: str = ORIGIN) -> dict[str, Any]:
        self.count += 1
        data = self._client_data("webauthn.get", challenge, origin)
        authenticator = PARTY + bytes([PRESENT]) + self.count.to_bytes(4, "big")
        signed = self.key.sign(authenticator + hashlib.sha256(data).digest(), ec.ECDSA(hashes.SHA256()))
        response = {"clientDataJSON": base64(data), "authenticatorData": base64(authenticator)}
        return self._credential(response | {"signature": base64(signed)})

    def _credential(self, response: dict[str, str]) -> dict[str, Any]:
        name = base64(self.credential)
        return {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}

    @staticmethod
    def _description(
        challenge: bytes, *, generated: bool = True, level: int = 1, locked: bool = True, boot: int | None = 0
    ) -> bytes:
        made = KeyDescription()
        made["attestationVersion"], made["keymasterVersion"] = 3, 4
        made["attestationSecurityLevel"] = made["keymasterSecurityLevel"] = level
        made["attestationChallenge"], made["uniqueId"] = challenge, b""
        made["softwareEnforced"]["noAuthRequired"] = ""
        made["teeEnforced"]["purpose"].append(2)
        made["teeEnforced"]["origin"] = 0 if generated else 2
        if boot is not None:
            started = made["teeEnforced"]["rootOfTrust"]
            started["verifiedBootKey"] = started["verifiedBootHash"] = bytes(32)
            started["deviceLocked"], started["verifiedBootState"] = locked, boot
        return bytes(encode(made))


@dataclass
class AppleHardware(Hardware):
    """As an Apple device does (WebAuthn Level 2, section 8.8): the certificate names the hash of what is attested."""

    def _attested(self, authenticator: bytes, hashed: bytes, **system: Any) -> dict[str, Any]:
        nonce = hashlib.sha256(authenticator + hashed).digest()
        extension = x509.UnrecognizedExtension(APPLE_NONCE, bytes.fromhex("3024a1220420") + nonce)
        key = system.get("certified", self.key)
        return {
            "fmt": "apple",
            "attStmt": {"x5c": self._chain(certificate("Key", key, self.maker.root_key, extension))},
        }


@dataclass
class TpmHardware(Hardware):
    """As a TPM does (WebAuthn Level 2, section 8.3): an attestation key certifies the name of the credential's key."""

    attesting: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def _attested(self, authenticator: bytes, hashed: bytes, **system: Any) -> dict[str, Any]:
        area = self._area(system.get("certified", self.key))
        information = self._information(authenticator + hashed, area)
        names = x509.Name(
            [
                x509.NameAttribute(ObjectIdentifier(f"{TCG}.2.{place}"), text)
                for place, text in ((1, "id:494E5443"), (2, "model"), (3, "id:0001"))
            ]
        )
        leaf = certificate(
            "",
            self.attesting,
            self.maker.root_key,
            x509.SubjectAlternativeName([x509.DirectoryName(names)]),
            AIK if system.get("attests", True) else x509.ExtendedKeyUsage([ObjectIdentifier(f"{TCG}.8.1")]),
        )
        signature = self.attesting.sign(information, ec.ECDSA(hashes.SHA256()))
        statement = {"ver": "2.0", "alg": -7, "x5c": self._chain(leaf), "sig": signature}
        return {"fmt": "tpm", "attStmt": statement | {"certInfo": information, "pubArea": area}}

    @staticmethod
    def _area(key: Any) -> bytes:
        """TPMT_PUBLIC of a P-256 key, named by SHA-256."""
        numbers = key.public_key().public_numbers()
        point = b"".join(_sized(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        return bytes.fromhex("0023000b00060472") + _sized(b"") + bytes.fromhex("0010001000030010") + point

    @staticmethod
    def _information(attested: bytes, area: bytes) -> bytes:
        """TPMS_ATTEST that certifies a public area."""
        name = bytes.fromhex("000b") + hashlib.sha256(area).digest()
        extra = hashlib.sha256(attested).digest()
        clock_and_firmware = bytes(17) + bytes(8)
        head = bytes.fromhex("ff5443478017") + _sized(b"") + _sized(extra)
        return head + clock_and_firmware + _sized(name) + _sized(b"")


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data
