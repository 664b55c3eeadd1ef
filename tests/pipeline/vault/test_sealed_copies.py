"""Copies open with a recipient's private key, each once, and nothing else opens them; destroyed ones are zeros."""

import gc
from collections.abc import Iterator

import numpy as np
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from idproof.pipeline import Limits, Role, Vault
from idproof.pipeline.errors import CaptureMissing, SessionExpired
from idproof.pipeline.vault import VaultSession
from idproof.pipeline.vault.sealed_copies import Recipient, SealedCopies, TakenCopies

SUITE = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
PICTURES = {role.value: np.random.default_rng(i).bytes(5000 + i) for i, role in enumerate(Role)}
PRIVATE = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


RECIPIENTS = [Recipient(f"rvw_{i}", point(key)) for i, key in enumerate(PRIVATE)]


@pytest.fixture
def session() -> Iterator[VaultSession]:
    with Vault(Limits()).open() as held:
        for role, data in PICTURES.items():
            held.receive(role).write(data)
        yield held


def opened(taken: TakenCopies, private: ec.EllipticCurvePrivateKey) -> dict[str, bytes]:
    cipher = AESGCM(SUITE.decrypt(taken.key, private, info=taken.info))
    return {role: cipher.decrypt(data[:12], data[12:], role.encode()) for role, data in taken.pictures.items()}


def test_each_recipient_opens_the_pictures_and_nobody_else_does(session: VaultSession) -> None:
    copies = SealedCopies.seal(session, RECIPIENTS[:2], "ver_1", views=2)
    session.wipe()
    for i in range(2):
        taken = copies.take(f"rvw_{i}")
        assert taken is not None
        assert opened(taken, PRIVATE[i]) == PICTURES
        assert b"ver_1" in taken.info
        with pytest.raises(InvalidTag):
            SUITE.decrypt(taken.key, PRIVATE[2], info=taken.info)
        with pytest.raises(InvalidTag):
            SUITE.decrypt(taken.key, PRIVATE[i], info=taken.info.replace(b"ver_1", b"ver_2"))


def test_each_takes_once_and_the_last_view_destroys(session: VaultSession) -> None:
    copies = SealedCopies.seal(session, RECIPIENTS, "ver_1", views=2)
    assert copies.size == sum(len(data) + 28 for data in PICTURES.values())
    assert copies.take("rvw_9") is None
    assert copies.take("rvw_0") is not None
    assert copies.take("rvw_0") is None
    assert not copies.destroyed
    assert copies.take("rvw_1") is not None
    assert (copies.destroyed, copies.size, copies.take("rvw_2")) == (True, 0, None)
    receipt = copies.destroy()
    assert (receipt.kind, receipt.count, receipt.roles) == ("sealed_copy", 4, tuple(sorted(PICTURES)))
    assert receipt.bytes == sum(len(data) + 28 for data in PICTURES.values())
    assert copies.destroy() is receipt


def test_destroyed_copies_are_overwritten(session: VaultSession) -> None:
    copies = SealedCopies.seal(session, RECIPIENTS, "ver_1")
    pages = list(copies._pictures.values())
    assert all(page.any() for page in pages)
    copies.destroy()
    assert not any(page.any() for page in pages)
    assert copies.take("rvw_0") is None


def test_nothing_plain_and_no_key_is_kept(session: VaultSession) -> None:
    copies = SealedCopies.seal(session, RECIPIENTS, "ver_1")
    taken = copies.take("rvw_0")
    assert taken is not None
    key = SUITE.decrypt(taken.key, PRIVATE[0], info=taken.info)
    held = [value for value in vars(copies).values() if isinstance(value, bytes | bytearray | np.ndarray)]
    assert held == []
    for role, data in taken.pictures.items():
        assert PICTURES[role][:64] not in data
    assert not any(key in entry for pair in copies._keys.values() for entry in pair)
    assert PICTURES["selfie"][:8].hex() not in repr(copies) + repr(taken)
    gc.collect()


def test_a_missing_or_deleted_capture_leaves_no_copy(session: VaultSession) -> None:
    session.discard("selfie")
    with pytest.raises(CaptureMissing):
        SealedCopies.seal(session, RECIPIENTS, "ver_1")
    session.wipe()
    with pytest.raises(SessionExpired):
        SealedCopies.seal(session, RECIPIENTS, "ver_1")


@given(st.binary(max_size=80))
def test_arbitrary_bytes_are_no_public_key(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"point|curve|Invalid"):
        Recipient("rvw_0", data)


def test_a_point_off_the_curve_is_no_public_key() -> None:
    with pytest.raises(ValueError, match=r"."):
        Recipient("rvw_0", b"\x04" + b"\x01" * 64)


def test_the_fingerprint_is_short_and_differs() -> None:
    found = {each.fingerprint for each in RECIPIENTS}
    assert len(found) == 3
    assert all(len(text) == 39 for text in found)
