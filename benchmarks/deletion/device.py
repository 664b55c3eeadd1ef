"""A streaming device that shows a canary to the server and is gone, for the search of the deletion benchmark."""

import asyncio
import subprocess
import sys
from contextlib import suppress

from idproof.benchmarks.deletion.canaries import Canary
from idproof.benchmarks.harness.server import Server
from idproof.service.stream.simulator.device import Device, DeviceProblem

_LOOKED_AT_S = 1.0


def hang_up_streaming(server: Server, canary: Canary) -> None:
    """Send each picture of a canary as a still of the first stage, then cut the connection without a word."""
    asyncio.run(_stream(f"http://127.0.0.1:{server.port}", _enrolled(server), canary))


def _enrolled(server: Server) -> str:
    command = [sys.executable, "-P", "-m", "idproof.service", "kiosk", "enroll", "--name", "canaries"]
    command += ["--data-dir", str(server.folder / "data")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


async def _stream(url: str, key: str, canary: Canary) -> None:
    device = await Device.connect(url, key)
    stage = (await device.start())["stage"]
    for picture in canary.parts.values():
        await device.send_frame(stage, picture, still=True)
        with suppress(
            DeviceProblem, TimeoutError
        ):  # a canary that is a PNG is refused as unreadable, and held all the same
            await asyncio.wait_for(device.receive("guidance"), _LOOKED_AT_S)
    device.socket.transport.abort()
