"""A verification stays on the machine: no connection, no look-up, and no file outside the folders that it may write.

strace sees what every process and every library does, whatever language it is written in. The controls show that it
would see a connection, a look-up and a file.
"""

import json
import os
import sys
from pathlib import Path

import pytest
from system_calls import Trace, trace

from idproof.datasets.specimen.make import Registration
from idproof.models import TELEMETRY_OFF
from idproof.models.store import default_cache

_ALLOWED = (Path("/dev/null"), Path("/dev/tty"), Path("/proc/self"))


def run(folder: Path, *command: str, **environment: str) -> Trace:
    """Runs Python under strace with a home and a folder for temporary files of its own, without our own environment."""
    home, temporary = folder / "home", folder / "tmp"
    for path in (home, temporary):
        path.mkdir(exist_ok=True)
    ours = {"HOME": str(home), "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1"}
    ours |= {name: "" for name in os.environ if name.startswith("XDG_")} | {"IDPROOF_MODELS": str(default_cache())}
    ours |= dict.fromkeys(TELEMETRY_OFF, "0")  # the code sets it, not whoever starts the tests
    return trace([sys.executable, *command], ours | environment, folder / "strace.log")


def test_a_verification_connects_to_nothing_looks_up_no_name_and_writes_only_temporary_files(
    tmp_path: Path, registration: Registration
) -> None:
    registration.write(tmp_path / "set")
    pictures = {name: str(tmp_path / "set" / f"{name}.jpg") for name in ("front", "tilt_left", "tilt_right", "selfie")}
    selfie = pictures.pop("selfie")
    cards = [argument for picture in pictures.values() for argument in ("--card", picture)]
    done = run(tmp_path, "-m", "idproof.service", "verify", *cards, "--selfie", selfie)
    assert done.returncode == 0, done.stderr
    assert "ACCEPT" in done.stdout
    assert done.remote == []
    assert done.written_outside(tmp_path / "tmp", *_ALLOWED) == set()
    assert list((tmp_path / "home").rglob("*")) == []
    assert list((tmp_path / "tmp").rglob("*")) == []


def test_the_service_connects_only_within_the_machine_and_writes_only_below_its_folders(tmp_path: Path) -> None:
    """The demonstration is a client of the real server, so its own connections to 127.0.0.1 are seen and expected.

    It runs with --json, so that one run of this minute shows that too: one object, and the verdict in the file.
    """
    out = tmp_path / "tmp" / "verdict.json"
    done = run(tmp_path, "-m", "idproof.service", "demo", "--json", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert done.remote != []
    assert [line for line in done.remote if 'inet_addr("127.0.0.1")' not in line] == []
    assert done.written_outside(tmp_path / "tmp", *_ALLOWED) == set()
    assert list((tmp_path / "home").rglob("*")) == []
    assert list((tmp_path / "tmp").iterdir()) == [out]
    printed = json.loads(done.stdout)
    assert printed["verdict"] == json.loads(out.read_text(encoding="utf-8"))
    assert printed["clean"] is True
    assert (printed["residue"]["wanted"], printed["residue"]["control"]["found"]) == (32, 32)
    assert "Starting the service" in done.stderr


CONNECT = "import socket; socket.socket().connect(('127.0.0.1', 9))"


@pytest.mark.parametrize(
    "code",
    [
        CONNECT,
        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
        "import socket; socket.getaddrinfo('idproof.invalid', 443)",
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CONNECT!r}])",
    ],
    ids=["connect", "packet", "look_up", "connect_of_a_child"],
)
def test_a_connection_and_a_look_up_are_seen(tmp_path: Path, code: str) -> None:
    assert run(tmp_path, "-c", code).remote != []


@pytest.mark.parametrize(
    "code",
    [
        "open('{0}', 'w')",
        "import os; os.open('{0}', os.O_RDWR | os.O_CREAT)",
        "import os; os.chdir('{1}'); open('kept', 'a')",
        "import os; os.mkdir('{0}')",
        "import sqlite3; sqlite3.connect('{0}').execute('create table x (y)')",
        "import subprocess; subprocess.run(['touch', '{0}'])",
    ],
    ids=["open", "low_level", "relative", "folder", "from_c", "child"],
)
def test_a_written_file_is_seen(tmp_path: Path, code: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = run(tmp_path, "-c", code.format(elsewhere / "kept", elsewhere))
    assert elsewhere / "kept" in done.written_outside(tmp_path / "tmp", *_ALLOWED)
