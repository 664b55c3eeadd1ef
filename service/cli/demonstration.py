"""Runs the demonstration: the real service, an invented applicant, one verdict, and no picture left."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from idproof.datasets.specimen.make import make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline.documents import load_builtin
from idproof.service.cli.output import plain_console, print_decision, print_fields, print_json
from idproof.service.errors import DemoFailed
from idproof.service.operations import residue
from idproof.service.operations.residue import SearchResult
from idproof.service.signing.check import check_verdict

_START_S = 60
"""Seconds allowed for each of start, answer and stop: chosen by hand; no outside source."""

_WRITTEN_EXCEPTIONS = {
    "IDPROOF_ACCEPT_UPLOADS_BECAUSE": "the demonstration posts a specimen, which no device captured",
    "IDPROOF_ACCEPT_WITHOUT_LIVENESS_BECAUSE": "a specimen has no frames of a person",
}
"""Without these the service refers every upload at best, since uploaded files may have been computed."""

MemorySearch = Callable[[int, Sequence[bytes]], SearchResult]


@dataclass(frozen=True, slots=True)
class ResidueReport:
    """Result of the search for pieces of the posted pictures.

    Attributes:
        wanted: number of different pieces that were searched for.
        files: result for every file of the service: keys, database, temporary files and log.
        memory: result for the service's memory; None when the system does not permit the search.
        control: result of the same search in this process, which still holds the pictures; None like `memory`.
    """

    wanted: int
    files: SearchResult
    memory: SearchResult | None
    control: SearchResult | None

    @property
    def clean(self) -> bool:
        """True when the search found no piece in the service, and every piece in the control."""
        if self.memory is None or self.control is None:
            return False
        return self.files.found == 0 and self.memory.found == 0 and self.control.found == self.wanted


def run(portraits: Path | None, seed: int, out: Path | None = None, *, as_json: bool = False) -> int:
    """Runs the whole demonstration.

    Args:
        portraits: folder or zip of photographs; None for the bundled ones.
        seed: of the invented applicant.
        out: file that the whole verdict is written to; None for a file in a new temporary folder.
        as_json: print one JSON object with the verdict and the deletion proof, and progress on standard error.

    Returns:
        0 when the applicant was accepted, the signature holds and no piece of a picture was found; else 1.

    Raises:
        DemoFailed: the service did not start, or did not answer as specified.
    """
    progress = Console(soft_wrap=True, stderr=as_json)
    progress.print("Making a specimen applicant: an invented person on an invented card …")
    pictures = make(seed, 0, PortraitSource.open(portraits), load_builtin()).parts()
    with tempfile.TemporaryDirectory(prefix="idproof-demo-") as folder:
        data_dir, scratch = Path(folder) / "data", Path(folder) / "tmp"
        scratch.mkdir()
        progress.print("Starting the service …")
        with _server(data_dir, scratch) as (url, pid):
            progress.print(f"Posting three captures and a selfie to {url}/v1/verifications …")
            verdict = _post(url, pictures)
            jwks = f"{url}/.well-known/jwks.json"
            progress.print("Checking the signature, and searching the service's files and memory for the pictures …\n")
            check_verdict(json.dumps(verdict), jwks)
            report = search_residue(pid, Path(folder), pictures)
    file = _write_verdict(verdict, out)
    if as_json:
        print_json({"verdict": verdict, "file": str(file), "residue": asdict(report), "clean": report.clean})
    else:
        _print_summary(plain_console(), verdict, report, jwks, file)
    return 0 if verdict["decision"] == "accept" and report.clean else 1


def search_residue(
    pid: int, folder: Path, pictures: dict[str, bytes], search_memory: MemorySearch = residue.search_memory
) -> ResidueReport:
    """Searches a server for pieces of the pictures that were posted to it, and this process as the control.

    Args:
        pid: of the server.
        folder: everything that the server writes lies below it.
        pictures: what was posted, encoded.
        search_memory: searches the memory of a process.
    """
    wanted = list({piece for data in pictures.values() for piece in residue.sample_fragments(data)})
    files = residue.search_files([folder], wanted)
    try:
        return ResidueReport(len(wanted), files, search_memory(pid, wanted), search_memory(os.getpid(), wanted))
    except OSError:
        return ResidueReport(len(wanted), files, None, None)


def proof_lines(receipt: dict[str, Any], report: ResidueReport) -> list[str]:
    """Returns the five lines of deletion proof: receipt, guards, files, memory, control.

    Args:
        receipt: member `deletion` of the verdict.
        report: result of the search.
    """
    count, size = (sum(entry[member] for entry in receipt["wiped"]) for member in ("count", "bytes"))
    return [
        f"{count} buffers ({size:,} bytes) {receipt['mechanism']}; still held: {receipt['outstanding']}",
        f"guards in force: {', '.join(receipt['guards']) or 'none'}",
        _search_line("files of the service", report.files, report.wanted),
        _search_line("memory of the service", report.memory, report.wanted),
        _search_line("memory of this process, the control, which still holds them", report.control, report.wanted),
    ]


def _search_line(place: str, result: SearchResult | None, wanted: int) -> str:
    if result is None:
        return f"{place}: could not be assessed, the system does not permit the search"
    return f"{place}: {result.found} of {wanted} pieces of the pictures found in {result.searched_bytes:,} bytes"


def _print_summary(console: Console, verdict: dict[str, Any], report: ResidueReport, jwks: str, file: Path) -> None:
    print_decision(console, verdict)
    print_fields(console, verdict)
    console.print(f"Signature: holds, checked with {jwks}")
    console.print("Deletion:")
    for line in proof_lines(verdict["deletion"], report):
        console.print(f"  {line}")
    console.print(f"The only file left, the whole verdict as JSON (a specimen, no real person): {file}")


def _write_verdict(verdict: dict[str, Any], out: Path | None) -> Path:
    """Writes the verdict of the invented applicant; returns the file. Raises `DemoFailed`."""
    try:
        file = out or Path(tempfile.mkdtemp(prefix="idproof-demo-")) / "verdict.json"
        file.write_text(json.dumps(verdict, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise DemoFailed(f"The verdict's file cannot be written: {error.strerror}.") from None
    return file


@contextmanager
def _server(data_dir: Path, scratch: Path) -> Iterator[tuple[str, int]]:
    """Runs `idproof serve` as a process of its own with its own folder for temporary files; yields URL and pid."""
    port = _free_port()
    command = [sys.executable, "-m", "idproof.service", "serve", "--port", str(port), "--data-dir", str(data_dir)]
    command.append("--anonymous")
    environment = os.environ | {"TMPDIR": str(scratch), "PYTHONSAFEPATH": "1"} | _WRITTEN_EXCEPTIONS
    if os.geteuid() != 0:  # only root may search a process that is closed to others
        environment["IDPROOF_INSPECTABLE"] = "1"
    log = (scratch.parent / "server.log").open("wb")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, process, scratch.parent / "server.log")
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


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
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
    response = httpx.post(f"{url}/v1/verifications", files=files, headers=headers, timeout=_START_S)
    body: dict[str, Any] = response.json()
    if response.status_code != httpx.codes.CREATED:
        raise DemoFailed(f"The service answered {response.status_code}: {body.get('detail')}")
    return body
