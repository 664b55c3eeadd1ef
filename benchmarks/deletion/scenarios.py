"""What may happen to a registration, each tried on the real server and searched for afterwards."""

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

from idproof.benchmarks.deletion.canaries import COARSE, FINE, FORMS, Canary, Mint, Needles, cut, merge
from idproof.benchmarks.deletion.device import hang_up_streaming
from idproof.benchmarks.harness.server import GRACE_S, Search, Server, hang_up, post, serving

WHOLE = 6  # of the canaries of one scenario are searched for in every form, the rest as files and decoded rows
_SETTLED_S = 2.0
_CREATED = 201


@dataclass
class Outcome:
    """One scenario.

    Attributes:
        name: of the scenario.
        sought: form to needles looked for.
        found: form to needles found, over all places.
        texts_sought: field texts looked for in files and logs.
        texts_found: of them found.
        answers: status code to how many.
        wipe_ms: of each verdict, from the last fact to the last wipe.
        places: place to needles found there.
        searched: place to bytes searched.
        processes: searched.
        not_searched: spans and files that could not be read.
        where: files that something was found in.
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
class Lab:
    """What every scenario works with.

    Attributes:
        mint: makes canaries.
        search: the searching process.
        root: folder in which servers get theirs.
        profile: of the networks.
        tell: called with the name of each scenario as it begins.
    """

    mint: Mint
    search: Search
    root: Path
    profile: str
    tell: Callable[[str], None]
    next_number: int = 0
    since: float = field(default_factory=time.time)
    everything: list[Needles] = field(default_factory=list)
    texts: set[str] = field(default_factory=set)

    def canaries(self, count: int) -> list[Canary]:
        """New ones."""
        first, self.next_number = self.next_number, self.next_number + count
        return [self.mint.canary(number) for number in range(first, first + count)]

    @contextmanager
    def server(self, mode: str | None = None) -> Iterator[Server]:
        """A running server in a new folder."""
        folder = Path(tempfile.mkdtemp(dir=self.root)) / "server"
        with serving(folder, mode, profile=self.profile) as server:
            yield server

    def needles(self, canaries: list[Canary]) -> Needles:
        """Of all; the first and the last few in every form."""
        close = {*range(WHOLE // 2), *range(len(canaries) - WHOLE // 2, len(canaries))}
        few = len(canaries) <= WHOLE
        return merge(
            [
                self.mint.needles(canary, FINE if few or i in close else COARSE, whole=few or i in close)
                for i, canary in enumerate(canaries)
            ]
        )


Act = Callable[[Server, list[Canary]], list[httpx.Response]]


def tried(lab: Lab, name: str, server: Server, count: int, act: Act, *, kept: bool = True) -> Outcome:
    """Post new canaries in some way, then search.

    Args:
        lab: to work with.
        name: of the scenario.
        server: running.
        count: canaries.
        act: what is done with them.
        kept: look for them again in the search of the whole disk.
    """
    lab.tell(name)
    canaries = lab.canaries(count)
    needles = lab.needles(canaries)
    texts = tuple(sorted({text for canary in canaries for text in canary.texts}))
    # What is in a server that never saw the canary is no trace of it.
    lab.search.load(needles, ())
    needles = needles.only(~_mask(lab.search.look(server), len(needles)))
    answers = act(server, canaries)
    lab.search.load(needles, texts)
    outcome = _outcome(name, needles, texts, lab.search.look(server))
    if kept:
        lab.everything.append(needles)
        lab.texts.update(texts)
    lab.tell(f"{name}: {sum(outcome.found.values())} of {len(needles)} found")
    return _answered(outcome, answers)


def whole_disk(lab: Lab, server: Server) -> Outcome:
    """Every needle of every scenario in every file on disk that changed since the beginning."""
    lab.tell("whole_disk")
    needles, texts = merge(lab.everything), tuple(sorted(lab.texts))
    lab.search.load(needles, texts)
    return _outcome("whole_disk", needles, texts, lab.search.look(server, since=lab.since))


def one(server: Server, canaries: list[Canary]) -> list[httpx.Response]:
    """One after another, on one connection that stays open: what a connection keeps is still there to be found."""
    client = httpx.Client()
    _OPEN.append(client)
    return [post(client, server, canary) for canary in canaries]


def at_once(server: Server, canaries: list[Canary]) -> list[httpx.Response]:
    """All at the same time."""
    with httpx.Client() as client, ThreadPoolExecutor(len(canaries)) as pool:
        return list(pool.map(lambda canary: post(client, server, canary), canaries))


def half_way(server: Server, canaries: list[Canary]) -> list[httpx.Response]:
    """The client goes before its registration is whole."""
    for canary in canaries:
        hang_up(server, canary)
    time.sleep(_SETTLED_S)
    return []


def stream_cut(server: Server, canaries: list[Canary]) -> list[httpx.Response]:
    """A streaming device is cut off in the middle of a turn and does not come back."""
    for canary in canaries:
        hang_up_streaming(server, canary)
    time.sleep(GRACE_S + _SETTLED_S)
    return []


def malformed(server: Server, canaries: list[Canary]) -> list[httpx.Response]:
    """One picture ends in its middle."""
    with httpx.Client() as client:
        broken = [cut(canary, role, 0.6) for canary, role in zip(canaries, ("selfie", "card_tilt_right"), strict=True)]
        return [post(client, server, canary) for canary in broken]


def reader_killed(server: Server, canaries: list[Canary]) -> list[httpx.Response]:
    """The process that reads for the server is killed while it reads."""
    return _while_reading(server, canaries, _kill_all)


def terminated(server: Server, canaries: list[Canary]) -> list[httpx.Response]:
    """SIGTERM in the middle: the registration is finished first."""
    return _while_reading(server, canaries, lambda _: server.end(signal.SIGTERM))


def killed(server: Server, canaries: list[Canary]) -> list[httpx.Response]:
    """SIGKILL in the middle: nothing of the server's can run any more."""
    return _while_reading(server, canaries, lambda _: server.end(signal.SIGKILL))


def _while_reading(server: Server, canaries: list[Canary], do: Callable[[list[int]], Any]) -> list[httpx.Response]:
    with ThreadPoolExecutor(1) as pool, httpx.Client() as client:
        answer = pool.submit(post, client, server, canaries[0])
        do(server.until_reading())
        try:
            return [answer.result()]
        except httpx.TransportError:
            return []


_OPEN: list[httpx.Client] = []


def _kill_all(pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def _mask(looked: dict[str, Any], count: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    mask = np.zeros(count, dtype=np.bool_)
    for there in looked["found"].values():
        mask[there] = True
    return mask


def _outcome(name: str, needles: Needles, texts: tuple[str, ...], looked: dict[str, Any]) -> Outcome:
    found = needles.only(_mask(looked, len(needles))).counts()
    held = {number for there in looked["texts"].values() for number in there}
    return Outcome(
        name=name,
        sought=needles.counts(),
        found=found,
        texts_sought=len(texts),
        texts_found=len(held),
        places={place: len(there) for place, there in looked["found"].items() if there},
        searched=looked["searched"],
        processes=looked["processes"],
        not_searched=looked["unreadable"],
        where=looked["where"],
    )


def _answered(outcome: Outcome, answers: list[httpx.Response]) -> Outcome:
    for answer in answers:
        code = str(answer.status_code)
        outcome.answers[code] = outcome.answers.get(code, 0) + 1
        if answer.status_code == _CREATED:
            outcome.wipe_ms.append(answer.json()["timings_ms"]["wipe"])
    assert set(outcome.found) == set(FORMS)  # noqa: S101 - every form is always reported
    return outcome
