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

_SEAL_BYTES = 32
_OTHERS = 0o077


class KeysUnusable(IdproofError):
    """A key file is unreadable, malformed, open to other users, or missing although verdicts are sealed with it."""

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
        signing_file, sealing_file = settings.key_files
        try:
            # One by one: folders that `parents=True` makes on the way do not get the mode.
            settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.mkdir(exist_ok=True, mode=0o700)
            _not_lost(sealing_file, settings.database)
            signing = _signing(signing_file.name, _read_or_make(signing_file, _new_signing))
            sealing = _read_or_make(sealing_file, lambda: secrets.token_bytes(_SEAL_BYTES))
            keys = cls(signing, sealing)
            settings.jwks_file.write_text(json.dumps(keys.public()), encoding="utf-8")
        except OSError as error:
            raise KeysUnusable(f"The folder for keys, {folder}, cannot be used: {error.strerror}.") from None
        if len(sealing) != _SEAL_BYTES:
            raise KeysUnusable(f"{sealing_file.name} does not hold {_SEAL_BYTES} bytes.")
        return keys

    def public(self) -> dict[str, object]:
        """The public signing key as a JWK set."""
        return dict(KeySet([self.signing]).as_dict(private=False))

    def __repr__(self) -> str:
        """Never the keys."""
        return "Keys(…)"


def _not_lost(sealing_file: Path, database: Path) -> None:
    """A new key would leave every verdict given so far unreadable, and without a word."""
    if database.exists() and not sealing_file.exists():
        raise KeysUnusable(f"{sealing_file.name} is missing, but there are verdicts sealed with it; put it back.")


def _new_signing() -> bytes:
    key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "EdDSA"}, private=True)
    return json.dumps(key.as_dict(private=True)).encode()


def _signing(name: str, data: bytes) -> OKPKey:
    wrong = KeysUnusable(f"{name} does not hold an Ed25519 private key.")
    try:
        key = OKPKey.import_key(json.loads(data))
        key.ensure_kid()
    except (ValueError, TypeError, JoseError):
        raise wrong from None
    if key.curve_name != "Ed25519" or not key.is_private:
        raise wrong
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
        file.flush()
        # Before the first verdict is sealed with it: after a power cut the one is worth nothing without the other.
        os.fsync(file.fileno())
        return data
