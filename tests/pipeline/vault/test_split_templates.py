"""A protected template opens with the core's key for its own owner alone, and comes back bit by bit."""

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from idproof.pipeline import Limits
from idproof.pipeline.errors import SealBroken, SessionExpired
from idproof.pipeline.vault import Vault, VaultSession
from idproof.pipeline.vault.face_templates import FaceTemplates, put_templates
from idproof.pipeline.vault.kinds import ENROLLED_TEMPLATE, TEMPLATE
from idproof.pipeline.vault.split_templates import (
    SUITE,
    WRAPPED_KEY_BYTES,
    ProtectedTemplate,
    TemplateOwner,
    open_template,
    protect_template,
)

OWNER = TemplateOwner("ver_1", "reg_1", "ab" * 32)
PRIVATE, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
FACE = np.random.default_rng(7).standard_normal((1, 128)).astype(np.float32)


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@pytest.fixture
def session() -> Iterator[VaultSession]:
    with Vault(Limits()).open() as held:
        put_templates(held, FaceTemplates(np.ones((1, 128), np.float32), np.ones((1, 128), np.float32), FACE.copy()))
        yield held


def released(protected: ProtectedTemplate, private: Any = PRIVATE, owner: TemplateOwner = OWNER) -> bytearray:
    return bytearray(SUITE.decrypt(protected.key, private, info=owner.info(point(PRIVATE))))


def opened(protected: ProtectedTemplate, key: bytearray, owner: TemplateOwner = OWNER) -> np.ndarray:
    with Vault(Limits()).open() as session:
        open_template(session, protected, key, owner)
        with session.borrow(TEMPLATE, ENROLLED_TEMPLATE) as template:
            return np.array(template)


def test_it_comes_back_bit_by_bit_and_the_released_key_is_overwritten(session: VaultSession) -> None:
    protected = ProtectedTemplate.unpack(protect_template(session, point(PRIVATE), OWNER).pack())
    key = released(protected)
    assert opened(protected, key).tobytes() == FACE.tobytes()
    assert not any(key)


def test_neither_the_plain_template_nor_its_key_is_in_the_stored_form(session: VaultSession) -> None:
    protected = protect_template(session, point(PRIVATE), OWNER)
    packed, plain = protected.pack(), FACE.tobytes()
    assert len(packed) == WRAPPED_KEY_BYTES + 12 + 512 + 16
    assert not any(plain[i : i + 8] in packed for i in range(0, len(plain), 8))
    assert bytes(released(protected)) not in packed


def test_another_key_of_the_core_opens_nothing(session: VaultSession) -> None:
    protected = protect_template(session, point(PRIVATE), OWNER)
    with pytest.raises(InvalidTag):
        released(protected, OTHER)
    with pytest.raises(SealBroken):
        opened(protected, bytearray(os.urandom(32)))


@pytest.mark.parametrize("change", [{"verification": "ver_2"}, {"registration": None}, {"network": "cd" * 32}])
def test_it_opens_for_no_other_owner(session: VaultSession, change: dict[str, Any]) -> None:
    protected, other = protect_template(session, point(PRIVATE), OWNER), replace(OWNER, **change)
    with pytest.raises(InvalidTag):
        released(protected, owner=other)
    with pytest.raises(SealBroken):
        opened(protected, released(protected), other)


def test_no_two_owners_are_bound_alike() -> None:
    assert TemplateOwner("a", "b", "c").encode() != TemplateOwner("a", None, "bc").encode()


@given(place=st.integers(0, WRAPPED_KEY_BYTES + 539), bit=st.integers(0, 7))
def test_a_changed_bit_anywhere_opens_nothing(place: int, bit: int) -> None:
    with Vault(Limits()).open() as session:
        put_templates(session, FaceTemplates(np.ones((1, 128), np.float32), np.ones((1, 128), np.float32), FACE.copy()))
        packed = bytearray(protect_template(session, point(PRIVATE), OWNER).pack())
    packed[place] ^= 1 << bit
    changed = ProtectedTemplate.unpack(bytes(packed))
    with pytest.raises((InvalidTag, SealBroken, ValueError)):
        opened(changed, released(changed))


@pytest.mark.parametrize("length", [0, 1, 27, 28, 30, 31])
def test_a_form_of_another_length_opens_nothing(length: int) -> None:
    with pytest.raises(SealBroken):
        opened(ProtectedTemplate(b"", bytes(length)), bytearray(32))


def test_without_a_template_or_after_the_wipe_nothing_is_protected(session: VaultSession) -> None:
    with Vault(Limits()).open() as empty, pytest.raises(KeyError):
        protect_template(empty, point(PRIVATE), OWNER)
    session.wipe()
    with pytest.raises(SessionExpired):
        protect_template(session, point(PRIVATE), OWNER)


def test_a_point_off_the_curve_is_no_key(session: VaultSession) -> None:
    for wrong in (b"", bytes(65), b"\x04" + bytes(63) + b"\x01"):
        with pytest.raises(ValueError, match=r"point|EC key"):
            protect_template(session, wrong, OWNER)


def test_the_receipt_counts_the_opened_template(session: VaultSession) -> None:
    protected = protect_template(session, point(PRIVATE), OWNER)
    with Vault(Limits()).open() as other:
        open_template(other, protected, released(protected), OWNER)
        (entry,) = other.wipe().wiped
    assert (entry.kind, entry.roles, entry.bytes) == (TEMPLATE, (ENROLLED_TEMPLATE,), 512)
