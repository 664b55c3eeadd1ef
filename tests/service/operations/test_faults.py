"""Every acknowledged verdict reaches the core once and unchanged, though server, database or core fail; prints counts.

The server is the real process with a verifier that decides at once (`tests/support/quick_server.py`).
"""

import os
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from peers import IdentityCore, Reply
from postgres import Cluster

from idproof.service.operations.settings import Settings
from idproof.service.signing.jws import verify
from idproof.service.signing.keys import Keys

QUICK = Path(__file__).parents[2] / "support" / "quick_server.py"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Killable:
    """A server that can be killed and started again on the same port and data."""

    folder: Path
    environment: dict[str, str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    limit: Any = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-P", str(QUICK), str(self.port), str(self.folder / "data")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env=os.environ | self.environment, stdout=log, stderr=log, preexec_fn=self.limit
            )

    def wait(self) -> None:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            assert self.process is not None
            assert self.process.poll() is None, (self.folder / "log").read_text()
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/healthz", timeout=5).status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@contextmanager
def served(folder: Path, **environment: str) -> Iterator[Killable]:
    quick = {"QUICK_TAKES_S": "0.05", "IDPROOF_CONCURRENCY": "4", "IDPROOF_QUEUE": "32", "PYTHONSAFEPATH": "1"}
    quick |= {"IDPROOF_RATE_PER_MINUTE": "1000000", "IDPROOF_OUTBOX_ATTEMPTS": "100000"}
    server = Killable(folder, quick | environment)
    server.start()
    server.wait()
    try:
        yield server
    finally:
        server.kill()


def register(url: str, n: int, deadline: float) -> tuple[str, str]:
    """Sends one registration with the same session and key until there is a verdict, as a backend should."""
    files = {name: (name, f"{name} {n}".encode() * 20, "image/jpeg") for name in ("card_front", "card_tilt_left")}
    files |= {name: (name, f"{name} {n}".encode() * 20, "image/jpeg") for name in ("card_tilt_right", "selfie")}
    headers = {"Idempotency-Key": f"registration-{n}"}
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if "Capture-Session" not in headers:
                opened = httpx.post(f"{url}/v1/capture-sessions", timeout=20)
                if opened.status_code == 201:
                    headers["Capture-Session"] = opened.json()["id"]
            else:
                metadata = {"metadata": f'{{"reference": "r-{n}"}}'}
                answer = httpx.post(f"{url}/v1/verifications", files=files, data=metadata, headers=headers, timeout=20)
                if answer.status_code == 201:
                    return answer.json()["id"], answer.json()["jws"]
                assert answer.status_code in (409, 503), answer.text
        time.sleep(0.1)
    raise AssertionError(f"registration {n} got no verdict")


def wait_for_verdicts(core: IdentityCore, wanted: set[str], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not wanted <= set(core.verdicts()) and time.monotonic() < deadline:
        time.sleep(0.1)


def compare_with_core(
    core: IdentityCore, received: dict[int, tuple[str, str]], url: str, jwks: dict[str, Any]
) -> dict[str, int]:
    """Compares what clients received with what the core has; returns counts of lost, doubled and changed verdicts."""
    arrived = {event["reference"]: event for event in core.order}
    for n, (verdict_id, jws) in received.items():
        assert arrived[f"r-{n}"]["verification"] == verdict_id
        assert arrived[f"r-{n}"]["verdict"] == jws
        assert verify(jws, jwks)["jti"] == verdict_id
        assert httpx.get(f"{url}/v1/verifications/{verdict_id}", timeout=20).json()["jws"] == jws
    core.verified(jwks)
    references = [event["reference"] for event in core.order]
    counts = {
        "registrations": len(received),
        "lost": len(received) - len({f"r-{n}" for n in received} & set(references)),
    }
    counts |= {"doubled": len(references) - len(set(references)), "changed": core.changed}
    print(counts, f"attempts at the core: {core.attempts}")  # noqa: T201
    return counts


NO_LOSS = {"lost": 0, "doubled": 0, "changed": 0}


def register_while_killing(
    folder: Path, core: IdentityCore, count: int, minutes: float, url: str | None, seed: int
) -> dict[str, int]:
    environment = {"IDPROOF_CORE_URL": core.url} | ({} if url is None else {"IDPROOF_DATABASE_URL": url})
    with served(folder, **environment) as server:
        done, killed = threading.Event(), 0
        deadline = time.monotonic() + minutes * 60

        with ThreadPoolExecutor(6) as pool:
            futures = {n: pool.submit(register, server.url, n, deadline) for n in range(count)}

            def watch() -> None:
                for future in futures.values():
                    future.exception()
                done.set()

            threading.Thread(target=watch, daemon=True).start()
            rng = random.Random(seed)
            while not done.wait(rng.uniform(0.3, 1.5)):
                server.kill()
                killed += 1
                server.start()
                server.wait()
            received = {n: future.result() for n, future in futures.items()}
        wait_for_verdicts(core, {verdict_id for verdict_id, _ in received.values()}, 90)
        keys = Keys.open(Settings(data_dir=folder / "data")).public()
        return compare_with_core(core, received, server.url, keys) | {"kills": killed}


def test_a_killed_server_loses_no_acknowledged_verdict(tmp_path: Path, core: IdentityCore) -> None:
    counts = register_while_killing(tmp_path, core, 12, 4, None, seed=1)
    assert counts == counts | NO_LOSS | {"registrations": 12}
    assert counts["kills"] >= 1


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_server_that_is_killed_many_times_loses_no_acknowledged_verdict(
    tmp_path: Path, core: IdentityCore, postgresql: Cluster, kind: str
) -> None:
    counts = register_while_killing(
        tmp_path, core, 150, 25, postgresql.database() if kind == "postgresql" else None, seed=2
    )
    assert counts == counts | NO_LOSS | {"registrations": 150}
    assert counts["kills"] >= 10


@pytest.mark.parametrize(
    "failure", [*(pytest.param(failure, marks=pytest.mark.long) for failure in ("down", "slow", "errors")), "garbage"]
)
def test_every_verdict_reaches_a_failing_core_once(tmp_path: Path, failure: str) -> None:
    core = IdentityCore()
    rng = random.Random(5)
    replies: dict[str, Reply] = {"errors": (500, b""), "garbage": (200, b"<html>\xff")}

    def trouble() -> Reply | None:
        if failure == "slow":
            time.sleep(0.5)
            return None
        return replies[failure] if failure in replies and rng.random() < 0.6 else None

    core.trouble = trouble
    with served(tmp_path, IDPROOF_CORE_URL=core.url) as server:
        if failure == "down":
            core.stop()
        with ThreadPoolExecutor(4) as pool:
            futures = {n: pool.submit(register, server.url, n, time.monotonic() + 60) for n in range(12)}
            received = {n: future.result() for n, future in futures.items()}
        if failure == "down":
            core = IdentityCore(core.port)
        try:
            wait_for_verdicts(core, {verdict_id for verdict_id, _ in received.values()})
            counts = compare_with_core(
                core, received, server.url, Keys.open(Settings(data_dir=tmp_path / "data")).public()
            )
        finally:
            core.stop()
    assert counts == NO_LOSS | {"registrations": 12}


def test_a_restart_of_the_database_loses_no_acknowledged_verdict(
    tmp_path: Path, core: IdentityCore, postgresql: Cluster
) -> None:
    with served(tmp_path, IDPROOF_CORE_URL=core.url, IDPROOF_DATABASE_URL=postgresql.database()) as server:
        with ThreadPoolExecutor(4) as pool:
            futures = {n: pool.submit(register, server.url, n, time.monotonic() + 90) for n in range(24)}
            time.sleep(0.5)
            postgresql.stop("immediate")
            try:
                time.sleep(1)
            finally:
                postgresql.start()
            received = {n: future.result() for n, future in futures.items()}
        wait_for_verdicts(core, {verdict_id for verdict_id, _ in received.values()})
        counts = compare_with_core(core, received, server.url, Keys.open(Settings(data_dir=tmp_path / "data")).public())
    assert counts == NO_LOSS | {"registrations": 24}


@pytest.mark.long
def test_a_full_disk_refuses_registrations_and_loses_no_acknowledged_verdict(
    tmp_path: Path, core: IdentityCore
) -> None:
    """The database's file may not grow, as on a full disk; after a restart with space, earlier verdicts are there."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, resource.RLIM_INFINITY))

    files = {
        name: (name, b"x" * 50, "image/jpeg") for name in ("card_front", "card_tilt_left", "card_tilt_right", "selfie")
    }
    quick = {"IDPROOF_CORE_URL": core.url, "QUICK_TAKES_S": "0", "PYTHONSAFEPATH": "1"}
    quick |= {"IDPROOF_SESSION_REQUIRED": "0", "IDPROOF_RATE_PER_MINUTE": "100000"}
    server = Killable(tmp_path, quick, limit=limit)
    server.start()
    server.wait()
    acknowledged, refused = [], []
    try:
        with httpx.Client(base_url=server.url, timeout=30) as client:
            for _ in range(600):
                answer = client.post("/v1/verifications", files=files)
                (acknowledged if answer.status_code == 201 else refused).append(answer)
                if len(refused) >= 3:
                    break
        assert refused, "the disk never filled"
        assert {answer.json()["code"] for answer in refused} <= {"store_unavailable", "audit_broken"}
        assert {answer.status_code for answer in refused} == {503}
    finally:
        server.kill()
    server.limit = None
    server.start()
    server.wait()
    try:
        with httpx.Client(base_url=server.url, timeout=30) as client:
            ids = [answer.json()["id"] for answer in acknowledged]
            assert all(client.get(f"/v1/verifications/{verdict_id}").status_code == 200 for verdict_id in ids)
            assert client.post("/v1/verifications", files=files).status_code == 201
            wait_for_verdicts(core, set(ids))
            assert set(ids) <= set(core.verdicts())
            print({"acknowledged": len(ids), "refused": len(refused), "lost": len(set(ids) - set(core.verdicts()))})  # noqa: T201
    finally:
        server.kill()
