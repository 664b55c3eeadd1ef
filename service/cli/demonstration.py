"""`idproof demo`: the real service, an invented applicant, one verdict, and no picture left."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from idproof.datasets.specimen.make import make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline.documents import load_builtin
from idproof.service.cli.main import show
from idproof.service.errors import DemoFailed
from idproof.service.operations import residue
from idproof.service.signing.check import check_verdict

_START_S = 60


def run(portraits: Path | None, seed: int) -> int:
    """The whole demonstration; 0 when the applicant was accepted, the signature holds and nothing was found."""
    console = Console(soft_wrap=True)
    console.print("Making a specimen applicant: an invented person on an invented card …")
    pictures = _applicant(portraits, seed)
    with tempfile.TemporaryDirectory(prefix="idproof-demo-") as folder:
        data_dir, scratch = Path(folder) / "data", Path(folder) / "tmp"
        scratch.mkdir()
        console.print("Starting the service …")
        with _server(data_dir, scratch) as (url, pid):
            console.print(f"Posting three captures and a selfie to {url}/v1/verifications …\n")
            verdict = _post(url, pictures)
            show(verdict, as_json=False)
            console.print("\nThe same as JSON:")
            console.print_json(json.dumps(verdict))
            signed = _show_signature(console, url, verdict)
            clean = _show_nothing_left(console, pid, Path(folder), pictures)
    accepted = verdict["decision"] == "accept"
    return 0 if accepted and signed and clean else 1


def _applicant(portraits: Path | None, seed: int) -> dict[str, bytes]:
    return make(seed, 0, PortraitSource.open(portraits), load_builtin()).parts()


@contextmanager
def _server(data_dir: Path, scratch: Path) -> Iterator[tuple[str, int]]:
    """`idproof serve` as a process of its own, with its own folder for temporary files."""
    port = _free_port()
    command = [sys.executable, "-m", "idproof.service", "serve", "--port", str(port), "--data-dir", str(data_dir)]
    environment = os.environ | {"TMPDIR": str(scratch), "PYTHONSAFEPATH": "1"}
    if os.geteuid() != 0:  # only root may search a process that is shut to others
        environment["IDPROOF_INSPECTABLE"] = "1"
    log = (scratch.parent / "server.log").open("wb")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process, scratch.parent / "server.log")
        yield url, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=_START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise DemoFailed(f"The service did not start. {''.join(last)}")
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise DemoFailed(f"The service was not ready within {_START_S} seconds.")


def _post(url: str, pictures: dict[str, bytes]) -> dict[str, Any]:
    files = {part: (f"{part}.jpg", data, "image/jpeg") for part, data in pictures.items()}
    session = httpx.post(f"{url}/v1/capture-sessions", timeout=_START_S).json()["id"]
    headers = {"Capture-Session": session}
    answer = httpx.post(f"{url}/v1/verifications", files=files, headers=headers, timeout=_START_S)
    body: dict[str, Any] = answer.json()
    if answer.status_code != httpx.codes.CREATED:
        raise DemoFailed(f"The service answered {answer.status_code}: {body.get('detail')}")
    return body


def _show_signature(console: Console, url: str, verdict: dict[str, Any]) -> bool:
    keys = f"{url}/.well-known/jwks.json"
    check_verdict(json.dumps(verdict), keys)
    console.print(f"\nThe verdict is signed; the public key is at {keys}")
    console.print("and in keys/jwks.json of the data folder. Checked: the signature holds.")
    return True


def _show_nothing_left(console: Console, pid: int, folder: Path, pictures: dict[str, bytes]) -> bool:
    """Search the server for pieces of what was posted, and ourselves as the control, who still hold it."""
    wanted = list({piece for data in pictures.values() for piece in residue.sample_fragments(data)})
    # The whole folder: keys and database, the service's temporary folder, and its log.
    files = residue.search_files([folder], wanted)
    console.print(f"\nLooking for {len(wanted)} pieces of the posted pictures:")
    console.print(f"  in the service's files     {files.found} found ({files.searched_bytes:,} bytes searched)")
    try:
        memory = residue.search_memory(pid, wanted)
        control = residue.search_memory(os.getpid(), wanted)
    except OSError:
        console.print("  in the service's memory    could not be assessed: the system does not let us look")
        return False
    console.print(f"  in the service's memory    {memory.found} found ({memory.searched_bytes:,} bytes searched)")
    console.print(f"  control, this very process {control.found} found: it still holds them, so the search works")
    return files.found == 0 and memory.found == 0 and control.found == len(wanted)
