"""A device whose hardware attested its key signs its sessions: with chains of our own making, and against forgeries."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
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
from attested_hardware import ORIGIN, AppleHardware, Hardware, Maker, TpmHardware


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def attestation(maker: Maker, tmp_path: Path) -> Attestation:
    return Attestation.open(ORIGIN, maker.roots(tmp_path / "roots", "android-key"))


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


@pytest.mark.parametrize(
    ("system", "sentence"),
    [
        ({"level": 0}, "kept by software"),
        ({"locked": False}, "not its maker's"),
        ({"boot": 1}, "not its maker's"),
        ({"boot": 2}, "not its maker's"),
        ({"boot": None}, "not its maker's"),
    ],
)
def test_a_telephone_whose_system_can_replace_the_camera_is_refused(
    maker: Maker, attestation: Attestation, system: dict[str, Any], sentence: str
) -> None:
    """Its chain is in order: only the description of its key says so."""
    with pytest.raises(AttestationRefused, match=sentence):
        attestation.enrolled_key(Hardware(maker).statement(b"c", **system), b"c")


@pytest.mark.parametrize(("kind", "made"), [("apple", AppleHardware), ("tpm", TpmHardware)])
def test_other_hardware_is_attested_by_the_operators_roots_alone(
    tmp_path: Path, maker: Maker, kind: str, made: type[Hardware]
) -> None:
    known = Attestation.open(ORIGIN, maker.roots(tmp_path / "known", kind))
    hardware, challenge = made(maker), b"c" * 32
    key = known.enrolled_key(hardware.statement(challenge), challenge)
    assert (key.format, key.credential) == (kind, b"credential-1")
    assert known.new_sign_count(key, hardware.signature(b"s"), b"s") == 1
    others = made(Maker())
    for statement in (
        others.statement(challenge),  # another root
        hardware.statement(b"d" * 32),
        hardware.statement(challenge, certified=others.key),  # the statement is about another key
    ):
        with pytest.raises(AttestationRefused):
            known.enrolled_key(statement, challenge)
    unknown = Attestation.open(ORIGIN, maker.roots(tmp_path / "unknown", "android-key"))
    with pytest.raises(AttestationRefused):
        unknown.enrolled_key(hardware.statement(challenge), challenge)


def test_a_tpm_s_key_that_may_not_attest_is_refused(tmp_path: Path, maker: Maker) -> None:
    known = Attestation.open(ORIGIN, maker.roots(tmp_path / "known", "tpm"))
    with pytest.raises(AttestationRefused):
        known.enrolled_key(TpmHardware(maker).statement(b"c", attests=False), b"c")


def test_without_a_format_s_root_nothing_is_attested(maker: Maker, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for origin, folder in ((None, maker.roots(tmp_path / "roots", "android-key")), (ORIGIN, None), (ORIGIN, empty)):
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
                keys,
                audit,
                attestation,
                kiosk,
                hardware.statement(keys.challenges(other.split("_")[1])[0]),
                by="operator",
            )
        attestations.enroll(
            keys, audit, attestation, kiosk, hardware.statement(keys.challenges(kiosk)[0]), by="operator"
        )
        assert '"device_attested"' in settings.audit_log.read_text()
        assert with_device(url, key, register) == ["attestation_invalid"] * 3 + ["verdict"]
        with_device(url, other, plain)
    assert [origin.level for origin in verifier.origins] == [CaptureLevel.ATTESTED, CaptureLevel.DEVICE]
