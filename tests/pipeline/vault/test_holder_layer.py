"""The table of `docs/passkeys.md` of who opens a kept template: everybody who misses one of the three opens nothing."""

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from idproof.pipeline import Limits
from idproof.pipeline.errors import SealBroken
from idproof.pipeline.vault import Vault, VaultSession
from idproof.pipeline.vault.face_templates import FaceTemplates, put_templates
from idproof.pipeline.vault.holder_layer import SECRET_BYTES, add_holder_layer, remove_holder_layer
from idproof.pipeline.vault.kinds import ENROLLED_TEMPLATE, TEMPLATE
from idproof.pipeline.vault.split_templates import (
    SUITE,
    WRAPPED_KEY_BYTES,
    ProtectedTemplate,
    TemplateOwner,
    open_template,
    protect_template,
)

OWNER, PASSKEY = TemplateOwner("ver_1", "reg_1", "ab" * 32), "pk_1"
CORE, OTHER_CORE = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
SECRET = bytes(range(SECRET_BYTES))
FACE = np.random.default_rng(7).standard_normal((1, 128)).astype(np.float32)
STORED_BYTES = 713
PIECE = 8  # bytes: so many equal ones at once do not come by chance


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@pytest.fixture
def session() -> Iterator[VaultSession]:
    with Vault(Limits()).open() as held:
        put_templates(held, FaceTemplates(np.ones((1, 128), np.float32), np.ones((1, 128), np.float32), FACE.copy()))
        yield held


@pytest.fixture
def inner(session: VaultSession) -> ProtectedTemplate:
    return protect_template(session, point(CORE), OWNER)


@pytest.fixture
def stored(inner: ProtectedTemplate) -> bytes:
    return add_holder_layer(inner, bytearray(SECRET), PASSKEY, OWNER)


def released(protected: ProtectedTemplate, private: Any = CORE) -> bytearray:
    return bytearray(SUITE.decrypt(protected.key, private, info=OWNER.info(point(CORE))))


def opened(protected: ProtectedTemplate, key: bytearray) -> bytes:
    with Vault(Limits()).open() as session:
        open_template(session, protected, key, OWNER)
        with session.borrow(TEMPLATE, ENROLLED_TEMPLATE) as template:
            return template.tobytes()


def places(stored: bytes) -> Iterator[ProtectedTemplate]:
    """Every place at which a protected template could begin."""
    for place in range(len(stored) - WRAPPED_KEY_BYTES):
        yield ProtectedTemplate.unpack(stored[place:])


def pieces(data: bytes) -> set[bytes]:
    return {data[place : place + PIECE] for place in range(len(data) - PIECE + 1)}


def test_all_three_together_open_it_bit_by_bit(stored: bytes) -> None:
    protected = remove_holder_layer(stored, bytearray(SECRET), PASSKEY, OWNER)
    assert opened(protected, released(protected)) == FACE.tobytes()


def test_whoever_has_the_database_finds_nothing_of_either_layer(stored: bytes, inner: ProtectedTemplate) -> None:
    assert len(stored) == STORED_BYTES
    within = pieces(inner.pack()) | pieces(FACE.tobytes()) | pieces(SECRET) | pieces(bytes(released(inner)))
    assert not within & pieces(stored)


def test_database_and_core_open_nothing(stored: bytes) -> None:
    for protected in places(stored):
        with pytest.raises((InvalidTag, ValueError)):
            released(protected)


def test_database_and_passkey_open_nothing(stored: bytes, inner: ProtectedTemplate) -> None:
    protected = remove_holder_layer(stored, bytearray(SECRET), PASSKEY, OWNER)
    assert not pieces(FACE.tobytes()) & pieces(protected.pack())
    with pytest.raises(InvalidTag):
        released(protected, OTHER_CORE)
    for key in (SECRET, protected.key[-48:-16], os.urandom(32)):
        with pytest.raises(SealBroken):
            opened(protected, bytearray(key))
    assert protected.pack() == inner.pack()


@pytest.mark.parametrize("secret", [bytes(32), SECRET[::-1], SECRET[:31] + b"\x00"], ids=["zeros", "reversed", "last"])
def test_another_passkeys_output_opens_nothing(stored: bytes, secret: bytes) -> None:
    with pytest.raises(SealBroken):
        remove_holder_layer(stored, bytearray(secret), PASSKEY, OWNER)


@pytest.mark.parametrize("change", [{"verification": "ver_2"}, {"registration": None}, {"network": "cd" * 32}])
def test_it_opens_for_no_other_passkey_and_no_other_owner(stored: bytes, change: dict[str, Any]) -> None:
    for passkey, owner in ((PASSKEY + "0", OWNER), (PASSKEY, replace(OWNER, **change))):
        with pytest.raises(SealBroken):
            remove_holder_layer(stored, bytearray(SECRET), passkey, owner)


def test_two_forms_of_one_template_under_the_same_keys_share_no_piece(session: VaultSession) -> None:
    """Salts, nonces, encapsulated keys and ciphertexts: each is new, under either layer."""
    inner = [protect_template(session, point(CORE), OWNER) for _ in range(2)]
    outer = [add_holder_layer(each, bytearray(SECRET), PASSKEY, OWNER) for each in inner]
    again = add_holder_layer(inner[0], bytearray(SECRET), PASSKEY, OWNER)
    assert not pieces(inner[0].pack()) & pieces(inner[1].pack())
    assert not pieces(outer[0]) & pieces(outer[1])
    assert not pieces(outer[0]) & pieces(again)
    assert released(inner[0]) != released(inner[1])


def test_neither_layer_is_a_key_stream_that_repeats(session: VaultSession) -> None:
    """The difference of two forms is not that of what they encrypt."""
    inner = [protect_template(session, point(CORE), OWNER).pack() for _ in range(2)]
    outer = [add_holder_layer(ProtectedTemplate.unpack(each), bytearray(SECRET), PASSKEY, OWNER) for each in inner]
    of_inner, of_outer = (np.frombuffer(a, np.uint8) ^ np.frombuffer(b, np.uint8) for a, b in (inner, outer))
    start = STORED_BYTES - 16 - len(inner[0])
    assert not np.array_equal(of_inner, of_outer[start : start + len(inner[0])])
    assert of_inner[WRAPPED_KEY_BYTES + 12 : -16].any(), "one template under two keys"


@pytest.mark.parametrize("length", [0, 31, 33])
def test_the_secret_is_overwritten_also_where_it_is_of_no_use(
    stored: bytes, inner: ProtectedTemplate, length: int
) -> None:
    short = bytearray(b"\x01" * length)
    with pytest.raises(ValueError, match="32 bytes"):
        add_holder_layer(inner, short, PASSKEY, OWNER)
    wrong, right, adding = (bytearray(each) for each in (b"\x01" * 32, SECRET, SECRET))
    with pytest.raises(SealBroken):
        remove_holder_layer(stored, wrong, PASSKEY, OWNER)
    remove_holder_layer(stored, right, PASSKEY, OWNER)
    add_holder_layer(inner, adding, PASSKEY, OWNER)
    assert not any(map(any, (short, wrong, right, adding)))
