"""A verification stays on the machine: no connection, no look-up, and no file outside the folders that it may write.

strace sees what every process and every library does, whatever language it is written in. The controls show that it
would see a connection, a look-up and a file.
"""

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray_verification
from system_calls import Trace, trace

from idproof.datasets.specimen.make import Registration
from idproof.models import TELEMETRY_OFF
from idproof.models.store import default_cache

ROOT = Path(__file__).parents[3]
_TELEMETRY_ON = {"ORT_DISABLE_TELEMETRY": "0", "RAY_USAGE_STATS_ENABLED": "1", "RAY_USAGE_STATS_REPORT_URL": ""}
_COLLECTOR = "http://192.0.2.9:4318"
"""Of a network for documentation (RFC 5737)."""
_EXPORTS = {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": _COLLECTOR}
"""OpenTelemetry's own settings, which send nothing: the service exports only to its own setting's address."""
_ALLOWED = (Path("/dev/null"), Path("/dev/tty"), Path("/proc/self"))


def run(folder: Path, *command: str, **environment: str) -> Trace:
    """Runs Python under strace with a home and a folder for temporary files of its own, without our own environment."""
    home, temporary = folder / "home", folder / "tmp"
    for path in (home, temporary):
        path.mkdir(exist_ok=True)
    ours = {"HOME": str(home), "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1"}
    ours |= {name: "" for name in os.environ if name.startswith("XDG_")} | {"IDPROOF_MODELS": str(default_cache())}
    ours |= _TELEMETRY_ON | _EXPORTS  # the code switches it off, not the environment of the tests
    return trace([sys.executable, *command], ours | environment, folder / "strace.log")


def test_a_verification_connects_to_nothing_looks_up_no_name_and_writes_only_temporary_files(
    tmp_path: Path, registration: Registration
) -> None:
    registration.write(tmp_path / "set")
    pictures = {name: str(tmp_path / "set" / f"{name}.jpg") for name in ("front", "tilt_left", "tilt_right", "selfie")}
    selfie = pictures.pop("selfie")
    cards = [argument for picture in pictures.values() for argument in ("--card", picture)]
    done = run(tmp_path, "-m", "idproof.service", "verify", "--accept-uploads", *cards, "--selfie", selfie)
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


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder for Ray, which puts sockets into it: their names have at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as name:
        yield Path(name)


@pytest.mark.long
def test_a_verification_on_a_ray_cluster_connects_only_within_the_machine(
    tmp_path: Path, short: Path, registration: Registration
) -> None:
    """Every process is followed: driver, cluster, agents and the replica that loads the networks.

    Ray writes one file into the home folder, the token that its own connections need.
    """
    registration.write(tmp_path / "set")
    script = (ray_verification.__file__, str(tmp_path / "set"), str(tmp_path / "tmp"))
    done = run(tmp_path, "-P", *script, RAY_TMPDIR=str(short))
    assert (done.returncode, done.stdout) == (0, "refer\n"), done.stderr
    assert done.remote != []
    assert done.beyond_the_machine() == []
    home = tmp_path / "home"
    written = done.written_outside(tmp_path / "tmp", short, *_ALLOWED, Path("/dev/shm"))
    assert {path for path in written if not re.fullmatch(r"/proc/\d+/oom_score_adj", str(path))} == {
        home / ".ray",
        home / ".ray" / "auth_token",
    }


def test_every_switch_of_telemetry_is_set_in_container_makefile_and_manifest() -> None:
    assert TELEMETRY_OFF.keys() == _TELEMETRY_ON.keys()
    for name, value in TELEMETRY_OFF.items():
        assert f"{name}={value}" in (ROOT / "Dockerfile").read_text()
        assert f"{name} = {value}" in (ROOT / "Makefile").read_text()
    manifest = (ROOT / "service" / "operations" / "kuberay.yaml").read_text()
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_USAGE_STATS_REPORT_URL"):
        assert f'{{ name: {name}, value: "{TELEMETRY_OFF[name]}" }}' in manifest


EXPORT = """
from idproof.service.operations import telemetry
from idproof.service.operations.settings import Settings
telemetry.configure(Settings(otlp_endpoint={endpoint!r}))
telemetry.record_verification("ver_1", "accept", {{"capture": 1.0}})
getattr(telemetry.trace.get_tracer_provider(), "shutdown", lambda: None)()
"""


@pytest.mark.parametrize(("endpoint", "sent"), [(None, False), ("http://127.0.0.1:9/v1/traces", True)])
def test_spans_leave_the_machine_only_to_the_collector_of_the_settings(
    tmp_path: Path, endpoint: str | None, sent: bool
) -> None:
    done = run(tmp_path, "-c", EXPORT.format(endpoint=endpoint))
    assert done.returncode == 0, done.stderr
    assert bool(done.remote) == sent
    assert done.beyond_the_machine() == []


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
        "import os; os.chdir('{1}'); open('written', 'a')",
        "import os; os.mkdir('{0}')",
        "import sqlite3; sqlite3.connect('{0}').execute('create table x (y)')",
        "import subprocess; subprocess.run(['touch', '{0}'])",
    ],
    ids=["open", "low_level", "relative", "folder", "from_c", "child"],
)
def test_a_written_file_is_seen(tmp_path: Path, code: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = run(tmp_path, "-c", code.format(elsewhere / "written", elsewhere))
    assert elsewhere / "written" in done.written_outside(tmp_path / "tmp", *_ALLOWED)
