"""Calls side by side give the same results and the same error as one after the other."""

import threading
from collections.abc import Callable

import numpy as np
import pytest
from pictures import jpeg

from idproof.pipeline import Captures, Decision, Verifier
from idproof.pipeline.errors import CardNotFound, FaceNotFound
from idproof.pipeline.executors.branches import Branches
from idproof.pipeline.executors.in_process import InProcessExecutor

Build = Callable[..., Captures]


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
    nobody = jpeg(np.full((800, 800, 3), 120, np.uint8))
    with pytest.raises(FaceNotFound):
        wide.verify(captures_of(selfie=nobody))
    assert wide.verify(captures_of()).decision is Decision.ACCEPT
    wide.close()
