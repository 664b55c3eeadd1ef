"""The moment at which a scenario stops the server: in the middle of its work, and never while it is idle."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.processes import processor_s
from idproof.benchmarks.harness.server import Server

PROGRAM = """
import sys
print("ready", flush=True)
sys.stdin.readline()
while True:
    pass
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", PROGRAM], start_new_session=True, **pipes) as process:  # type: ignore[call-overload]
        process.stdout.readline()
        yield Server(process, 0, tmp_path)
        process.kill()


def test_an_idle_server_is_not_verifying(server: Server) -> None:
    with pytest.raises(BenchmarkFailed, match="never began"):
        server.wait_until_verifying(seconds=1)


def test_a_server_that_works_is_verifying(server: Server) -> None:
    before = processor_s(server.process.pid)
    assert server.process.stdin is not None
    server.process.stdin.write(b"\n")
    server.process.stdin.flush()
    server.wait_until_verifying()
    assert processor_s(server.process.pid) - before >= 0.3
