"""Floods of clients without a key against a real server: an honest client is answered, and memory stays."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from idproof.benchmarks.harness.server import Server
from idproof.benchmarks.load import flood_effect
from idproof.benchmarks.load.flood_effect import Service, ask, compare, flooded, observe
from idproof.benchmarks.load.floods import FLOODS, Flood, flood

MIB = 48
"""MiB by which a flood may grow the server: 1,000 connections with their buffers have less."""
SLOWEST_MS = 5000
"""On a machine that does other things; the service once stood still for 6.5 s and for 10 s."""


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Server, str]]:
    with flood_effect.sandbox() as found:
        observe(*found, 1.0)
        yield found


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=() if kind in ("half_heads", "strange_methods") else pytest.mark.long)
        for kind in FLOODS
    ],
)
def test_an_honest_client_is_answered_during_a_flood(running: tuple[Server, str], kind: str) -> None:
    server, key = running
    before = observe(server, key, 1.0)
    with flooded(server, kind, 12.0):
        time.sleep(2)
        during = observe(server, key, 4.0)
    assert (before.failed, during.failed) == (0, 0)
    assert during.quantile_ms(90) < SLOWEST_MS
    assert during.mib < before.mib + MIB


def test_metrics_stay_small_after_a_flood_of_methods_and_paths(running: tuple[Server, str]) -> None:
    server, key = running
    with flooded(server, "strange_methods", 6.0):
        time.sleep(4)
    status, text = ask(server, key, "/metrics")
    assert status == 200
    assert b'method="other"' in text
    assert len(text) < 64 * 1024


def test_a_flood_opens_what_it_says_and_ends() -> None:
    """A flood that did nothing would make every server look good."""
    opened: set[str] = set()
    received = bytearray()

    async def run() -> float:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            opened.add(f"{writer.get_extra_info('peername')}")
            received.extend(await reader.read(1 << 16))
            while await reader.read(1 << 16):
                pass
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        started = time.monotonic()
        await flood(Flood(40, lambda number: b"%d" % number, lambda _number, _step: b"x", step_s=0.1), port, 1.0)
        server.close()
        return time.monotonic() - started

    assert asyncio.run(run()) < 10
    assert len(opened) >= 40
    assert received


def test_the_figures_are_ratios() -> None:
    before, during = Service((10.0, 10.0, 20.0), 0, 100.0), Service((30.0, 15.0, 15.0), 0, 130.0)
    found = compare("half_heads", before, during)
    values = {name.removeprefix("load.flood.half_heads."): figure["value"] for name, figure in found.items()}
    assert values == pytest.approx({"latency_ratio": 1.5, "p95_ratio": 28.5 / 19.0, "memory_ratio": 1.3})
    assert compare("half_heads", before, Service((), 3, 100.0))["load.flood.half_heads.latency_ratio"]["n"] == 0
