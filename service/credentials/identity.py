"""The key with which this service signs credentials or requests for them, and the certificates that vouch for it."""

import base64
import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from idproof.service.credentials.certificates import identifiers, make_chain, read_certificates
from idproof.service.credentials.encoding import to_base64url
from idproof.service.errors import KeysUnusable

_OTHERS = 0o077  # permissions of group and others


@dataclass(frozen=True, repr=False)
class Identity:
    """A private key on P-256 and its certificates.

    Attributes:
        identifier: URL that the first certificate names.
        private: the key.
        chain: certificates, first the key's own; without the root.
        root: the root, if it is self-made; None if it is the operator's.
    """

    identifier: str
    private: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...]
    root: x509.Certificate | None = None
    jwk: ECKey = field(init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.private.curve, ec.SECP256R1) or self.chain[0].public_key() != self.private.public_key():
            raise KeysUnusable(
                "A key of credentials or presentations is not on P-256, or its first certificate is of another key."
            )
        if self.identifier not in identifiers(self.chain[0]):
            raise KeysUnusable(
                "The first certificate of a key of credentials or presentations does not name the URL of the issuer or "
                "verifier among its alternative names (a URI)."
            )
        pem = self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        object.__setattr__(self, "jwk", ECKey.import_key(pem))

    @classmethod
    def load(cls, key: Path, chain: Path, identifier: str) -> "Identity":
        """Reads an operator's key and certificates (PEM); raises `KeysUnusable`."""
        return cls(identifier, _private(_read_private(key), key.name), tuple(read_certificates(chain)))

    @classmethod
    def own(cls, folder: Path, name: str, identifier: str, purpose: x509.ObjectIdentifier) -> "Identity":
        """Reads a self-made key and chain, and makes them where there are none, or none that are valid.

        Args:
            folder: of the service's keys.
            name: of the files.
            identifier: URL that the certificate names.
            purpose: of the key.

        Raises:
            KeysUnusable: they cannot be read or written.
        """
        path = folder / f"{name}.pem"
        try:
            found = cls._read_own(path, identifier) if path.exists() else None
            if found is None:
                _write_new(path, _bundle(name, identifier, purpose))
                found = cls._read_own(path, identifier)
        except OSError as error:
            raise KeysUnusable(f"{path.name} cannot be used: {error.strerror}.") from None
        if found is None or found.root is None:
            raise KeysUnusable(f"{path.name} does not hold a key and its certificates.")
        with suppress(OSError):
            (folder / f"{name}-root.pem").write_bytes(found.root.public_bytes(serialization.Encoding.PEM))
        return found

    @classmethod
    def _read_own(cls, path: Path, identifier: str) -> "Identity | None":
        data = _read_private(path)
        try:
            leaf, root = x509.load_pem_x509_certificates(data)
        except ValueError:
            return None
        if leaf.not_valid_after_utc < datetime.now(UTC) or identifier not in identifiers(leaf):
            return None
        return cls(identifier, _private(data, path.name), (leaf,), root)

    @property
    def x5c(self) -> list[str]:
        """Chain as the header parameter `x5c` (RFC 7515, section 4.1.6)."""
        return [base64.b64encode(data).decode() for data in self.x5chain]

    @property
    def x5chain(self) -> list[bytes]:
        """Chain as DER, for the header parameter `x5chain` (RFC 9360)."""
        return [certificate.public_bytes(serialization.Encoding.DER) for certificate in self.chain]

    @property
    def hash(self) -> str:
        """SHA-256 of the first certificate, as the client identifier prefix `x509_hash` takes it (OpenID4VP 1.0)."""
        return to_base64url(hashlib.sha256(self.x5chain[0]).digest())

    def __repr__(self) -> str:
        """Returns a text without the key."""
        return f"Identity({self.identifier!r})"


def _bundle(name: str, identifier: str, purpose: x509.ObjectIdentifier) -> bytes:
    key, leaf, root = make_chain(f"idproof {name}", identifier, purpose)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + leaf.public_bytes(pem) + root.public_bytes(pem)


def _private(data: bytes, name: str) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(data, None)
    except (ValueError, TypeError):
        raise KeysUnusable(f"{name} does not hold a private key as PEM, or one with a password.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KeysUnusable(f"{name} does not hold a key on P-256.")
    return key


def _read_private(path: Path) -> bytes:
    try:
        if path.stat().st_mode & _OTHERS:
            raise KeysUnusable(f"{path.name} can be read by other users; set its mode to 0600.")
        return path.read_bytes()
    except OSError as error:
        raise KeysUnusable(f"{path.name} cannot be read: {error.strerror}.") from None


def _write_new(path: Path, data: bytes) -> None:
    """Puts a whole file in place at once: several processes that start together end up with one of them."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
