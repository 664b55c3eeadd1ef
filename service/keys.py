"""The service's keys: one that signs verdicts, one that seals them at rest. Files of mode 0600, made at first start."""

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from idproof.pipeline.errors import IdproofError
from idproof.service.settings import Settings

_SIGNING, _SEALING = "signing.jwk", "sealing.key"
_SEAL_BYTES = 32
_OTHERS = 0o077


class KeysUnusable(IdproofError):
    """A key file is unreadable, malformed, or open to other users."""

    code = "keys_unusable"


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """Both keys.

    Attributes:
        signing: Ed25519 (RFC 8037), `kid` is its thumbprint (RFC 7638).
        sealing: 32 bytes for AES-256-GCM.
    """

    signing: OKPKey
    sealing: bytes

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Read the keys, making those that do not exist yet; raises `KeysUnusable`."""
        folder = settings.keys_dir
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            signing = _signing(_read_or_make(folder / _SIGNING, _new_signing))
            sealing = _read_or_make(folder / _SEALING, lambda: secrets.token_bytes(_SEAL_BYTES))
            keys = cls(signing, sealing)
            settings.jwks_file.write_text(json.dumps(keys.public()), encoding="utf-8")
        except OSError as error:
            raise KeysUnusable(f"The folder for keys, {folder}, cannot be used: {error.strerror}.") from None
        if len(sealing) != _SEAL_BYTES:
            raise KeysUnusable(f"{_SEALING} does not hold {_SEAL_BYTES} bytes.")
        return keys

    def public(self) -> dict[str, object]:
        """The public signing key as a JWK set."""
        return dict(KeySet([self.signing]).as_dict(private=False))

    def __repr__(self) -> str:
        """Never the keys."""
        return "Keys(…)"


def _new_signing() -> bytes:
    key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "EdDSA"}, private=True)
    return json.dumps(key.as_dict(private=True)).encode()


def _signing(data: bytes) -> OKPKey:
    try:
        key = OKPKey.import_key(json.loads(data))
        key.ensure_kid()
    except (ValueError, JoseError):
        raise KeysUnusable(f"{_SIGNING} does not hold an Ed25519 key.") from None
    return key


def _read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if path.stat().st_mode & _OTHERS:
            raise KeysUnusable(f"{path.name} can be read by other users; set its mode to 0600.") from None
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        data = make()
        file.write(data)
        return data
