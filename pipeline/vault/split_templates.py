"""A face template that outlives its registration, encrypted so that this service alone can never open it.

The template is encrypted in the vault with AES-256-GCM (NIST SP 800-38D) under a random key. That key is encrypted to
the identity core's public key with HPKE (RFC 9180) in base mode: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
The random key is then overwritten. The service adds a second layer, which only the holder's passkey removes
(`idproof.service.face_templates`).

Encryption keeps the template as it is, so comparisons lose nothing, and every protection of it is as random as its key.
Transformations that compare without decryption, such as BioHash, are not used: they give the template away once their
token is known (arXiv 1910.01389).
"""

import hashlib
import os
from dataclasses import dataclass

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from idproof.pipeline.errors import SealBroken
from idproof.pipeline.vault.kinds import ENROLLED_TEMPLATE, TEMPLATE
from idproof.pipeline.vault.pages import Pages
from idproof.pipeline.vault.sealed_copies import POINT_BYTES
from idproof.pipeline.vault.sealer import KEY_BYTES
from idproof.pipeline.vault.session import VaultSession

_NONCE_BYTES, _TAG_BYTES = 12, 16  # NIST SP 800-38D, 5.2.1: 96-bit nonce, 128-bit tag
SUITE = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
WRAPPED_KEY_BYTES = POINT_BYTES + KEY_BYTES + _TAG_BYTES
"""Bytes of an encrypted key: the encapsulated key, then key and tag."""
_PURPOSE = b"idproof face template 1\0"
_SOURCE = "selfie_colour"
"""Template that is kept: of the selfie in colour, since a later selfie is compared as one photograph with another."""


@dataclass(frozen=True, slots=True)
class TemplateOwner:
    """Owner of a protected template, which opens for nothing else.

    Attributes:
        verification: id of the accepted verdict.
        registration: of which the verdict is an attempt; None where there is none.
        network: full SHA-256 of the network that computed the template: another one's cannot be compared with it.
    """

    verification: str
    registration: str | None
    network: str

    def encode(self) -> bytes:
        """Returns what both layers are bound to. No member holds a zero byte, so no two owners share it."""
        return _PURPOSE + "\0".join((self.verification, self.registration or "", self.network)).encode()

    def info(self, core_key: bytes) -> bytes:
        """Returns the `info` of HPKE: the key opens for this owner and this core's key alone."""
        return self.encode() + b"\0" + hashlib.sha256(core_key).digest()


@dataclass(frozen=True, slots=True, repr=False)
class ProtectedTemplate:
    """A template that only the identity core's help opens.

    Attributes:
        key: `WRAPPED_KEY_BYTES` bytes that the core can decrypt.
        sealed: nonce, encrypted template and tag.
    """

    key: bytes
    sealed: bytes

    def pack(self) -> bytes:
        """Returns both as one text of bytes."""
        return self.key + self.sealed

    @classmethod
    def unpack(cls, packed: bytes) -> "ProtectedTemplate":
        """Returns what `pack` made."""
        return cls(packed[:WRAPPED_KEY_BYTES], packed[WRAPPED_KEY_BYTES:])


def core_public_key(point: bytes) -> ec.EllipticCurvePublicKey:
    """Returns the key of an uncompressed point of P-256; raises `ValueError` for any other bytes."""
    if len(point) != POINT_BYTES:
        raise ValueError("not an uncompressed point of P-256")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def protect_template(session: VaultSession, core_key: bytes, owner: TemplateOwner) -> ProtectedTemplate:
    """Encrypts the template of the selfie that a session holds; the session is not changed.

    Args:
        session: of a registration that was examined.
        core_key: uncompressed point of P-256 of the identity core, 65 bytes.
        owner: of the template.

    Raises:
        KeyError: the session holds no templates, as where pictures are examined in another process.
        SessionExpired: the template was overwritten before or meanwhile.
        ValueError: the core's key is none.
    """
    public = core_public_key(core_key)
    source = bytearray(os.urandom(KEY_BYTES))
    nonce = os.urandom(_NONCE_BYTES)
    try:
        with session.borrow(TEMPLATE, _SOURCE) as template:
            sealed = bytearray(_NONCE_BYTES + template.nbytes + _TAG_BYTES)
            sealed[:_NONCE_BYTES] = nonce
            plain = template.data.cast("B")
            AESGCM(source).encrypt_into(nonce, plain, owner.encode(), memoryview(sealed)[_NONCE_BYTES:])
        return ProtectedTemplate(SUITE.encrypt(source, public, info=owner.info(core_key)), bytes(sealed))
    finally:
        source[:] = bytes(KEY_BYTES)


def open_template(session: VaultSession, protected: ProtectedTemplate, key: bytearray, owner: TemplateOwner) -> None:
    """Decrypts a template into a session of the vault, as `ENROLLED_TEMPLATE`.

    Args:
        session: of a step-up.
        protected: what `protect_template` made.
        key: 32 bytes that the core released; overwritten with zeros.
        owner: as it was protected for.

    Raises:
        SealBroken: key, owner or bytes differ.
        SessionExpired: the session has ended.
    """
    size = len(protected.sealed) - _NONCE_BYTES - _TAG_BYTES
    try:
        if size <= 0 or size % np.dtype(np.float32).itemsize or len(key) != KEY_BYTES:
            raise SealBroken("The template does not open.")
        opened = Pages(size).array((1, size // 4), np.dtype(np.float32))
        try:
            nonce, data = protected.sealed[:_NONCE_BYTES], protected.sealed[_NONCE_BYTES:]
            AESGCM(key).decrypt_into(nonce, data, owner.encode(), opened.data.cast("B"))
            session.put(TEMPLATE, ENROLLED_TEMPLATE, opened)
        except InvalidTag:
            raise SealBroken("The template does not open.") from None
        finally:
            opened.fill(0)
    finally:
        key[:] = bytes(len(key))
