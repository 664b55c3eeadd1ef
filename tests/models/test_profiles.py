"""Profiles open from checked files, and opening fetches nothing."""

import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import httpx
import numpy as np
import pytest

from idproof.models import store
from idproof.models.arcface import ArcFaceEmbedder
from idproof.models.errors import ManifestInvalid, ModelCorrupt, ModelMissing
from idproof.models.manifest import Profile
from idproof.models.profiles import load_engines
from idproof.models.types import Engines, RGBImage


def test_engines_report_the_hashes_of_their_weights(engines: Engines, profile: Profile) -> None:
    assert engines.profile == "open"
    assert engines.weights == {weight.file: weight.sha256 for weight in profile.weights}
    assert (engines.reader.name, engines.latin_reader.name) == ("pp-ocr", "tesseract")


def test_opening_never_fetches_a_missing_weight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("something was fetched")

    monkeypatch.setattr(httpx, "get", refuse)
    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(ModelMissing, match="idproof models fetch --profile open"):
        load_engines("open", cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_changed_byte_is_refused(profile: Profile, tmp_path: Path) -> None:
    for weight in profile.weights:
        shutil.copy(store.default_cache() / weight.file, tmp_path)
    path = tmp_path / profile.embedder.file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelCorrupt, match=profile.embedder.file):
        load_engines("open", cache=tmp_path)


def test_a_users_manifest_is_opened_with_its_own_scaling(
    profile: Profile, engines: Engines, sface: bytes, astronaut: RGBImage, tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        f"""
[profiles.own]
detector = "yunet"
embedder = "mine"
reader = "pp-ocrv6-rec-small"
latin_reader = "tesseract"
face_mesh = "face_landmark"
iris = "iris_landmark"
[weights.mine]
engine = "arcface"
file = "{profile.embedder.file}"
sha256 = "{profile.embedder.sha256}"
fold_blocks = true
licence = "Apache-2.0"
origin = "a copy"
path = "elsewhere.onnx"
mean = 10.0
std = 2.0
"""
    )
    mine = load_engines("own", manifest=own)
    face = engines.embedder.align(astronaut, engines.detector.detect(astronaut)[0].landmarks)
    expected = ArcFaceEmbedder(sface, mean=10.0, std=2.0).embed([face])
    assert (mine.profile, mine.weights) == ("own", engines.weights)
    np.testing.assert_allclose(mine.embedder.embed([face]), expected, atol=1e-5)
    assert not np.allclose(expected, engines.embedder.embed([face]), atol=0.05)


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ManifestInvalid):
        load_engines("closed")
