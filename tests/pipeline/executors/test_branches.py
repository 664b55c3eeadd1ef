"""Calls side by side give the same results and the same error as one after the other, on no more threads than given."""

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from unittest.mock import Mock

import numpy as np
import pytest
from pictures import jpeg

from idproof.pipeline import Captures, Decision, Verifier, examine
from idproof.pipeline.errors import CardNotFound, FaceNotFound, SessionExpired
from idproof.pipeline.executors.branches import Branches
from idproof.pipeline.executors.in_process import InProcessExecutor
from idproof.pipeline.types import Role
from idproof.pipeline.vault import VaultSession, guards
from idproof.pipeline.vault.kinds import DECODED

Build = Callable[..., Captures]


class Threads:
    """Counts the threads that are inside `work` at once."""

    def __init__(self) -> None:
        self.most, self._now, self._lock = 0, 0, threading.Lock()

    def work(self, seconds: float = 0.02) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        threading.Event().wait(seconds)
        with self._lock:
            self._now -= 1


class HeldInMemory:
    """Stands for a picture that a call holds when it fails."""


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("width", [1, 2, 4])
def test_what_a_failed_call_held_is_freed_at_once(width: int) -> None:
    held: list[weakref.ref[HeldInMemory]] = []

    def fail(place: int) -> None:
        picture = HeldInMemory()
        held.append(weakref.ref(picture))
        raise CardNotFound(f"call {place}")

    branches = Branches(width)
    with pytest.raises(CardNotFound) as raised, branches.thread():
        branches.run(*(partial(fail, place) for place in range(4)))
    branches.close()
    assert held
    assert [reference() for reference in held] == [None] * len(held), "while the error is being answered"
    error = weakref.ref(raised.value.with_traceback(None))
    del raised
    assert error() is None, "nor does the error stay"


def test_calls_run_side_by_side_and_results_come_in_order() -> None:
    branches = Branches(2)
    meet = threading.Barrier(2, timeout=10)  # breaks unless both are under way at once
    assert branches.run(lambda: (meet.wait(), "one")[1], lambda: (meet.wait(), "other")[1]) == ("one", "other")
    branches.close()


def test_the_first_calls_error_is_raised_after_all_have_ended() -> None:
    branches, late = Branches(2), threading.Event()
    ended: list[str] = []

    def slow() -> None:
        late.wait(10)
        ended.append("slow")
        raise CardNotFound("slow, and first in order")

    def quick() -> None:
        late.set()
        raise FaceNotFound("quick")

    with pytest.raises(CardNotFound):
        branches.run(slow, quick)
    assert ended == ["slow"]
    branches.close()


def test_a_failure_ends_the_calls_under_way_and_begins_no_other() -> None:
    branches, under_way, failed = Branches(2), threading.Event(), threading.Event()
    ended: list[str] = []

    def broken() -> None:
        assert under_way.wait(10)
        raise CardNotFound("broken")

    def long() -> None:
        under_way.set()
        ended.append("told" if failed.wait(10) else "waited in vain")

    with pytest.raises(CardNotFound):
        branches.run(broken, long, lambda: ended.append("begun"), on_failure=failed.set)
    assert ended == ["told"]
    branches.close()


def test_a_failure_waits_for_an_earlier_call_that_may_fail_too() -> None:
    """Else its error would depend on which thread was quicker."""
    branches, quick_failed, told = Branches(2), threading.Event(), []

    def slow() -> None:
        assert quick_failed.wait(10)
        threading.Event().wait(0.05)  # the other thread reports its failure meanwhile
        assert told == []
        raise CardNotFound("slow, and first in order")

    def quick() -> None:
        quick_failed.set()
        raise FaceNotFound("quick")

    with pytest.raises(CardNotFound):
        branches.run(slow, quick, on_failure=lambda: told.append("ended"))
    assert told == ["ended"]
    branches.close()


def test_an_end_that_fails_neither_ends_a_thread_nor_hides_the_error() -> None:
    """Else the caller would wait for ever for a helper, or go while another call still reads the pictures."""
    branches, begun, ended = Branches(2), threading.Event(), []

    def long() -> None:
        begun.set()
        threading.Event().wait(0.05)
        ended.append("long")

    def broken() -> None:
        assert begun.wait(10)
        raise CardNotFound("first")

    def end() -> None:
        raise OSError("cannot wipe")

    for calls in ((broken, long), (long, broken)):
        begun.clear()
        with pytest.raises(CardNotFound):
            branches.run(*calls, on_failure=end)
    assert ended == ["long", "long"]
    assert branches.run(lambda: 1, lambda: 2) == (1, 2)
    assert all(helper.is_alive() for helper in branches._helpers)
    branches.close()


@pytest.mark.parametrize("callers", [1, 2, 5])
def test_no_more_threads_work_than_given(callers: int) -> None:
    branches, threads = Branches(2), Threads()

    def nested() -> None:
        branches.run(threads.work, threads.work, threads.work)

    def registration(_: int) -> int:
        with branches.thread():
            threads.work()
            branches.run(nested, threads.work, threads.work)
            branches.run(threads.work, nested)
        return 1

    with ThreadPoolExecutor(callers) as pool:
        assert sum(pool.map(registration, range(8))) == 8
    assert threads.most == 2
    branches.close()


def test_a_thread_that_becomes_free_helps_a_caller_that_began_alone() -> None:
    branches, begun, free = Branches(2), threading.Event(), threading.Event()
    meet = threading.Barrier(2, timeout=10)

    def other() -> None:
        with branches.thread():
            begun.set()
            free.wait(10)

    beside = threading.Thread(target=other)
    beside.start()
    assert begun.wait(10)
    branches.run(free.set, meet.wait, meet.wait)  # the last two meet only if the other caller's thread helps
    beside.join()
    branches.close()


def test_a_helpers_small_arrays_are_overwritten_before_the_results_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    branches, flushed = Branches(2), []
    monkeypatch.setattr(guards, "flush_small_arrays", lambda: flushed.append(threading.get_ident()))
    meet = threading.Barrier(2, timeout=10)
    first, second = branches.run(
        lambda: (meet.wait(), threading.get_ident())[1], lambda: (meet.wait(), threading.get_ident())[1]
    )
    assert flushed == list({first, second} - {threading.get_ident()})
    branches.close()


def test_a_width_of_no_thread_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one thread"):
        Branches(0)


def test_a_verdict_does_not_depend_on_the_width(verifier: Verifier, captures_of: Build) -> None:
    assert isinstance(verifier.executor, InProcessExecutor)
    wide = Verifier(verifier.rules, InProcessExecutor(verifier.executor.tools, branches=3))
    for attack in (None, "field_edit"):
        one, other = verifier.verify(captures_of(attack)), wide.verify(captures_of(attack))
        assert (one.decision, one.reasons, one.checks, one.fields) == (
            other.decision,
            other.reasons,
            other.checks,
            other.fields,
        )
        assert [(w.kind, w.count, w.bytes) for w in one.deletion.wiped] == [
            (w.kind, w.count, w.bytes) for w in other.deletion.wiped
        ]
        assert set(one.timings_ms) == set(other.timings_ms)
    nobody = jpeg(np.full((800, 800, 3), 120, np.uint8))
    with pytest.raises(FaceNotFound):
        wide.verify(captures_of(selfie=nobody))
    assert wide.verify(captures_of()).decision is Decision.ACCEPT
    wide.close()


class BackwardBranches(Branches):
    """Runs the last call first."""

    def run(self, *calls: Callable[[], object], **_: object) -> tuple[object, ...]:  # type: ignore[override]
        return tuple(reversed([call() for call in reversed(calls)]))


def test_a_verdict_does_not_depend_on_the_order_of_the_branches(
    verifier: Verifier, captures_of: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(verifier.executor, InProcessExecutor)
    one = verifier.verify(captures_of("field_edit"))
    monkeypatch.setattr(verifier.executor, "_branches", BackwardBranches())
    other = verifier.verify(captures_of("field_edit"))
    assert (one.decision, one.reasons, one.checks, one.fields) == (
        other.decision,
        other.reasons,
        other.checks,
        other.fields,
    )


def sent(verifier: Verifier, session: VaultSession, captures: Captures) -> None:
    for name, data in captures.items():
        session.receive(name).write(data)
    verifier.verify_session(session)


@pytest.mark.parametrize(
    ("broken", "beside"),
    [("_find_in", "crop_selfie"), ("check_card", "read_fields"), ("read_fields", "examine_people")],
)
def test_a_branch_that_raises_ends_the_other_one_and_wipes(
    verifier: Verifier, captures_of: Build, monkeypatch: pytest.MonkeyPatch, broken: str, beside: str
) -> None:
    """The branch raises while the other one holds a lent picture, which is zeros from then on."""
    assert isinstance(verifier.executor, InProcessExecutor)
    wide = Verifier(verifier.rules, InProcessExecutor(verifier.executor.tools, branches=2))
    reading, ends = threading.Event(), []
    real = getattr(examine, broken)

    def fail(*arguments: object) -> object:
        if arguments[-1] in (Role.CARD_TILT_LEFT, Role.CARD_TILT_RIGHT):
            return real(*arguments)
        assert reading.wait(30)
        raise RuntimeError("injected")

    def read(session: VaultSession, *_: object) -> None:
        try:
            with session.borrow(DECODED, Role.SELFIE) as picture:
                reading.set()
                while picture.any():
                    threading.Event().wait(0.005)
        except SessionExpired:
            ends.append("wiped")
            raise

    monkeypatch.setattr(examine, broken, fail)
    monkeypatch.setattr(examine, beside, read)
    session = wide.vault.open()
    with session, pytest.raises(RuntimeError, match="injected"):
        sent(wide, session, captures_of())
    assert ends == ["wiped"]
    assert session.outstanding == 0
    monkeypatch.undo()
    assert wide.verify(captures_of()).decision is Decision.ACCEPT  # the threads are free again
    wide.close()


@pytest.mark.parametrize("broken", ["crop_selfie", "examine_people"])
def test_a_last_branch_that_raises_wipes_after_the_others(
    verifier: Verifier, captures_of: Build, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    assert isinstance(verifier.executor, InProcessExecutor)
    wide = Verifier(verifier.rules, InProcessExecutor(verifier.executor.tools, branches=2))
    monkeypatch.setattr(examine, broken, Mock(side_effect=RuntimeError("injected")))
    session = wide.vault.open()
    with session, pytest.raises(RuntimeError, match="injected"):
        sent(wide, session, captures_of())
    assert session.outstanding == 0
    wide.close()
