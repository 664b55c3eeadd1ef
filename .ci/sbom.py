"""Writes the software bill of materials of the service: CycloneDX, made by cyclonedx-py.

    .venv/tools/bin/python .ci/sbom.py [OUT]          # OUT is build/sbom.cdx.json unless given

cyclonedx-py describes the environment that the tests ran in, with licences and with what needs what. Of it stays what
locks/service.txt installs; everything in that lock must be there at its version. The networks of the profile `open`
are added with their SHA-256, and the whole is held to the schema.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
_PIN = re.compile(r"^([A-Za-z0-9][^\\\n]+) \\$", re.MULTILINE)
SPECIFICATION = "1.6"
Bom = dict[str, Any]


class SbomError(Exception):
    """The environment is not the locked one, or the description does not follow the schema."""


def describe_environment() -> Bom:
    """Returns what cyclonedx-py says of the project's environment."""
    command = [str(ROOT / ".venv" / "tools" / "bin" / "cyclonedx-py"), "environment", "--pyproject", "pyproject.toml"]
    command += ["--output-reproducible", "--spec-version", SPECIFICATION, str(ROOT / ".venv" / "bin" / "python")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    found: Bom = json.loads(done.stdout)
    return found


def locked(lock: str) -> dict[str, str]:
    """Returns name to version of the packages of a lock that this platform needs."""
    pins = [Requirement(pin) for pin in _PIN.findall(lock)]
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in pins
        if pin.marker is None or pin.marker.evaluate()
    }


def keep_locked(found: Bom, wanted: dict[str, str]) -> Bom:
    """Returns the description with nothing in it but the locked packages.

    Raises:
        SbomError: one of them is not there, or at another version.
    """
    kept = [one for one in found["components"] if wanted.get(canonicalize_name(one["name"])) == one["version"]]
    if missing := wanted.keys() - {canonicalize_name(one["name"]) for one in kept}:
        raise SbomError(f"the environment does not hold what is locked: {', '.join(sorted(missing))}")
    references = {one["bom-ref"] for one in kept} | {found["metadata"]["component"]["bom-ref"]}
    edges = [
        one | ({"dependsOn": [name for name in one["dependsOn"] if name in references]} if "dependsOn" in one else {})
        for one in found["dependencies"]
        if one["ref"] in references
    ]
    return found | {"components": kept, "dependencies": edges}


def networks(manifest: dict[str, Any], profile: str = "open") -> list[dict[str, Any]]:
    """Returns the networks of a profile as components."""
    named = manifest["weights"]
    return [
        {
            "type": "machine-learning-model",
            "bom-ref": f"network:{name}",
            "name": named[name]["file"],
            "description": named[name]["origin"],
            "hashes": [{"alg": "SHA-256", "content": named[name]["sha256"]}],
            "licenses": [{"license": {"id": named[name]["licence"]}}],
        }
        for name in manifest["profiles"][profile].values()
        if name in named
    ]


def validate(text: str) -> None:
    """Raises `SbomError` when the text does not follow the schema of CycloneDX."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    if fault := JsonStrictValidator(SchemaVersion.from_version(SPECIFICATION)).validate_str(text):
        raise SbomError(f"the description does not follow the schema: {str(fault)[:200]}")


def main(out: Path) -> None:
    """Writes the file."""
    lock = (ROOT / "locks" / "service.txt").read_text(encoding="utf-8")
    found = keep_locked(describe_environment(), locked(lock))
    found["components"] += networks(tomllib.loads((ROOT / "models" / "manifest.toml").read_text(encoding="utf-8")))
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    validate(text)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    print(f"sbom: {len(found['components'])} components in {out}")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "sbom.cdx.json")
    except SbomError as error:
        sys.exit(f"sbom: {error}")
