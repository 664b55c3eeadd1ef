"""A device whose hardware attested its key signs its sessions: with chains of our own making, and against forgeries."""

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier
from stream_server import StreamVerifier, capture_everything, enroll, stream_server, with_device

from idproof.pipeline.assurance import CaptureLevel
from idproof.service.attestation.statements import Attestation, AttestedKey, session_challenge
from idproof.service.errors import AttestationRefused
from idproof.service.operations.data_folder import open_verdicts_and_audit
from idproof.service.operations.settings import Settings
from idproof.service.registrations import attestations
from idproof.service.storage.attested_keys import AttestedKeys
from idproof.service.stream.simulator.device import Device, DeviceProblem

pytest.importorskip("webauthn", reason="needs the extra attestation")
import cbor2
from pyasn1.codec.der.encoder import encode
from webauthn.helpers.asn1.android_key import KeyDescription

ORIGIN = "https://idproof.example"
PARTY = hashlib.sha256(b"idproof.example").digest()
PRESENT, ATTESTED = 0x01, 0x40  # flags of authenticator data: WebAuthn Level 2, section 6.1
KEY_DESCRIPTION = ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")


def base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def certificate(
    subject: str, key: Any, issuer: str, issuer_key: Any, extension: bytes | None = None, *, authority: bool = False
) -> x509.Certificate:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
    made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
    made = made.add_extension(x509.BasicConstraints(authority, None), critical=True)
    if extension is not None:
        made = made.add_extension(x509.UnrecognizedExtension(KEY_DESCRIPTION, extension), critical=False)
    return made.sign(issuer_key, hashes.SHA256())


@dataclass
class Maker:
    """A maker of hardware, with a root of its own."""

    root_key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self.root = certificate("Root", self.root_key, "Root", self.root_key, authority=True)

    def roots(self, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        (folder / "android-key.pem").write_bytes(self.root.public_bytes(Encoding.PEM))
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

    def statement(self, challenge: bytes, *, generated: bool = True, origin: str = ORIGIN) -> str:
        data = self._client_data("webauthn.create", challenge, origin)
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        authenticator = PARTY + bytes([PRESENT | ATTESTED]) + bytes(4) + bytes(16)
        authenticator += len(self.credential).to_bytes(2, "big") + self.credential + cbor2.dumps(public)
        hashed = hashlib.sha256(data).digest()
        description = self._description(hashed, generated=generated)
        leaf = certificate("Key", self.key, "Root", self.maker.root_key, description)
        chain = [each.public_bytes(Encoding.DER) for each in (leaf, self.maker.root)]
        signature = self.key.sign(authenticator + hashed, ec.ECDSA(hashes.SHA256()))
        attested = {"fmt": "android-key", "attStmt": {"alg": -7, "sig": signature, "x5c": chain}}
        attested |= {"authData": authenticator}
        response = {"clientDataJSON": base64(data), "attestationObject": base64(cbor2.dumps(attested))}
        return json.dumps(self._credential(response))

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
    def _description(challenge: bytes, *, generated: bool) -> bytes:
        made = KeyDescription()
        made["attestationVersion"], made["keymasterVersion"] = 3, 4
        made["attestationSecurityLevel"] = made["keymasterSecurityLevel"] = 1
        made["attestationChallenge"], made["uniqueId"] = challenge, b""
        made["softwareEnforced"]["noAuthRequired"] = ""
        made["teeEnforced"]["purpose"].append(2)
        made["teeEnforced"]["origin"] = 0 if generated else 2
        return bytes(encode(made))


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def attestation(maker: Maker, tmp_path: Path) -> Attestation:
    return Attestation.open(ORIGIN, maker.roots(tmp_path / "roots"))


def test_a_statement_gives_the_key_and_the_key_signs(maker: Maker, attestation: Attestation) -> None:
    hardware = Hardware(maker)
    key = attestation.enrolled_key(hardware.statement(b"c" * 32), b"c" * 32)
    assert (key.format, key.credential) == ("android-key", b"credential-1")
    assert attestation.new_sign_count(key, hardware.signature(b"s" * 32), b"s" * 32) == 1


def test_a_statement_that_does_not_hold_is_refused(maker: Maker, attestation: Attestation) -> None:
    hardware, challenge = Hardware(maker), b"c" * 32
    good = json.loads(hardware.statement(challenge))
    broken = good | {"response": good["response"] | {"attestationObject": good["response"]["attestationObject"][:-8]}}
    for statement in (
        hardware.statement(b"d" * 32),
        hardware.statement(challenge, generated=False),
        hardware.statement(challenge, origin="https://elsewhere.example"),
        Hardware(Maker()).statement(challenge),
        json.dumps(broken),
        "{}",
        "no JSON",
    ):
        with pytest.raises(AttestationRefused):
            attestation.enrolled_key(statement, challenge)


def test_without_a_format_s_root_nothing_is_attested(maker: Maker, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for origin, folder in ((None, maker.roots(tmp_path / "roots")), (ORIGIN, None), (ORIGIN, empty)):
        with pytest.raises(AttestationRefused, match="No device can be attested"):
            Attestation.open(origin, folder)
    (empty / "tpm.pem").write_bytes(b"nothing")
    with pytest.raises(AttestationRefused, match=r"tpm\.pem"):
        Attestation.open(ORIGIN, empty)
    (empty / "tpm.pem").write_bytes(maker.root.public_bytes(Encoding.PEM))
    with pytest.raises(AttestationRefused):
        Attestation.open(ORIGIN, empty).enrolled_key(Hardware(maker).statement(b"c"), b"c")


def test_a_signature_that_does_not_hold_is_refused(maker: Maker, attestation: Attestation) -> None:
    hardware = Hardware(maker)
    key = attestation.enrolled_key(hardware.statement(b"c"), b"c")
    other = Hardware(maker, credential=b"credential-2")
    used = hardware.signature(b"s")
    forged = Hardware(maker).signature(b"s")
    late = AttestedKey(key.credential, key.public_key, key.format, sign_count=5)
    for known, signature, challenge in (
        (key, used, b"t"),
        (key, forged, b"s"),
        (key, other.signature(b"s"), b"s"),
        (key, hardware.signature(b"s", origin="https://elsewhere.example"), b"s"),
        (late, used, b"s"),
        (key, {}, b"s"),
    ):
        with pytest.raises(AttestationRefused):
            attestation.new_sign_count(known, signature, challenge)


def test_the_challenge_of_a_session_depends_on_its_nonce_and_all_its_frames() -> None:
    assert len({session_challenge(nonce, tag) for nonce in (b"n", b"m") for tag in (b"s", b"t")}) == 4


def test_a_session_of_an_attested_device_is_signed_or_refused(
    tmp_path: Path, maker: Maker, attestation: Attestation, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path, attestation_origin=ORIGIN, attestation_roots=tmp_path / "roots")
    verifier, hardware = StreamVerifier(), Hardware(maker)

    async def register(device: Device) -> list[str]:
        """Tries every way to finish; returns what the server says to each."""
        await device.start()
        await capture_everything(device)
        assert device.chain is not None
        challenge = session_challenge(device.chain.nonce, device.chain.tag)
        said = []
        for signature in (None, Hardware(maker).signature(challenge), hardware.signature(b"another session")):
            await device.send({"type": "finish"} | ({} if signature is None else {"attestation": signature}))
            with pytest.raises(DeviceProblem) as caught:
                await device.receive("verdict")
            said.append(caught.value.code)
        await device.send({"type": "finish", "attestation": hardware.signature(challenge)})
        said.append((await device.receive("verdict"))["type"])
        return said

    async def plain(device: Device) -> None:
        await device.start()
        await capture_everything(device)
        await device.send({"type": "finish"})
        await device.receive("verdict")

    with stream_server(settings, verifier, monkeypatch) as url:
        key, other = enroll(tmp_path), enroll(tmp_path)
        store, audit = open_verdicts_and_audit(tmp_path)
        keys, kiosk = AttestedKeys(store.database, store.seal), key.split("_")[1]
        with pytest.raises(AttestationRefused):  # the challenge of another device
            attestations.enroll(
                keys, audit, attestation, kiosk, hardware.statement(keys.challenges(other.split("_")[1])[0])
            )
        attestations.enroll(keys, audit, attestation, kiosk, hardware.statement(keys.challenges(kiosk)[0]))
        assert '"device_attested"' in settings.audit_log.read_text()
        assert with_device(url, key, register) == ["attestation_invalid"] * 3 + ["verdict"]
        with_device(url, other, plain)
    assert [origin.level for origin in verifier.origins] == [CaptureLevel.ATTESTED, CaptureLevel.DEVICE]
