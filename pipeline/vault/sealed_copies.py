"""Copies of captures that only chosen people can decrypt, made while the vault still holds the captures.

Each capture is encrypted once, with AES-256-GCM (NIST SP 800-38D) under a random key. That key is encrypted to the
public key of each recipient with HPKE (RFC 9180) in base mode: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. The
random key is then overwritten, so this process cannot open what it holds.
"""

import hashlib
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from idproof.pipeline.types import Role, Wiped
from idproof.pipeline.vault.kinds import SEALED_COPY
from idproof.pipeline.vault.pages import Pages
from idproof.pipeline.vault.sealer import KEY_BYTES
from idproof.pipeline.vault.session import VaultSession

POINT_BYTES = 65  # an uncompressed point of P-256 (SEC 1, section 2.3.3)
_NONCE_BYTES, _TAG_BYTES = 12, 16  # NIST SP 800-38D, 5.2.1: 96-bit nonce, 128-bit tag
_SUITE = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_PURPOSE = b"idproof review pictures 1\0"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person who may decrypt copies.

    Attributes:
        id: of the person.
        public_key: uncompressed point of P-256, 65 bytes.
    """

    id: str
    public_key: bytes

    def __post_init__(self) -> None:
        if len(self.public_key) != POINT_BYTES:
            raise ValueError("not an uncompressed point of P-256")
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self.public_key)  # ValueError off the curve

    @property
    def fingerprint(self) -> str:
        """The first 128 bits of the key's SHA-256 in hexadecimal, in groups of four that two people can compare.

        Whoever wants another key with the same fingerprint needs 2^128 tries.
        """
        digest = hashlib.sha256(self.public_key).hexdigest()[:32]
        return " ".join(digest[start : start + 4] for start in range(0, len(digest), 4))


@dataclass(frozen=True, slots=True, repr=False)
class TakenCopies:
    """One recipient's share: the ciphertexts, and their key, which only this recipient can decrypt.

    Attributes:
        key: HPKE: 65 bytes of the encapsulated key, then the encrypted key.
        info: of the HPKE context.
        pictures: role to nonce, ciphertext and tag; the role is the additional data.
    """

    key: bytes
    info: bytes
    pictures: Mapping[str, bytes]


class SealedCopies:
    """Encrypted copies of the captures of one registration, each recipient's to take once.

    Args:
        pictures: role to nonce, ciphertext and tag.
        keys: recipient's id to HPKE context and encrypted key.
        views: recipients who may take them before they are destroyed.
    """

    def __init__(
        self, pictures: Mapping[str, NDArray[np.uint8]], keys: Mapping[str, tuple[bytes, bytes]], views: int
    ) -> None:
        self._pictures = dict(pictures)
        self._keys = dict(keys)
        self._views = views
        self._lock = threading.Lock()
        self._wiped: Wiped | None = None

    def __repr__(self) -> str:
        """Shows counts only."""
        return f"SealedCopies(pictures={len(self._pictures)}, recipients={len(self._keys)})"

    @classmethod
    def seal(
        cls, session: VaultSession, recipients: Sequence[Recipient], context: str, views: int = 1
    ) -> "SealedCopies":
        """Encrypts the four captures that a session holds.

        Args:
            session: holds them; it is not changed.
            recipients: who may open them.
            context: of the registration; the key opens under no other.
            views: recipients who may take them.

        Raises:
            SessionExpired, CaptureMissing: a capture was deleted before or meanwhile; no copy is left.
        """
        key = Pages(KEY_BYTES).array((KEY_BYTES,), np.dtype(np.uint8))
        source = bytearray(os.urandom(KEY_BYTES))
        key[...] = source
        source[:] = bytes(KEY_BYTES)
        pictures: dict[str, NDArray[np.uint8]] = {}
        try:
            cipher = AESGCM(key.tobytes())
            for role in Role:
                with session.upload(role) as plain:
                    pictures[role.value] = _encrypt(cipher, plain, role.value)
            keys = {each.id: _wrap(key, each, context) for each in recipients}
        except BaseException:
            for picture in pictures.values():
                picture.fill(0)
            raise
        finally:
            key.fill(0)
        return cls(pictures, keys, views)

    @property
    def size(self) -> int:
        """Bytes that are held."""
        with self._lock:
            return sum(picture.nbytes for picture in self._pictures.values())

    @property
    def count(self) -> int:
        """Pictures that are held."""
        with self._lock:
            return len(self._pictures)

    def is_for(self, recipient: str) -> bool:
        """Returns whether a recipient can still take them."""
        with self._lock:
            return recipient in self._keys

    @property
    def destroyed(self) -> bool:
        """True once nothing is held any more."""
        with self._lock:
            return self._wiped is not None

    def take(self, recipient: str) -> TakenCopies | None:
        """Returns the copies for one recipient, once; after the last view they are destroyed here.

        Args:
            recipient: id.

        Returns:
            None if there is nothing for this recipient, or it was taken, or the copies were destroyed.
        """
        with self._lock:
            found = self._keys.pop(recipient, None)
            if found is None or self._wiped is not None:
                return None
            info, key = found
            taken = TakenCopies(key, info, {role: picture.tobytes() for role, picture in self._pictures.items()})
            self._views -= 1
            if self._views == 0:
                self._destroy()
            return taken

    def destroy(self) -> Wiped:
        """Overwrites the copies and forgets the keys; returns the receipt, the same again when called again."""
        with self._lock:
            return self._destroy()

    def _destroy(self) -> Wiped:
        if self._wiped is None:
            sizes = {role: picture.nbytes for role, picture in self._pictures.items()}
            for picture in self._pictures.values():
                picture.fill(0)
            self._pictures.clear()
            self._keys.clear()
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            self._wiped = Wiped(SEALED_COPY, len(sizes), sum(sizes.values()), at, tuple(sorted(sizes)))
        return self._wiped


def context_of(context: str, public_key: bytes) -> bytes:
    """Returns the `info` of HPKE: the key opens for this registration and this recipient alone."""
    return _PURPOSE + context.encode() + b"\0" + hashlib.sha256(public_key).digest()


def _encrypt(cipher: AESGCM, plain: memoryview, role: str) -> NDArray[np.uint8]:
    """Returns nonce, ciphertext and tag in pages of their own; the plain picture is not copied."""
    size = _NONCE_BYTES + len(plain) + _TAG_BYTES
    sealed = Pages(size).array((size,), np.dtype(np.uint8))
    nonce = os.urandom(_NONCE_BYTES)
    sealed[:_NONCE_BYTES] = np.frombuffer(nonce, dtype=np.uint8)
    cipher.encrypt_into(nonce, plain, role.encode(), sealed.data[_NONCE_BYTES:])
    return sealed


def _wrap(key: NDArray[np.uint8], recipient: Recipient, context: str) -> tuple[bytes, bytes]:
    """Returns the HPKE context and the key, encrypted to a recipient."""
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), recipient.public_key)
    info = context_of(context, recipient.public_key)
    plain = bytearray(key.tobytes())
    try:
        return info, _SUITE.encrypt(plain, public, info=info)
    finally:
        plain[:] = bytes(len(plain))
