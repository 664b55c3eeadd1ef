"""Searches a guarded server while it holds planted faces and templates, and again after its verdict."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from idproof.benchmarks.deletion.planting import GO_ON, HELD, WAIT_S
from idproof.benchmarks.deletion.scenarios import (
    CREATED,
    ScenarioResult,
    ScenarioRunner,
    new_needles,
    result_of,
    with_answers,
)
from idproof.benchmarks.deletion.servers import post
from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.server import Server

_POLL_S = 0.05  # chosen by hand; no outside source


def run_held(runner: ScenarioRunner, server: Server) -> tuple[ScenarioResult, ScenarioResult]:
    """Posts one canary, searches while the server waits with the verdict, lets it go on, and searches again.

    Args:
        runner: makes the canary and searches.
        server: the altered server in the mode `holds`.

    Returns:
        The control, in which faces and templates must be found; and the scenario, in which nothing may be.

    Raises:
        BenchmarkFailed: there was no verdict, and so nothing was shown.
    """
    runner.report("held")
    (canary,) = runner.canaries(1)
    needles = new_needles(runner, server, runner.needles([canary]))
    runner.search.load(needles, canary.texts)
    with ThreadPoolExecutor(1) as pool, httpx.Client() as client:
        answer = pool.submit(post, client, server, canary)
        try:
            _wait_until_held(server.folder.parent, answer)
            during = runner.search.search(server)
        finally:
            (server.folder.parent / GO_ON).touch()
        response = answer.result()
        if response.status_code != CREATED:
            raise BenchmarkFailed(f"The server that held a canary answered {response.status_code}.")
        after = runner.search.search(server)
    runner.everything.append(needles)
    runner.texts.update(canary.texts)
    control = result_of("control_held", needles, canary.texts, during)
    result = with_answers(result_of("after_held", needles, canary.texts, after), [response])
    runner.report(f"held: {_total(control)} of {len(needles)} found before the verdict, {_total(result)} after it")
    return control, result


def _wait_until_held(folder: Path, answer: "Future[Any]") -> None:
    ends = time.monotonic() + WAIT_S
    while not (folder / HELD).exists():
        if answer.done() or time.monotonic() > ends:
            raise BenchmarkFailed("The server did not hold the canary.")
        time.sleep(_POLL_S)


def _total(result: ScenarioResult) -> int:
    return sum(result.found.values())
