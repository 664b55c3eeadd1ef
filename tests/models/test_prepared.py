"""Rewritten networks are kept, hashed at every use, and never trusted beyond what the manifest states."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from idproof.models import prepared, store
from idproof.models.errors import ModelCorrupt, ModelMissing
from idproof.models.manifest import Profile, Weight


@pytest.fixture
def cache(tmp_path: Path, profile: Profile) -> Path:
    """A folder with the detector's weight alone."""
    shutil.copy(store.default_cache() / profile.detector.file, tmp_path)
    return tmp_path


def kept(cache: Path, weight: Weight) -> Path:
    return cache / prepared.FOLDER / f"{weight.opened_sha256}.onnx"


def test_the_manifest_states_what_rewriting_makes(profile: Profile) -> None:
    for weight in profile.weights:
        rewritten = prepared._rewritten(weight, store.read(weight, profile))
        assert sha256(rewritten).hexdigest() == weight.opened_sha256, weight.name


def test_a_network_is_rewritten_once(cache: Path, profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepared.read(profile.detector, profile, cache)
    assert kept(cache, profile.detector).read_bytes() == first
    monkeypatch.setattr(prepared, "_rewritten", None)
    assert prepared.read(profile.detector, profile, cache) == first


@pytest.mark.parametrize("damage", [b"", b"another network", None])
def test_a_damaged_kept_file_is_replaced(cache: Path, profile: Profile, damage: bytes | None) -> None:
    first = prepared.read(profile.detector, profile, cache)
    path = kept(cache, profile.detector)
    path.write_bytes(first[:-1] + bytes([first[-1] ^ 1]) if damage is None else damage)
    assert prepared.read(profile.detector, profile, cache) == first
    assert path.read_bytes() == first


def test_a_damaged_weight_is_refused(cache: Path, profile: Profile) -> None:
    path = cache / profile.detector.file
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelCorrupt):
        prepared.read(profile.detector, profile, cache)
    assert not kept(cache, profile.detector).exists()
    path.unlink()
    with pytest.raises(ModelMissing):
        prepared.read(profile.detector, profile, cache)


@pytest.mark.parametrize("stated", ["", "0" * 64])
def test_what_the_manifest_does_not_state_is_not_kept(cache: Path, profile: Profile, stated: str) -> None:
    weight = replace(profile.detector, opened_sha256=stated)
    assert prepared.read(weight, profile, cache) == prepared.read(profile.detector, profile)
    assert not kept(cache, weight).exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_no_fault(cache: Path, profile: Profile) -> None:
    cache.chmod(0o500)
    assert prepared.read(profile.detector, profile, cache) == prepared.read(profile.detector, profile)


def test_a_file_in_place_of_the_folder_is_no_fault(cache: Path, profile: Profile) -> None:
    (cache / prepared.FOLDER).write_text("in the way")
    assert prepared.read(profile.detector, profile, cache) == prepared.read(profile.detector, profile)


def test_engines_open_without_the_rewriting_libraries(profile: Profile) -> None:
    prepared.prepare(profile)
    program = (
        "import sys; from idproof.models.profiles import load_engines; load_engines(); "
        "print(sorted({'onnx', 'flatbuffers', 'scipy', 'skimage'} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
