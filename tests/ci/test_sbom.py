"""The bill of materials holds what the service's lock installs, nothing else, and the networks."""

import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCK = """# comment
Alpha_Package==1.0 \\
    --hash=sha256:00
    # via idproof (pyproject.toml)
beta==2.1 ; sys_platform != 'win32' \\
    --hash=sha256:00 \\
    --hash=sha256:01
only-windows==3.0 ; sys_platform == 'win32' \\
    --hash=sha256:00
"""


@pytest.fixture(scope="module")
def sbom() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sbom", ROOT / ".ci" / "sbom.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def component(name: str, version: str) -> dict[str, Any]:
    return {"bom-ref": name, "name": name, "version": version, "type": "library"}


def environment(*components: dict[str, Any]) -> dict[str, Any]:
    references = [one["bom-ref"] for one in components]
    return {
        "metadata": {"component": {"bom-ref": "root"}},
        "components": list(components),
        "dependencies": [{"ref": "root", "dependsOn": references}, *({"ref": name} for name in references)],
    }


def test_a_lock_is_read_for_this_platform(sbom: ModuleType) -> None:
    assert sbom.locked(LOCK) == {"alpha-package": "1.0", "beta": "2.1"}


def test_what_only_the_tests_need_is_left_out(sbom: ModuleType) -> None:
    found = environment(component("alpha.package", "1.0"), component("beta", "2.1"), component("pytest", "9.0"))
    kept = sbom.keep_locked(found, sbom.locked(LOCK))
    assert [one["name"] for one in kept["components"]] == ["alpha.package", "beta"]
    assert kept["dependencies"] == [
        {"ref": "root", "dependsOn": ["alpha.package", "beta"]},
        {"ref": "alpha.package"},
        {"ref": "beta"},
    ]


@pytest.mark.parametrize("other", [[], [component("beta", "2.0")]])
def test_an_environment_that_is_not_the_locked_one_is_refused(sbom: ModuleType, other: list[dict[str, Any]]) -> None:
    with pytest.raises(sbom.SbomError, match="beta"):
        sbom.keep_locked(environment(component("alpha-package", "1.0"), *other), sbom.locked(LOCK))


def test_the_networks_of_the_profile_are_named_with_their_hashes(sbom: ModuleType) -> None:
    manifest = tomllib.loads((ROOT / "models" / "manifest.toml").read_text(encoding="utf-8"))
    found = {one["name"]: one["hashes"][0]["content"] for one in sbom.networks(manifest)}
    names = ("yunet", "sface", "pp-ocrv6-rec-small", "face_landmark", "iris_landmark")
    named = [manifest["weights"][name] for name in names]
    assert found.items() >= {one["file"]: one["sha256"] for one in named}.items()
