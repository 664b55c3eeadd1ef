"""Several server processes: one that dies is replaced at once, whatever the others and it were doing."""

import os
import signal
import subprocess
import sys
import time
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace

import pytest

from idproof.service.operations import workers
from idproof.service.operations.workers import ServerProcess

SERVER = """if True:
    import sys
    from idproof.service.operations.workers import serve_workers
    if __name__ == "__main__":
        options = {"port": 0, "log_config": None, "timeout_worker_healthcheck": 60}
        serve_workers("tiny_application:respond", 2, options, factory=False)
"""


@pytest.fixture
def process() -> ServerProcess:
    """A server process that lives and does not answer."""
    made = object.__new__(ServerProcess)
    made.parent_conn, made.child_conn = Pipe()
    made.process = SimpleNamespace(is_alive=lambda: True)  # type: ignore[assignment]
    return made


def test_a_busy_process_is_not_waited_for(process: ServerProcess) -> None:
    before = time.monotonic()
    assert [process.is_alive(timeout=60) for _ in range(3)] == [True] * 3
    assert time.monotonic() - before < 1


def test_a_process_that_ended_while_a_ping_was_unanswered_is_noticed_at_once(process: ServerProcess) -> None:
    assert process.is_alive(timeout=60)
    process.process.is_alive = lambda: False  # type: ignore[method-assign]
    assert not process.is_alive(timeout=60)


def test_a_process_that_answers_no_ping_is_hung_after_the_time_limit(
    process: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    # Of this module alone: `poll` reads the real clock.
    monkeypatch.setattr(workers, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    assert process.is_alive(timeout=60)
    clock[0] = 59.0
    assert process.is_alive(timeout=60)
    process.child_conn.recv()
    process.child_conn.send(True)
    assert process.is_alive(timeout=60)  # answered: the next ping has its own time
    assert process.is_alive(timeout=60)
    clock[0] = 118.0
    assert process.is_alive(timeout=60)
    clock[0] = 120.0
    assert not process.is_alive(timeout=60)


def children(parent: int) -> set[int]:
    listed = subprocess.run(["pgrep", "-P", str(parent), "-f", "spawn_main"], capture_output=True, text=True).stdout
    return {int(line) for line in listed.split()}


def until_two(parent: int, without: int | None = None, seconds: float = 20) -> set[int]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = children(parent) - {without}
        if len(found) == 2:
            return found
        time.sleep(0.05)
    raise AssertionError("there are not two server processes")


def test_a_process_killed_while_it_answers_nothing_is_replaced_within_seconds(tmp_path: Path) -> None:
    """A stopped process has a ping without an answer when it dies; uvicorn's own watch took its whole time limit."""
    script = tmp_path / "serve.py"
    script.write_text(SERVER, encoding="utf-8")
    (tmp_path / "tiny_application.py").write_text("async def respond(scope, receive, send): ...\n", encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    server = subprocess.Popen([sys.executable, script], env=environment)
    try:
        victim = min(until_two(server.pid, seconds=60))
        time.sleep(1)
        os.kill(victim, signal.SIGSTOP)
        time.sleep(2)  # a ping is sent every half second
        os.kill(victim, signal.SIGKILL)
        assert len(until_two(server.pid, without=victim, seconds=15)) == 2  # the time limit of a ping is 60 seconds
    finally:
        server.terminate()
        server.wait(timeout=30)
