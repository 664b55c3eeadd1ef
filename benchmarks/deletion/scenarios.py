"""Runs each thing that may happen to a registration on the real server, and searches for its pictures afterwards."""

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from idproof.benchmarks.deletion.canaries import Canary, CanaryFactory, Needles, cut, merge
from idproof.benchmarks.deletion.device import hang_up_streaming
from idproof.benchmarks.deletion.forms import COARSE, FINE, FORMS
from idproof.benchmarks.deletion.search_client import SearchClient
from idproof.benchmarks.deletion.servers import STREAM_GRACE_S, deletion_server, hang_up, post
from idproof.benchmarks.harness.server import Server

ALL_FORMS = 6  # canaries per scenario that are searched for in every form, the rest as files and rows. Chosen by hand.
_SETTLE_S = 2.0  # seconds until the server has noticed that a client left. Chosen by hand; no outside source.
CREATED = 201


@dataclass
class ScenarioResult:
    """The result of the search after one scenario.

    Attributes:
        name: of the scenario.
        sought: form to needles searched for.
        found: form to needles found, over all places.
        texts_sought: field texts searched for in files and logs.
        texts_found: of these, found.
        answers: HTTP status code to number of answers.
        wipe_ms: per verdict, from the last fact to the last wipe.
        places: place to needles found there.
        searched: place to bytes searched.
        processes: number of processes searched.
        not_searched: spans and files that could not be read.
        where: files in which something was found.
    """

    name: str
    sought: dict[str, int]
    found: dict[str, int]
    texts_sought: int
    texts_found: int
    answers: dict[str, int] = field(default_factory=dict)
    wipe_ms: list[float] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    searched: dict[str, int] = field(default_factory=dict)
    processes: int = 0
    not_searched: list[str] = field(default_factory=list)
    where: list[str] = field(default_factory=list)


@dataclass
class ScenarioRunner:
    """Runs scenarios and searches after each; collects the needles of all for the search of the whole disk.

    Attributes:
        factory: makes canaries.
        search: the searching process.
        root: folder in which each server gets its own.
        profile: of the networks.
        report: called with one line per step.
    """

    factory: CanaryFactory
    search: SearchClient
    root: Path
    profile: str
    report: Callable[[str], None]
    next_number: int = 0
    since: float = field(default_factory=time.time)
    everything: list[Needles] = field(default_factory=list)
    texts: set[str] = field(default_factory=set)

    def canaries(self, count: int) -> list[Canary]:
        """Makes new canaries."""
        first, self.next_number = self.next_number, self.next_number + count
        return [self.factory.canary(number) for number in range(first, first + count)]

    @contextmanager
    def server(self, mode: str | None = None) -> Iterator[Server]:
        """Runs a server in a new folder."""
        folder = Path(tempfile.mkdtemp(dir=self.root)) / "server"
        with deletion_server(folder, mode, profile=self.profile) as server:
            yield server

    def needles(self, canaries: list[Canary]) -> Needles:
        """Returns the needles of all canaries; only of the first and last few in every form."""
        all_forms = {*range(ALL_FORMS // 2), *range(len(canaries) - ALL_FORMS // 2, len(canaries))}
        few = len(canaries) <= ALL_FORMS
        return merge(
            [
                self.factory.needles(canary, FINE if few or i in all_forms else COARSE, whole=few or i in all_forms)
                for i, canary in enumerate(canaries)
            ]
        )


Action = Callable[[Server, list[Canary]], list[httpx.Response]]
"""Sends canaries to a server in some way; returns its answers."""


def run_scenario(
    runner: ScenarioRunner, name: str, server: Server, count: int, action: Action, *, searched_later: bool = True
) -> ScenarioResult:
    """Sends new canaries, then searches for them.

    Args:
        runner: makes the canaries and searches.
        name: of the scenario.
        server: running.
        count: number of canaries.
        action: sends them.
        searched_later: include their needles in the search of the whole disk.
    """
    runner.report(name)
    canaries = runner.canaries(count)
    needles = runner.needles(canaries)
    texts = tuple(sorted({text for canary in canaries for text in canary.texts}))
    needles = new_needles(runner, server, needles)
    answers = action(server, canaries)
    runner.search.load(needles, texts)
    result = result_of(name, needles, texts, runner.search.search(server))
    if searched_later:
        runner.everything.append(needles)
        runner.texts.update(texts)
    runner.report(f"{name}: {sum(result.found.values())} of {len(needles)} found")
    return with_answers(result, answers)


def new_needles(runner: ScenarioRunner, server: Server, needles: Needles) -> Needles:
    """Leaves out bytes that a server holds before it receives a canary: they are no trace of it."""
    runner.search.load(needles, ())
    return needles.only(~_mask(runner.search.search(server), len(needles)))


def search_whole_disk(runner: ScenarioRunner, server: Server) -> ScenarioResult:
    """Searches every file on disk that changed since the beginning for the needles of all scenarios."""
    runner.report("whole_disk")
    needles, texts = merge(runner.everything), tuple(sorted(runner.texts))
    runner.search.load(needles, texts)
    return result_of("whole_disk", needles, texts, runner.search.search(server, since=runner.since))


def one_after_another(server: Server, canaries: list[Canary]) -> list[httpx.Response]:
    """Posts one after another, on one connection that stays open, so that what it holds can still be found."""
    client = httpx.Client()
    _open_clients.append(client)
    return [post(client, server, canary) for canary in canaries]


def at_once(server: Server, canaries: list[Canary]) -> list[httpx.Response]:
    """Posts all at the same time."""
    with httpx.Client() as client, ThreadPoolExecutor(len(canaries)) as pool:
        return list(pool.map(lambda canary: post(client, server, canary), canaries))


def half_way(server: Server, canaries: list[Canary]) -> list[httpx.Response]:
    """Hangs up in the middle of each registration."""
    for canary in canaries:
        hang_up(server, canary)
    time.sleep(_SETTLE_S)
    return []


def stream_cut(server: Server, canaries: list[Canary]) -> list[httpx.Response]:
    """Cuts a streaming device off in the middle of a turn; it does not come back."""
    for canary in canaries:
        hang_up_streaming(server, canary)
    time.sleep(STREAM_GRACE_S + _SETTLE_S)
    return []


def malformed(server: Server, canaries: list[Canary]) -> list[httpx.Response]:
    """Posts pictures that end in the middle."""
    with httpx.Client() as client:
        broken = [cut(canary, role, 0.6) for canary, role in zip(canaries, ("selfie", "card_tilt_right"), strict=True)]
        return [post(client, server, canary) for canary in broken]


def reader_killed(server: Server, canaries: list[Canary]) -> list[httpx.Response]:
    """Kills the server's reading program while it reads; the server has no library for that (`altered_server.py`)."""

    def kill_readers() -> None:
        for pid in server.wait_until_reading():
            os.kill(pid, signal.SIGKILL)

    return _meanwhile(server, canaries, kill_readers)


def terminated(server: Server, canaries: list[Canary]) -> list[httpx.Response]:
    """Sends SIGTERM in the middle; the server finishes the registration first."""
    return _while_verifying(server, canaries, signal.SIGTERM)


def killed(server: Server, canaries: list[Canary]) -> list[httpx.Response]:
    """Sends SIGKILL in the middle; nothing of the server can run any more."""
    return _while_verifying(server, canaries, signal.SIGKILL)


def _while_verifying(server: Server, canaries: list[Canary], how: signal.Signals) -> list[httpx.Response]:
    def stop() -> None:
        server.wait_until_verifying()
        server.stop(how)

    return _meanwhile(server, canaries, stop)


def _meanwhile(server: Server, canaries: list[Canary], act: Callable[[], None]) -> list[httpx.Response]:
    with ThreadPoolExecutor(1) as pool, httpx.Client() as client:
        answer = pool.submit(post, client, server, canaries[0])
        act()
        try:
            return [answer.result()]
        except httpx.TransportError:
            return []


_open_clients: list[httpx.Client] = []


def _mask(searched: dict[str, Any], count: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    mask = np.zeros(count, dtype=np.bool_)
    for there in searched["found"].values():
        mask[there] = True
    return mask


def result_of(name: str, needles: Needles, texts: tuple[str, ...], searched: dict[str, Any]) -> ScenarioResult:
    """Returns what one search found."""
    found = needles.only(_mask(searched, len(needles))).counts()
    held = {number for there in searched["texts"].values() for number in there}
    return ScenarioResult(
        name=name,
        sought=needles.counts(),
        found=found,
        texts_sought=len(texts),
        texts_found=len(held),
        places={place: len(there) for place, there in searched["found"].items() if there},
        searched=searched["searched"],
        processes=searched["processes"],
        not_searched=searched["unreadable"],
        where=searched["where"],
    )


def with_answers(result: ScenarioResult, answers: list[httpx.Response]) -> ScenarioResult:
    """Adds the answers of the server, and the times of their wipes."""
    for answer in answers:
        code = str(answer.status_code)
        result.answers[code] = result.answers.get(code, 0) + 1
        if answer.status_code == CREATED:
            result.wipe_ms.append(answer.json()["timings_ms"]["wipe"])
    assert set(result.found) == set(FORMS)  # noqa: S101 - every form is always reported
    return result
