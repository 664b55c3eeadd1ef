"""Several server processes: one that dies is replaced at once, whatever the others and it were doing."""

import os
import signal
import subprocess
import sys
import time
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from idproof.service.cli.main import assemble
from idproof.service.operations import process as guards
from idproof.service.operations import server, workers
from idproof.service.operations.settings import Settings
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


OTHER_THAN_DEFAULT: dict[str, Any] = {
    "face_template": "none",  # records exclude another one
    "document": "cards/own.toml",
    "liveness_distance": "standing",
    "executor": "ray",
    "ray_address": "ray-head:6379",
    "replicas": 2,
    "max_replicas": 3,
    "allowed_hosts": "idproof.example",
    "oauth_issuer": "https://issuer.example",
    "trusted_proxies": "10.0.0.5/32",
    "capture_origins": "https://shop.example",
    "capture_frame_ancestors": "https://shop.example",
    "provider": "cpu",
    "accept_uploads_because": "for a trial of ten days",
    "accept_without_liveness_because": "for a trial of ten days",
    "accept_without_records_because": "for a trial of ten days",
    "accept_from": "device",  # the other value excludes the reasons above
    "passkey_attestation": "direct",
    "passkey_rp_id": "idproof.example",
    "passkey_origins": "https://idproof.example",
    "credential_issuer": "https://issuer.example",
    "only": "presentations",
    "presentation_verifier": "https://verifier.example",
    "presentation_issuers": "https://issuer.example",
    "presentation_return_origins": "https://verifier.example",
    "presentation_client_id": "x509_san_dns",
    "presentation_response": "direct_post",
    "review_officers": 1,
    "review_pictures": "sealed",
    "sandbox": False,  # a sandbox has neither production nor another document type
}
SECRETS = {"database_url"}


def other(name: str) -> Any:
    """A value of a setting that is not its default."""
    if name in OTHER_THAN_DEFAULT:
        return OTHER_THAN_DEFAULT[name]
    if name in SECRETS:
        return SecretStr("postgresql://hunter2@db/idproof")
    default = Settings.model_fields[name].default
    if isinstance(default, bool):
        return not default
    if isinstance(default, int | float):
        return default + 1 if name != "stream_grace_s" else 31.0
    if name.endswith(("_url", "_origin")):
        return f"https://{name.replace('_', '-')}.example/"
    return f"other/{name}"


def settings_of_a_worker(monkeypatch: pytest.MonkeyPatch) -> tuple[Settings, str]:
    """Settings that a started worker serves with, and the text that it was handed."""
    made: list[Settings] = []
    monkeypatch.setattr(server.process, "enforce_guards", lambda _: None)
    monkeypatch.setattr(server.hardening, "silence_crashes", lambda: None)
    monkeypatch.setattr(server, "application", lambda settings, *_: made.append(settings))
    monkeypatch.setenv(server._HOST, "127.0.0.1")
    monkeypatch.setenv(server._PORT, "8000")
    server.worker()
    return made[0], os.environ[server._SETTINGS]


def test_a_worker_serves_with_every_setting_and_is_handed_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in [name for name in os.environ if name.startswith("IDPROOF_")]:
        monkeypatch.delenv(variable)
    chosen = {name: other(name) for name in Settings.model_fields}
    settings = Settings.load(**chosen)
    unchanged = {name for name, value in Settings(data_dir=tmp_path) if value == getattr(settings, name)}
    assert unchanged == {"sandbox", "accept_from", "face_template"}
    monkeypatch.setenv(server._SETTINGS, server._settings_for_workers(settings))
    served, text = settings_of_a_worker(monkeypatch)
    assert {name for name, value in served if value != getattr(settings, name)} == SECRETS
    assert "hunter2" not in text


def test_a_setting_in_a_secrets_file_is_read_by_each_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "idproof_webhook_url").write_text("https://hunter2@backend.example/\n")
    (tmp_path / "idproof_issuer").write_text("of the file")
    monkeypatch.setenv("IDPROOF_SECRETS_DIR", str(tmp_path))
    settings = Settings.load(data_dir=tmp_path, issuer="of the command line")
    monkeypatch.setenv(server._SETTINGS, server._settings_for_workers(settings))
    served, text = settings_of_a_worker(monkeypatch)
    assert served == settings
    assert "hunter2" not in text


def test_the_command_lines_document_type_reaches_the_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[Settings] = []
    monkeypatch.setattr(guards, "restart_hardened", lambda _: None)
    monkeypatch.setattr(guards, "enforce_guards", lambda _: None)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(server, "serve_workers", lambda *_: handed.append(settings_of_a_worker(monkeypatch)[0]))
    command = ["serve", "--document", "own.toml", "--replicas", "3", "--workers", "2", "--data-dir", str(tmp_path)]
    done = CliRunner().invoke(assemble(benchmarks=False), command)
    assert done.exit_code == 0, done.output
    assert [(settings.document, settings.replicas) for settings in handed] == [("own.toml", 3)]
