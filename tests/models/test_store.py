"""A file with its final name is complete and checked, whatever fails while weights are fetched."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from idproof.models import manifest, store
from idproof.models.errors import CacheUnwritable, ModelCorrupt, ModelFetchFailed, ModelMissing
from idproof.models.manifest import PathSource, Profile
from idproof.models.store import WeightState

CONTENT = bytes(range(256)) * 400


@pytest.fixture
def small(tmp_path: Path) -> Profile:
    """A profile of three small local files."""
    opened = manifest.load().profile("open")
    weights = []
    for i, weight in enumerate((opened.detector, opened.embedder, opened.reader)):
        path = tmp_path / f"source-{i}"
        path.write_bytes(CONTENT + bytes([i]))
        weights.append(replace(weight, source=PathSource(path), sha256=sha256(path.read_bytes()).hexdigest()))
    return replace(opened, detector=weights[0], embedder=weights[1], reader=weights[2], landmarks=None)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "cache"


def states(profile: Profile, cache: Path) -> set[WeightState]:
    return {status.state for status in store.list_weights(profile, cache)}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_fetch_downloads_only_missing_weights(small: Profile, cache: Path) -> None:
    assert states(small, cache) == {WeightState.MISSING}
    reported: list[tuple[str, bool]] = []
    store.fetch(small, cache, lambda weight, brought: reported.append((weight.name, brought)))
    assert [brought for _, brought in reported] == [True] * len(small.weights)
    assert states(small, cache) == {WeightState.READY}
    store.check(small, cache)
    assert store.fetch(small, cache) == []
    (cache / small.reader.file).unlink()
    assert store.fetch(small, cache) == [small.reader]
    assert names(cache) == {weight.file for weight in small.weights}


def test_a_truncated_file_is_detected_refused_and_replaced(small: Profile, cache: Path) -> None:
    store.fetch(small, cache)
    path = cache / small.embedder.file
    path.write_bytes(path.read_bytes()[: len(CONTENT) // 2])
    assert store.list_weights(small, cache)[1].state is WeightState.CORRUPT
    with pytest.raises(ModelCorrupt, match="idproof models fetch --profile open"):
        store.read(small.embedder, small, cache)
    with pytest.raises(ModelCorrupt):
        store.check(small, cache)
    assert store.fetch(small, cache) == [small.embedder]
    store.check(small, cache)


def test_the_error_for_a_missing_file_names_the_command_to_run(small: Profile, cache: Path) -> None:
    with pytest.raises(ModelMissing, match="idproof models fetch --profile open"):
        store.check(small, cache)


def test_a_source_that_gives_another_file_leaves_nothing(small: Profile, cache: Path) -> None:
    assert isinstance(small.detector.source, PathSource)
    small.detector.source.path.write_bytes(CONTENT[:-1])
    with pytest.raises(ModelFetchFailed, match="another SHA-256"):
        store.fetch(small, cache)
    assert names(cache) == set()


def test_an_unavailable_source_leaves_nothing(small: Profile, cache: Path) -> None:
    assert isinstance(small.detector.source, PathSource)
    small.detector.source.path.unlink()
    with pytest.raises(ModelFetchFailed, match="cannot be read"):
        store.fetch(small, cache)
    assert names(cache) == set()


def test_a_file_in_place_of_the_folder_is_one_clear_error(small: Profile, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_bytes(b"")
    for cache in (blocked, blocked / "below"):
        with pytest.raises(CacheUnwritable, match="blocked"):
            store.fetch(small, cache)


def test_a_full_disk_leaves_nothing(small: Profile, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CacheUnwritable, match="No space left on device"):
        store.fetch(small, cache)
    assert names(cache) == set()


def test_a_half_stored_file_leaves_nothing(small: Profile, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda number: os.ftruncate(number, len(CONTENT) // 2))
    with pytest.raises(CacheUnwritable, match="did not keep"):
        store.fetch(small, cache)
    assert names(cache) == set()


def test_the_written_file_is_read_back_before_it_gets_its_name(
    small: Profile, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[int] = set()
    monkeypatch.setattr(os, "fsync", lambda number: synced.add(os.fstat(number).st_ino))
    store.fetch(small, cache)
    assert {path.stat().st_ino for path in cache.iterdir()} == synced


def test_a_killed_process_leaves_a_temporary_file_that_is_removed_later(small: Profile, cache: Path) -> None:
    assert isinstance(small.detector.source, PathSource)
    child = f"""
import os, signal
from pathlib import Path
from idproof.models import store
os.fsync = lambda number: os.kill(os.getpid(), signal.SIGKILL)
store._prepare_folder(Path({str(cache)!r}))
data = Path({str(small.detector.source.path)!r}).read_bytes()
store.write(Path({str(cache / small.detector.file)!r}), data, {small.detector.sha256!r})
"""
    ended = subprocess.run([sys.executable, "-c", child], check=False)
    assert ended.returncode == -signal.SIGKILL
    (part,) = cache.iterdir()
    assert part.name.startswith(".part-")
    assert states(small, cache) == {WeightState.MISSING}
    store.fetch(small, cache)
    assert part.exists(), "a young part may belong to a process that is still writing"
    old = time.time() - 2 * 3600
    os.utime(part, (old, old))
    (cache / small.reader.file).unlink()
    store.fetch(small, cache)
    assert names(cache) == {weight.file for weight in small.weights}


def test_concurrent_fetches_are_safe(small: Profile, cache: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(store.fetch, small, cache) for _ in range(16)]:
            future.result()
    store.check(small, cache)
    assert names(cache) == {weight.file for weight in small.weights}


def test_the_folder_is_that_of_the_environment_or_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IDPROOF_MODELS", str(tmp_path))
    assert store.default_cache() == tmp_path
    monkeypatch.delenv("IDPROOF_MODELS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert store.default_cache() == tmp_path / "idproof" / "models"


def test_a_built_in_profile_can_be_given_by_name(cache: Path) -> None:
    assert [status.weight.name for status in store.list_weights("open", cache)] == [
        "yunet",
        "sface",
        "pp-ocrv6-rec-small",
        "face_landmark",
        "iris_landmark",
    ]
