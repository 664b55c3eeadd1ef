"""The folder of a Ray cluster is its user's, or there is no cluster."""

import os
from pathlib import Path

import pytest

from idproof.pipeline.errors import ClusterUnavailable
from idproof.pipeline.executors.ray_folder import own_folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    return tmp_path / f"ray-{os.getuid()}"


def test_only_its_owner_opens_it(place: Path) -> None:
    assert own_folder() == place
    place.chmod(0o777)
    assert own_folder().stat().st_mode & 0o777 == 0o700


def test_a_link_a_file_and_a_folder_of_somebody_else_are_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place.parent / "elsewhere").mkdir()
    place.symlink_to(place.parent / "elsewhere")
    with pytest.raises(ClusterUnavailable):
        own_folder()
    place.unlink()
    place.write_text("")
    with pytest.raises(ClusterUnavailable):
        own_folder()
    place.unlink()
    place.mkdir()
    user = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: user + 1)
    place.rename(place.with_name(f"ray-{user + 1}"))
    with pytest.raises(ClusterUnavailable, match="somebody else"):
        own_folder()


def test_a_place_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_TMPDIR", "/proc/nowhere")
    with pytest.raises(ClusterUnavailable, match="/proc/nowhere"):
        own_folder()
