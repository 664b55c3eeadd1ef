"""The cache of weights: files exactly as published, each checked by SHA-256 before it gets its name and at every use.

A file is read and hashed, and the same bytes are handed on, so nothing can change between check and use.
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

ENVIRONMENT = "IDPROOF_MODELS"
_PART = ".part-"
_STALE_S = 3600.0  # longer than any download; chosen by hand, no outside source


class WeightState(StrEnum):
    """State of a weight in the cache."""

    READY = "ready"
    MISSING = "missing"
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True)
class WeightStatus:
    """One weight of a profile and its state."""

    weight: Weight
    state: WeightState
    path: Path


def default_cache() -> Path:
    """Returns the folder named by `IDPROOF_MODELS`, else the user's cache folder.

    Raises:
        CacheUnwritable: the user has no home folder, and none is named.
    """
    named = os.environ.get(ENVIRONMENT)
    try:
        return Path(named).expanduser() if named else user_cache_path("idproof") / "models"
    except RuntimeError:  # neither HOME nor an entry of this user, as in some containers
        sentence = f"This user has no home folder: name the folder of the weights in full with {ENVIRONMENT}."
        raise CacheUnwritable(sentence) from None


def read(weight: Weight, profile: Profile, cache: Path | None = None) -> bytes:
    """Returns a weight's checked bytes; `profile` is named in the advice when they are missing.

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
    """Returns the state of every weight of a profile, or of a built-in one by its name; reads and hashes each file."""
    chosen, folder = _chosen(profile), cache or default_cache()
    return [WeightStatus(weight, _state(weight, chosen, folder), folder / weight.file) for weight in chosen.weights]


def check(profile: Profile | str = "open", cache: Path | None = None) -> None:
    """Returns when every weight of a profile can be used.

    Raises:
        ModelMissing, ModelCorrupt: the first weight that cannot.
    """
    chosen = _chosen(profile)
    for weight in chosen.weights:
        read(weight, chosen, cache)


def fetch(
    profile: Profile | str = "open",
    cache: Path | None = None,
    progress: Callable[[Weight, bool], None] = lambda weight, fetched: None,
) -> list[Weight]:
    """Fetches every weight of a profile that is missing or damaged.

    Two processes may do so at once: each writes its own file, and the last rename wins, with the same bytes.

    Args:
        profile: of a manifest, or the name of a built-in one.
        cache: the folder, else the default one.
        progress: called for each weight with whether it was fetched.

    Returns:
        The weights that were fetched.

    Raises:
        CacheUnwritable: the folder cannot be written.
        ModelFetchFailed, ModelCorrupt: the source did not give the file, or gave another one.
    """
    from idproof.models.weight_sources import SourceReader  # here, since its libraries serve nothing else

    chosen, folder = _chosen(profile), cache or default_cache()
    sources = SourceReader()
    fetched = []
    for weight in chosen.weights:
        needed = _state(weight, chosen, folder) is not WeightState.READY
        if needed:
            _prepare_folder(folder)  # before anything is fetched for it
            write(folder / weight.file, _checked(sources.read(weight.source), weight), weight.sha256)
            fetched.append(weight)
        progress(weight, needed)
    return fetched


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


def write(path: Path, data: bytes, digest: str) -> None:
    """Writes under a temporary name first: the final name only ever belongs to a complete, checked file.

    Raises:
        CacheUnwritable: the file's folder cannot be written.
    """
    _prepare_folder(path.parent)
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
