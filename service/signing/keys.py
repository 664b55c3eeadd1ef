"""Keys of the service: one signs verdicts, one seals them at rest. Files of mode 0600, created at the first start.

Signing keys are rotated (`idproof keys rotate`): a new key signs, and the public half of the old one stays published,
so that its signatures can be checked at any later time. The private half of the old key is overwritten.

A key that somebody else may have is revoked (`idproof keys revoke`): it leaves the published keys, whose set names it
as revoked, so that its signatures are refused and the reason is known.

Sealing keys are rotated (`idproof keys rotate-sealing`): the newest seals, and all of them open. Once every row is
sealed with the newest (`idproof keys reseal`), those between the first and the newest are overwritten. The first one
stays, since the keys of look-ups and of devices are derived from it. One lock keeps both commands apart.
"""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from idproof.service.errors import KeysUnusable
from idproof.service.operations.settings import Settings

_SEAL_BYTES = 32  # AES-256
_OTHERS = 0o077  # permissions of group and others
_SEALING_LOCK = "sealing.lock"
SETTLED_S = 60.0
"""Seconds after which no transaction is under way that sealed with an older key. Chosen by hand; a statement has 10."""


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """Both keys, and the public halves of earlier ones.

    Attributes:
        signing: Ed25519 (RFC 8037), `kid` is its thumbprint (RFC 7638).
        sealing: 32 bytes for AES-256-GCM; the first sealing key.
        newer_sealing: the sealing keys that came after it, oldest first.
        retired: public halves of earlier signing keys.
        revoked: ids of revoked signing keys, each with the time of its revocation (ISO 8601 UTC).
    """

    signing: OKPKey
    sealing: bytes
    retired: tuple[OKPKey, ...] = ()
    revoked: Mapping[str, str] = field(default_factory=dict)
    newer_sealing: tuple[bytes, ...] = ()

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Reads the keys and creates those that do not exist yet; raises `KeysUnusable`."""
        folder = settings.keys_dir
        signing_file, sealing_file = settings.key_files
        try:
            # One by one: intermediate folders that `parents=True` creates do not get the mode.
            settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.mkdir(exist_ok=True, mode=0o700)
            _require_sealing_key(sealing_file, settings.database)
            signing = _signing(signing_file.name, _read_or_create(signing_file, _new_signing))
            sealing = _read_or_create(sealing_file, lambda: secrets.token_bytes(_SEAL_BYTES))
            revoked = _revoked(settings.revoked_file)
            retired = tuple(key for key in _retired(settings.retired_file) if key.kid not in revoked)
            newer = tuple(_read_private(path) for path in _newer_sealing_files(folder))
            keys = cls(signing, sealing, retired, revoked, newer)
            settings.jwks_file.write_text(json.dumps(keys.public()), encoding="utf-8")
        except OSError as error:
            raise KeysUnusable(f"The folder for keys, {folder}, cannot be used: {error.strerror}.") from None
        if {len(key) for key in (sealing, *newer)} != {_SEAL_BYTES}:
            raise KeysUnusable(f"A sealing key, {sealing_file.name} or a newer one, does not hold {_SEAL_BYTES} bytes.")
        return keys

    @classmethod
    def rotate(cls, settings: Settings) -> Self:
        """Replaces the signing key with a new one; raises `KeysUnusable`."""
        before = cls.open(settings)
        signing_file = settings.key_files[0]
        try:
            # The old key's public half is published first, before the new key signs anything.
            older = [before.signing, *before.retired]
            _replace(settings.retired_file, _key_set(older))
            fresh = signing_file.with_suffix(".new")
            _write(fresh, _new_signing())
            with signing_file.open("r+b") as old:
                fresh.replace(signing_file)
                old.write(bytes(os.fstat(old.fileno()).st_size))
        except OSError as error:
            raise KeysUnusable(f"The signing key cannot be changed: {error.strerror}.") from None
        return cls.open(settings)

    @classmethod
    def rotate_sealing(cls, settings: Settings) -> Self:
        """Adds a sealing key, with which every running service seals from now on; raises as `sealing_locked`."""
        with cls.sealing_locked(settings):
            files = _newer_sealing_files(settings.keys_dir)
            number = int(files[-1].stem.rpartition("-")[2]) + 1 if files else 2
            _read_or_create(settings.keys_dir / f"sealing-{number:04}.key", lambda: secrets.token_bytes(_SEAL_BYTES))
            return cls.open(settings)

    @classmethod
    @contextmanager
    def sealing_locked(cls, settings: Settings) -> Iterator[Self]:
        """Gives the keys, and keeps other commands of the folder from changing the sealing keys until it ends.

        Raises:
            KeysUnusable: another command is changing them, or the folder cannot be used.
        """
        cls.open(settings)
        try:
            descriptor = os.open(settings.keys_dir / _SEALING_LOCK, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise KeysUnusable(f"The sealing keys cannot be locked: {error.strerror}.") from None
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise KeysUnusable("Another command is changing the sealing keys; run this again after it.") from None
            yield cls.open(settings)
        finally:
            os.close(descriptor)

    @classmethod
    def drop_superseded(cls, settings: Settings, resealed_with: bytes, settled_s: float = SETTLED_S) -> int:
        """Overwrites and removes the sealing keys between the first and the newest; nothing may be sealed with them.

        Args:
            settings: of the operator.
            resealed_with: the key with which every row was sealed anew. Any other newest key leaves all of them: the
                rows need the one that is no longer the newest.
            settled_s: a newest key that is younger than this leaves them: a transaction may be under way with them.

        Returns:
            The number of keys that are left to remove later.

        Raises:
            KeysUnusable: a file cannot be read or changed.
        """
        files = _newer_sealing_files(settings.keys_dir)
        if len(files) < 2:
            return 0
        try:
            if files[-1].read_bytes() != resealed_with or time.time() - files[-1].stat().st_mtime < settled_s:
                return len(files) - 1
            for path in files[:-1]:
                with path.open("r+b") as old:
                    old.write(bytes(_SEAL_BYTES))
                    os.fsync(old.fileno())
                path.unlink()
        except OSError as error:
            raise KeysUnusable(f"A sealing key cannot be removed: {error.strerror}.") from None
        return 0

    @classmethod
    def revoke(cls, settings: Settings, kid: str) -> Self:
        """Revokes a retired signing key; `idproof.service.operations.revocation` also revokes the current one.

        Raises:
            KeysUnusable: the files cannot be changed.
        """
        before = cls.open(settings)
        revoked = dict(before.revoked) | {kid: datetime.now(UTC).isoformat(timespec="seconds")}
        entries = [{"kid": name, "revoked_at": revoked_at} for name, revoked_at in revoked.items()]
        try:
            _replace(settings.revoked_file, json.dumps({"keys": entries}).encode())
            _replace(settings.retired_file, _key_set([key for key in before.retired if key.kid != kid]))
        except OSError as error:
            raise KeysUnusable(f"The signing key cannot be revoked: {error.strerror}.") from None
        return cls.open(settings)

    @property
    def newest_sealing(self) -> bytes:
        """Key that seals."""
        return (self.sealing, *self.newer_sealing)[-1]

    @property
    def verifying(self) -> KeySet:
        """Keys whose signatures are valid."""
        return KeySet([self.signing, *self.retired])

    def public(self) -> dict[str, object]:
        """Returns the public signing keys as a JWK set.

        Its member `revoked` names the revoked keys, if there are any (RFC 7517, section 5: others ignore the member).
        """
        published: dict[str, object] = dict(self.verifying.as_dict(private=False))
        if self.revoked:
            entries = self.revoked.items()
            published["revoked"] = [{"kid": kid, "revoked_at": revoked_at} for kid, revoked_at in entries]
        return published

    def __repr__(self) -> str:
        """Returns a text without the keys."""
        return "Keys(…)"


def _require_sealing_key(sealing_file: Path, database: Path) -> None:
    """Raises `KeysUnusable` when the key is gone but verdicts are there: with a new key they would be unreadable."""
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


def _read_or_create(path: Path, create: Callable[[], bytes]) -> bytes:
    """Reads a file, or creates it. When several processes start at once, one creates it whole and all read that one."""
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        # On disk before the first verdict is sealed with it: after a power cut the verdict is useless without the key.
        _write(fresh, create())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return _read_private(path)


def _read_private(path: Path) -> bytes:
    if path.stat().st_mode & _OTHERS:
        raise KeysUnusable(f"{path.name} can be read by other users; set its mode to 0600.")
    return path.read_bytes()


def _newer_sealing_files(folder: Path) -> list[Path]:
    """Returns the files of the sealing keys after the first, oldest first."""
    return sorted(folder.glob("sealing-[0-9][0-9][0-9][0-9].key"))


class KeyRing:
    """Current keys; read again when their files have changed, so that rotation and revocation need no restart."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys = Keys.open(settings)
        self._seen = self._stamp()

    @property
    def current(self) -> Keys:
        """Current keys; raises `KeysUnusable`."""
        stamp = self._stamp()
        if stamp is not None and stamp != self._seen:
            self._keys, self._seen = Keys.open(self._settings), stamp
        return self._keys

    def _stamp(self) -> list[tuple[int, int] | None] | None:
        settings = self._settings
        signing = _file_stamp(settings.key_files[0])
        if signing is None:  # missing for a moment or for ever: `/readyz` reports it
            return None
        newer = [_file_stamp(path) for path in _newer_sealing_files(settings.keys_dir)]
        return [signing, _file_stamp(settings.retired_file), _file_stamp(settings.revoked_file), *newer]


def _file_stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _key_set(keys: Sequence[OKPKey]) -> bytes:
    return json.dumps(KeySet(list(keys)).as_dict(private=False)).encode()


def _revoked(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        return {str(entry["kid"]): str(entry["revoked_at"]) for entry in json.loads(path.read_bytes())["keys"]}
    except (ValueError, KeyError, TypeError):
        raise KeysUnusable(f"{path.name} does not hold revoked keys.") from None


def _retired(path: Path) -> tuple[OKPKey, ...]:
    if not path.exists():
        return ()
    try:
        return tuple(OKPKey.import_key(entry) for entry in json.loads(path.read_bytes())["keys"])
    except (ValueError, KeyError, TypeError, JoseError):
        raise KeysUnusable(f"{path.name} does not hold public keys.") from None


def _replace(path: Path, data: bytes) -> None:
    """Writes a file at once: a server that reads it meanwhile finds the old one or the new one."""
    fresh = path.with_suffix(".new")
    _write(fresh, data)
    fresh.replace(path)


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
