"""The outer layer of a protected face template, which only its holder's passkey removes.

The key is derived with HKDF-SHA-256 (RFC 5869) from what the passkey's extension `prf` (WebAuthn Level 3, section
10.1.4) gives for a fixed input, and from a random salt. The layer is AES-256-GCM (NIST SP 800-38D), bound to the owner
and to the passkey. The inner layer is the identity core's (`split_templates`): whoever misses either half, or has
somebody else's, opens nothing.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from idproof.pipeline.errors import SealBroken
from idproof.pipeline.vault.sealer import KEY_BYTES
from idproof.pipeline.vault.split_templates import ProtectedTemplate, TemplateOwner

SECRET_BYTES = 32
"""Bytes of a passkey's output: HMAC-SHA-256 (CTAP 2.2, section 12.7)."""
_SALT_BYTES = 32  # RFC 5869, section 3.1: as long as the hash
_NONCE_BYTES = 12  # NIST SP 800-38D, section 5.2.1.1
_PURPOSE = b"idproof face template holder key 1\0"


def add_holder_layer(protected: ProtectedTemplate, secret: bytearray, passkey: str, owner: TemplateOwner) -> bytes:
    """Returns salt, nonce, encrypted template and tag; `secret` is overwritten with zeros.

    Args:
        protected: to encrypt a second time.
        secret: `SECRET_BYTES` bytes that the passkey gave.
        passkey: its id.
        owner: of the template.

    Raises:
        ValueError: the secret has another length.
    """
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    with _cipher(secret, salt, passkey) as cipher:
        return salt + nonce + cipher.encrypt(nonce, protected.pack(), _bound_to(passkey, owner))


def remove_holder_layer(stored: bytes, secret: bytearray, passkey: str, owner: TemplateOwner) -> ProtectedTemplate:
    """Returns what `add_holder_layer` encrypted; `secret` is overwritten with zeros.

    Raises:
        SealBroken: the secret, the passkey, the owner or the bytes differ.
        ValueError: the secret has another length.
    """
    salt, rest = stored[:_SALT_BYTES], stored[_SALT_BYTES:]
    with _cipher(secret, salt, passkey) as cipher:
        try:
            opened = cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _bound_to(passkey, owner))
        except (InvalidTag, ValueError):
            raise SealBroken("The template does not open.") from None
    return ProtectedTemplate.unpack(opened)


@contextmanager
def _cipher(secret: bytearray, salt: bytes, passkey: str) -> Iterator[AESGCM]:
    """Lends the cipher for the length of the block; overwrites the secret at once, and the derived key in the end."""
    key = bytearray(KEY_BYTES)
    try:
        if len(secret) != SECRET_BYTES:
            raise ValueError(f"a passkey gives {SECRET_BYTES} bytes")
        HKDF(SHA256(), KEY_BYTES, salt, _PURPOSE + passkey.encode()).derive_into(secret, key)
        secret[:] = bytes(len(secret))
        yield AESGCM(key)
    finally:
        secret[:] = bytes(len(secret))
        key[:] = bytes(KEY_BYTES)


def _bound_to(passkey: str, owner: TemplateOwner) -> bytes:
    return owner.encode() + b"\0" + passkey.encode()
