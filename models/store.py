"""The cache of weights: files exactly as published, each held to its SHA-256 before it gets its name and at every use.

A file is read, hashed and handed on as bytes in one go, so nothing can change between the check and the use.
"""

import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from platformdirs import user_cache_path

from idproof.models import manifest
from idproof.models.errors import CacheUnwritable, ModelCorrupt, ModelFetchFailed, ModelMissing
from idproof.models.manifest import Profile, Weight
from idproof.models.weight_sources import SourceReader

ENVIRONMENT = "IDPROOF_MODELS"
_PART = ".part-"
_STALE_S = 3600.0


class WeightState(StrEnum):
    """Whether a weight can be used."""

    READY = "ready"
    MISSING = "missing"
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True)
class WeightStatus:
    """One weight of a profile and whether it can be used."""

    weight: Weight
    state: WeightState
    path: Path


def default_cache() -> Path:
    """The folder named by `IDPROOF_MODELS`, else the user's cache folder."""
    named = os.environ.get(ENVIRONMENT)
    return Path(named).expanduser() if named else user_cache_path("idproof") / "models"


def read(weight: Weight, profile: Profile, cache: Path | None = None) -> bytes:
    """A weight's bytes, checked; `profile` is the one that asks, for the advice when it is not there.

    Raises:
        ModelMissing: it was not fetched.
        ModelCorrupt: its SHA-256 is not the manifest's.
    """
    path = (cache or default_cache()) / weight.file
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise ModelMissing(f"The weight {weight.file} is not here; run `{profile.fetch_command}`.") from None
    except OSError as error:
        raise ModelMissing(f"The weight {weight.file} cannot be read: {error.strerror}.") from None
    if sha256(data).hexdigest() != weight.sha256:
        raise ModelCorrupt(f"The weight {weight.file} is damaged; run `{profile.fetch_command}` to replace it.")
    return data


def list_weights(profile: Profile | str = "open", cache: Path | None = None) -> list[WeightStatus]:
    """The state of every weight of a profile, or of the built-in one of this name; reads and hashes each."""
    chosen, folder = _chosen(profile), cache or default_cache()
    return [WeightStatus(weight, _state(weight, chosen, folder), folder / weight.file) for weight in chosen.weights]


def check(profile: Profile | str = "open", cache: Path | None = None) -> None:
    """Return when every weight of a profile can be used.

    Raises:
        ModelMissing, ModelCorrupt: the first one that cannot.
    """
    chosen = _chosen(profile)
    for weight in chosen.weights:
        read(weight, chosen, cache)


def fetch(
    profile: Profile | str = "open",
    cache: Path | None = None,
    progress: Callable[[Weight, bool], None] = lambda weight, fetched: None,
) -> list[Weight]:
    """Bring every weight of a profile that is missing or damaged.

    Two processes may do so at once: each writes a file of its own and the last rename stands, of the same bytes.

    Args:
        profile: of a manifest, or the name of a built-in one.
        cache: the folder, else the default one.
        progress: called for each weight with whether it had to be brought.

    Returns:
        The weights that were brought.

    Raises:
        CacheUnwritable: the folder cannot be written.
        ModelFetchFailed, ModelCorrupt: the source did not give the file, or gave another.
    """
    chosen, folder = _chosen(profile), cache or default_cache()
    sources = SourceReader()
    brought = []
    for weight in chosen.weights:
        needed = _state(weight, chosen, folder) is not WeightState.READY
        if needed:
            _prepare_folder(folder)
            _write(folder / weight.file, _checked(sources.read(weight.source), weight), weight.sha256)
            brought.append(weight)
        progress(weight, needed)
    return brought


def _chosen(profile: Profile | str) -> Profile:
    return profile if isinstance(profile, Profile) else manifest.load().profile(profile)


def _state(weight: Weight, profile: Profile, folder: Path) -> WeightState:
    try:
        read(weight, profile, folder)
    except ModelMissing:
        return WeightState.MISSING
    except ModelCorrupt:
        return WeightState.CORRUPT
    return WeightState.READY


def _checked(data: bytes, weight: Weight) -> bytes:
    if sha256(data).hexdigest() != weight.sha256:
        raise ModelFetchFailed(f"{weight.file} arrived with another SHA-256 than the manifest's; it was not kept.")
    return data


def _prepare_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.glob(f"{_PART}*"):  # left by a process that was killed
            with suppress(FileNotFoundError):  # or just renamed by one that was not
                if time.time() - part.stat().st_mtime > _STALE_S:
                    part.unlink()
    except OSError as error:
        raise CacheUnwritable(f"The folder for weights, {folder}, cannot be used: {error.strerror}.") from None


def _write(path: Path, data: bytes, digest: str) -> None:
    """Under another name first: the final name only ever belongs to a whole, checked file."""
    part = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=_PART, delete=False) as file:
            part = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if sha256(part.read_bytes()).hexdigest() != digest:
            raise CacheUnwritable(f"The folder for weights, {path.parent}, did not keep {path.name} as it was written.")
        part.chmod(0o644)
        part.replace(path)
    except OSError as error:
        raise CacheUnwritable(f"The folder for weights, {path.parent}, cannot be written: {error.strerror}.") from None
    finally:
        if part is not None:
            with suppress(OSError):
                part.unlink(missing_ok=True)
