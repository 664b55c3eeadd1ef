"""Measures how many devices can stream before guidance comes too late, and the memory of a session.

The server is `idproof serve` as a process of its own, and so are the devices (`idproof kiosk replay`), on the same
cores: the waiting time of a device includes what the devices themselves take of the machine. The number of devices
rises until the devices are not served in time: the 95th percentile of all waits passes 100 ms, or a device gets
guidance for fewer than five frames per second (a server could answer any number of devices in time by answering hardly
ever). `bench deletion` searches for what is left after a device hung up.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.output import RENDERED, Run, plain
from idproof.benchmarks.harness.processes import resident_mib
from idproof.benchmarks.harness.server import running_server
from idproof.models import manifest

LATE_MS = 100.0
"""Waiting time from which guidance is late: the limit below which a reaction seems instantaneous (Nielsen, 1993)."""
LEAST_FPS = 5.0
"""Guided frames per second of every device: at 10 frames per second what the screen says is then never older than
0.3 s, about the time in which a person reacts to what is seen."""
WARM_UP_S = 6.0
"""Seconds of streaming before the measurement, in which libraries and networks settle. Chosen by hand."""
_PATIENCE_S = 60.0  # seconds for devices to end. Chosen by hand; no outside source.


@dataclass(frozen=True)
class Step:
    """Measurements with one number of devices.

    Attributes:
        devices: at once.
        p95_ms, p50_ms: of the wait.
        worst_p95_ms: p95 of the device that waits longest.
        guided_fps: frames per second that were answered, per device.
        least_guided_fps: of the device with the fewest.
        answered, sent, dropped: frames; a few are still in flight at the end.
        mib: highest resident memory of the server, less that before.
        cpu_ms: processor time of the server per frame sent.
        cores_busy: busy cores of the machine, by all processes, while it ran.
        errors: code to number of times.
    """

    devices: int
    p95_ms: float
    p50_ms: float
    worst_p95_ms: float
    guided_fps: float
    least_guided_fps: float
    answered: int
    sent: int
    dropped: int
    mib: float
    cpu_ms: float
    cores_busy: float
    errors: dict[str, int]

    @property
    def served(self) -> bool:
        """True if guidance came in time, and often enough to every device."""
        return self.p95_ms <= LATE_MS and self.least_guided_fps >= LEAST_FPS


def measure_stream(
    sets: Path,
    *,
    devices: Sequence[int] = (1, 2, 4, 8, 12, 16, 20),
    seconds: float = 20.0,
    rate: float = 10.0,
    profile: str = "open",
    seed: int = 0,
    warm_up_s: float = WARM_UP_S,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Measures with these numbers of devices until guidance is late or rare.

    Args:
        sets: specimens that the devices see.
        devices: numbers of devices, rising.
        seconds: per number.
        rate: frames per second of each device.
        profile: of the networks.
        seed: recorded with the run; the sway of the pictures depends only on the set's position in the folder.
        warm_up_s: seconds of streaming before the measurement.
        progress: called with numbers measured and in total.

    Raises:
        BenchmarkFailed: the server or the devices could not be started.
    """
    steps: list[Step] = []
    # Few registrations are played many times, so the same pictures may answer again.
    settings = {"IDPROOF_INSPECTABLE": "1", "IDPROOF_CAPTURES_REMEMBERED_HOURS": "0"}
    with (
        tempfile.TemporaryDirectory(prefix="idproof-stream-") as scratch,
        running_server(Path(scratch) / "server", ["--profile", profile], settings) as server,
    ):
        keys = _enroll(server.data_folder, max(devices))
        _play(server.url, keys[:1], sets, warm_up_s, rate)
        for count in devices:
            steps.append(_step(server.url, server.process.pid, keys[:count], sets, seconds, rate))
            progress(len(steps), len(devices))
            if not steps[-1].served:
                break
    return Run(
        bench="stream",
        profile=profile,
        weights=_weights(profile),
        seed=seed,
        counts={"frames_a_second": rate, "seconds": seconds, "steps": [vars(step) for step in steps]},
        figures=figures(steps),
        extra={"data": RENDERED},
    )


def figures(steps: Sequence[Step]) -> dict[str, Any]:
    """Returns the figures of the largest number of devices that was served."""
    served = [step for step in steps if step.served]
    best = served[-1] if served else steps[0]
    largest = max(step.mib / step.devices for step in steps)
    return {
        "stream.devices_at_10fps": plain(best.devices if served else 0, best.answered, "devices"),
        "stream.guidance_ms.p95": plain(round(best.p95_ms, 1), best.answered, "ms"),
        "stream.guided_fps.min": plain(best.least_guided_fps, best.answered, "guided frames a second"),
        "stream.session_mib.max": plain(round(largest, 2), len(steps), "MiB"),
        "stream.cpu_ms_a_frame": plain(best.cpu_ms, best.sent, "ms of the server's processor time"),
        "stream.dropped": plain(round(best.dropped / max(best.sent, 1), 4), best.sent, "share"),
    }


def _step(url: str, pid: int, keys: Sequence[str], sets: Path, seconds: float, rate: float) -> Step:
    before, highest = resident_mib(pid), 0.0
    spent, busy, since = _cpu_s(pid), _busy_s(), time.monotonic()
    process = _replay(url, keys, sets, seconds, rate)
    while process.poll() is None:
        highest = max(highest, resident_mib(pid))
        time.sleep(0.1)
    spent, busy = _cpu_s(pid) - spent, (_busy_s() - busy) / (time.monotonic() - since)
    played = _replayed(process)
    each = [np.array(device["waited_ms"]) for device in played["devices"]]
    waited = np.concatenate(each)
    if not all(len(waits) for waits in each):
        raise BenchmarkFailed("A device had no guidance at all.")
    errors = {code: count for code, count in played["decisions"].items() if code != "turns"}
    return Step(
        devices=len(keys),
        p95_ms=_percentile(waited, 95),
        p50_ms=_percentile(waited, 50),
        worst_p95_ms=max(_percentile(waits, 95) for waits in each),
        guided_fps=round(len(waited) / len(each) / seconds, 2),
        least_guided_fps=round(min(len(waits) for waits in each) / seconds, 2),
        answered=len(waited),
        sent=played["sent"],
        dropped=played["dropped"],
        mib=round(max(0.0, highest - before), 2),
        cpu_ms=round(1000 * spent / max(played["sent"], 1), 2),
        cores_busy=round(busy, 2),
        errors=errors,
    )


def _percentile(waited_ms: NDArray[np.float64], share: float) -> float:
    return round(float(np.percentile(waited_ms, share)), 1)


def _cpu_s(pid: int) -> float:
    """Returns the processor time of a process, in seconds."""
    values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")


def _busy_s() -> float:
    """Returns the busy processor time of the whole machine, in seconds."""
    user, nice, system = (int(value) for value in Path("/proc/stat").read_text().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def _play(url: str, keys: Sequence[str], sets: Path, seconds: float, rate: float) -> dict[str, Any]:
    process = _replay(url, keys, sets, seconds, rate)
    process.wait(seconds + _PATIENCE_S)
    return _replayed(process)


def _replay(url: str, keys: Sequence[str], sets: Path, seconds: float, rate: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "idproof.service", "kiosk", "replay", "--json", "--url", url]
    command += ["--sets", str(sets), "--seconds", str(seconds), "--rate", str(rate)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None  # noqa: S101 - a pipe was asked for
    process.stdin.write("\n".join(keys))
    process.stdin.close()
    return process


def _replayed(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    with process.stdout as pipe:
        text = pipe.read()
    if process.wait() != 0:
        raise BenchmarkFailed("The devices could not stream.")
    played: dict[str, Any] = json.loads(text)
    return played


def _enroll(data: Path, count: int) -> list[str]:
    command = [sys.executable, "-P", "-m", "idproof.service", "kiosk", "enroll", "--name", "bench"]
    command += ["--count", str(count), "--data-dir", str(data)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def _weights(profile: str) -> dict[str, str]:
    chosen = manifest.load(None).profile(profile)
    return {weight.file: weight.sha256 for weight in chosen.weights}
