"""Plants faces and templates in the memory of a guarded server, and has it wait with the verdict until it was searched.

The server writes the file `held` when everything is planted, and goes on once the file `go_on` is there.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.deletion.forms import FEATURES, forms_of, is_face, serialise
from idproof.benchmarks.deletion.record import record_engines
from idproof.benchmarks.harness.server import ANSWER_S
from idproof.pipeline import Vault, VaultSession, Verifier
from idproof.pipeline.vault.kinds import CROP, TEMPLATE

HELD, GO_ON = "held", "go_on"
WAIT_S = ANSWER_S - 20
"""Seconds that the server waits for the search: a little less than a client waits for the answer."""
_POLL_S = 0.05  # chosen by hand; no outside source


@contextmanager
def plant_before_verdicts(verifier: Verifier, folder: Path) -> Iterator[None]:
    """Changes a verifier so that each verification plants, waits for the search, and drops what it planted.

    Dropped means that the references go, as when the service forgets an array: nothing is overwritten here. The vault's
    lifetime is lengthened, so that a slow search does not end the session.
    """
    planted: list[Any] = []
    verifier.vault = Vault(replace(verifier.limits, lifetime_s=ANSWER_S))
    executor: Any = verifier.executor
    examine = executor.examine

    def keep(kind: str, array: NDArray[Any]) -> None:
        if kind in (FEATURES, TEMPLATE):
            planted.extend(copies(kind, array))

    def examine_and_wait(session: VaultSession, *others: Any) -> Any:
        findings = examine(session, *others)
        planted.extend(copies_of_session(session))
        try:
            _wait_for_search(folder)
        finally:
            planted.clear()
        return findings

    with (
        record_engines(verifier, keep),
        patch.object(executor, "examine", examine_and_wait),
    ):
        yield


def copies_of_session(session: VaultSession) -> Iterator[NDArray[Any] | bytes]:
    """Yields copies of a session's aligned faces and templates, in every form that is searched for."""
    for kind, name in list(session._arrays):
        with session.borrow(kind, name) as array:
            if kind == TEMPLATE or (kind == CROP and is_face(array)):
                yield from copies(kind, array)


def copies(kind: str, array: NDArray[Any]) -> Iterator[NDArray[Any] | bytes]:
    """Yields copies of one array in every form that is searched for, each template also as it is serialised."""
    yield from (np.array(form, order="C") for _, form in forms_of(kind, array))
    if kind == TEMPLATE:
        yield from (serialise(row[None]) for row in array)


def _wait_for_search(folder: Path) -> None:
    (folder / HELD).touch()
    ends = time.monotonic() + WAIT_S
    while not (folder / GO_ON).exists():
        if time.monotonic() > ends:
            raise TimeoutError("the search did not end in time")
        time.sleep(_POLL_S)
