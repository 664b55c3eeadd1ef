"""Every dependency that is installed is locked with its hash, and nothing is installed without the locks."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
PARTS = {
    "base": (),
    "prepare": ("prepare",),
    "trial": ("specimen",),
    "service": ("attestation", "heif", "postgres", "telemetry"),
    "cluster": ("attestation", "heif", "postgres", "ray", "telemetry"),
    "development": ("dev", "bench"),
    "everything": tuple(EXTRAS),
}
LOCKS = [*PARTS, "build", "tools"]
ENTRY = re.compile(r"^(?P<pin>[A-Za-z0-9][^\\\n]*?) \\\n(?P<hashes>(?: {4}--hash=\S+(?: \\)?\n)+)", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
DIGEST = r"@sha256:[0-9a-f]{64}"


def read(name: str) -> str:
    return (ROOT / "locks" / f"{name}.txt").read_text(encoding="utf-8")


def pins(name: str) -> dict[str, str]:
    """Name to version; every line that is no comment belongs to an entry with at least one hash."""
    text = read(name)
    found = list(ENTRY.finditer(text))
    left = re.sub(r"^\s*#.*\n", "", ENTRY.sub("", text), flags=re.MULTILINE)
    assert left == "", f"lines without a hash: {left[:200]}"
    for entry in found:
        for line in entry["hashes"].strip().splitlines():
            assert HASH.fullmatch(line.strip().removesuffix(" \\")), entry["pin"]
    requirements = [Requirement(entry["pin"]) for entry in found]
    assert all(re.fullmatch(r"==[^*,]+", str(one.specifier)) and one.url is None for one in requirements)
    versions = {canonicalize_name(one.name): str(one.specifier)[2:] for one in requirements}
    assert len(versions) == len(requirements)
    return versions


def direct(extras: tuple[str, ...]) -> list[Requirement]:
    """The requirements of the project with these extras; an extra may name others of ours."""
    wanted = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
    waiting, seen = list(extras), set[str]()
    while waiting:
        extra = waiting.pop()
        if extra in seen:
            continue
        seen.add(extra)
        for one in map(Requirement, EXTRAS[extra]):
            if one.name == "idproof":
                waiting += one.extras
            else:
                wanted.append(one)
    return wanted


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_is_one_version_with_a_hash_and_no_address(name: str) -> None:
    assert pins(name)
    assert "://" not in read(name)
    assert not re.search(r"^\s*-(?!-hash)", read(name), re.MULTILINE), "an option, such as an index"


@pytest.mark.parametrize("name", PARTS)
def test_a_lock_holds_every_dependency_of_its_extras(name: str) -> None:
    locked = pins(name)
    wrong = [
        str(one)
        for one in direct(PARTS[name])
        if not one.specifier.contains(locked.get(canonicalize_name(one.name), "0"), prereleases=True)
    ]
    assert wrong == [], "run `make lock`"


def test_a_package_has_one_version_everywhere() -> None:
    everything = pins("everything") | pins("build")
    for name in PARTS:
        assert pins(name).items() <= everything.items(), name
    assert pins("service").keys() <= pins("development").keys(), "the SBOM describes the environment of the tests"


def test_the_build_backend_is_the_locked_one() -> None:
    (backend,) = PROJECT["build-system"]["requires"]
    assert backend == f"setuptools=={pins('build')['setuptools']}"
    assert pins("build").keys() == {"setuptools"}


def test_the_tools_are_locked() -> None:
    wanted = {canonicalize_name(Requirement(one).name) for one in PROJECT["dependency-groups"]["supply-chain"]}
    assert wanted <= pins("tools").keys()


def test_a_service_brings_nothing_that_it_does_not_use() -> None:
    """Ray, what rewrites networks, what renders specimens, what draws plots, windows of OpenCV, and what trains."""
    unused = {"ray", "onnx", "scikit-image", "scipy", "matplotlib", "mitsuba", "numba", "opencv-python", "torch"}
    for name in ("base", "service"):
        assert not unused & pins(name).keys(), name
    assert "ray" in pins("cluster")


def test_insightface_is_in_no_service() -> None:
    """It downloads weights by itself; we compare with it in tests and benchmarks alone."""
    assert not {"insightface", "requests"} & pins("base").keys()
    assert "insightface" not in pins("service")
    assert "insightface" in pins("development")


@pytest.mark.parametrize("name", [".ci/setup", ".ci/tools", "Dockerfile"])
def test_pip_installs_nothing_without_a_hash(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    installs = re.findall(r"pip install ([^\n|&]*)", text)
    assert installs
    for arguments in installs:
        of_us = "--no-deps" in arguments and "--no-build-isolation" in arguments
        assert "--require-hashes" in arguments or of_us, arguments


def test_base_images_are_named_by_digest() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (image,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    assert re.fullmatch(r"python:[\w.-]+" + DIGEST, image)
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    assert not dockerfile.startswith("# syntax="), "would fetch a builder by its tag"
    images = re.findall(r"^\s*image: (\S+)$", (ROOT / "compose.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    assert images
    assert all(re.search(DIGEST + "$", one) for one in images)
