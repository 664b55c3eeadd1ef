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

from idproof.models.errors import CacheUnwritable, ModelCorrupt, ModelFetchFailed, ModelMissing
from idproof.models.manifest import Profile, Weight
from idproof.models.sources import Sources

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
    return Path(named) if named else user_cache_path("idproof") / "models"


def read(weight: Weight, profile: str, cache: Path | None = None) -> bytes:
    """A weight's bytes, checked.

    Raises:
        ModelMissing: it was not fetched.
        ModelCorrupt: its SHA-256 is not the manifest's.
    """
    path = (cache or default_cache()) / weight.file
    try:
        data = path.read_bytes()
    except OSError:
        raise ModelMissing(
            f"The weight {weight.file} is not here; run `idproof models fetch --profile {profile}`."
        ) from None
    if sha256(data).hexdigest() != weight.sha256:
        raise ModelCorrupt(
            f"The weight {weight.file} is damaged; run `idproof models fetch --profile {profile}` to replace it."
        )
    return data


def status(profile: Profile, cache: Path | None = None) -> list[WeightStatus]:
    """The state of every weight of a profile; reads and hashes each."""
    folder = cache or default_cache()
    return [WeightStatus(weight, _state(weight, profile.name, folder), folder / weight.file) for weight in profile.weights]


def fetch(
    profile: Profile,
    cache: Path | None = None,
    progress: Callable[[Weight, bool], None] = lambda weight, fetched: None,
) -> list[Weight]:
    """Bring every weight of a profile that is missing or damaged.

    Args:
        profile: of the manifest.
        cache: the folder, else the default one.
        progress: called for each weight with whether it had to be brought.

    Returns:
        The weights that were brought.

    Raises:
        CacheUnwritable: the folder cannot be written.
        ModelFetchFailed, ModelCorrupt: the source did not give the file, or gave another.
    """
    folder = cache or default_cache()
    sources = Sources()
    brought = []
    for weight in profile.weights:
        needed = _state(weight, profile.name, folder) is not WeightState.READY
        if needed:
            _prepare_folder(folder)
            _write(folder / weight.file, _checked(sources.read(weight.source), weight))
            brought.append(weight)
        progress(weight, needed)
    return brought


def _state(weight: Weight, profile: str, folder: Path) -> WeightState:
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
            if time.time() - part.stat().st_mtime > _STALE_S:
                part.unlink(missing_ok=True)
    except OSError as error:
        raise CacheUnwritable(f"The folder for weights, {folder}, cannot be used: {error.strerror}.") from None


def _write(path: Path, data: bytes) -> None:
    """Under another name first: the final name only ever belongs to a whole, checked file."""
    part = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=_PART, delete=False) as file:
            part = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o644)
        part.replace(path)
    except OSError as error:
        raise CacheUnwritable(f"The folder for weights, {path.parent}, cannot be written: {error.strerror}.") from None
    finally:
        if part is not None:
            with suppress(OSError):
                part.unlink(missing_ok=True)
