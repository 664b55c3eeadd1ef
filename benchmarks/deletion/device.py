"""Plays a streaming device that shows a canary to the server and cuts the connection."""

import asyncio
import subprocess
import sys
from contextlib import suppress

from idproof.benchmarks.deletion.canaries import Canary
from idproof.benchmarks.harness.server import Server
from idproof.service.stream.simulator.device import Device, DeviceProblem

_GUIDANCE_S = 1.0  # seconds for the answer to one still. Chosen by hand; no outside source.


def hang_up_streaming(server: Server, canary: Canary) -> None:
    """Sends each picture of a canary as a still of the first stage, then cuts the connection without a message."""
    asyncio.run(_stream(server.url, _enroll(server), canary))


def _enroll(server: Server) -> str:
    command = [sys.executable, "-P", "-m", "idproof.service", "kiosk", "enroll", "--name", "canaries"]
    command += ["--data-dir", str(server.data_folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


async def _stream(url: str, key: str, canary: Canary) -> None:
    device = await Device.connect(url, key)
    stage = (await device.start())["stage"]
    for picture in canary.parts.values():
        await device.send_frame(stage, picture, still=True)
        # A canary that is a PNG is refused as unreadable; the server held it all the same.
        with suppress(DeviceProblem, TimeoutError):
            await asyncio.wait_for(device.receive("guidance"), _GUIDANCE_S)
    device.socket.transport.abort()
