"""The file of the protocol that the web component shares with the server is what the server's code says."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_generated_file_is_current() -> None:
    command = [sys.executable, str(ROOT / ".ci" / "generate_protocol.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_lock_names_no_registry_and_has_a_hash_of_every_package() -> None:
    """So that a fresh clone takes each package from whatever registry its npm uses, and no other content."""
    import json

    lock = json.loads((ROOT / "service" / "capture" / "package-lock.json").read_text("utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert len(packages) > 50
    assert [name for name, entry in packages.items() if not entry.get("integrity", "").startswith("sha512-")] == []
    registry = "https://registry.npmjs.org/"
    assert [name for name, entry in packages.items() if not entry.get("resolved", registry).startswith(registry)] == []
