"""The servers that the deletion benchmark sends pictures to, and two ways to send them."""

import os
import signal
import socket
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from idproof.benchmarks.deletion.canaries import Canary
from idproof.benchmarks.harness.server import ANSWER_S, Server, free_port, running_server

STREAM_GRACE_S = 2.0
"""Seconds for which a streaming device that was cut off may come back: short, so that the benchmark need not wait."""
_HANG_UP_S = 0.3
"""Seconds until the client hangs up, long enough for the server to read what was sent. Chosen by hand."""


@contextmanager
def deletion_server(
    folder: Path,
    mode: str | None = None,
    *,
    profile: str = "open",
    options: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Runs `idproof serve`, or the altered server (`altered_server.py`) when a mode is given.

    Args:
        folder: made for the server.
        mode: of the altered server.
        profile: of the networks.
        options: further options of `idproof serve`.
        settings: further environment variables.
    """
    # The control server writes a picture into shared memory, where the search must find it.
    planted = Path("/dev/shm") / f"idproof-control-{os.getpid()}-{free_port()}"  # noqa: S108
    ours = {
        "IDPROOF_BENCH_DELETION": "1",
        "IDPROOF_BENCH_PLANT": str(planted),
        "IDPROOF_BENCH_SIGNALS": str(folder.parent),  # see `planting.py`
        "IDPROOF_CONCURRENCY": "2",
        "IDPROOF_QUEUE": "8",
        "IDPROOF_PROFILE": profile,
        "IDPROOF_SESSION_REQUIRED": "0",  # a session holds no picture
        "IDPROOF_STREAM_GRACE_S": str(STREAM_GRACE_S),
    }
    try:
        with running_server(
            folder,
            ["--profile", profile, *options],
            ours | dict(settings or {}),
            module=None if mode is None else ["idproof.benchmarks.deletion.altered_server", mode],
            stop_signal=signal.SIGKILL,
        ) as server:
            yield server
    finally:
        planted.unlink(missing_ok=True)


def post(client: httpx.Client, server: Server, canary: Canary) -> httpx.Response:
    """Posts one registration with an idempotency key, so that the server takes fingerprints of its parts."""
    files = {role: (f"{role}.jpg", data, "image/jpeg") for role, data in canary.parts.items()}
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    return client.post(server.verifications_url, files=files, headers=headers, timeout=ANSWER_S)


def hang_up(server: Server, canary: Canary) -> None:
    """Sends about half of a registration and closes the connection."""
    files = {role: (role, data, "image/jpeg") for role, data in canary.parts.items()}
    request = httpx.Request("POST", server.verifications_url, files=files)
    body = request.read()
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(f"POST /v1/verifications HTTP/1.1\r\n{head}\r\n".encode() + body[: len(body) // 2])
        time.sleep(_HANG_UP_S)
