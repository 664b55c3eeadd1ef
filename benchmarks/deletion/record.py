"""Notes what the engines of a verifier are given and give back: the tensors that a search must know."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.pipeline import Verifier

Note = Callable[[str, NDArray[Any]], None]


class _Network:
    """An inference session that is listened to."""

    def __init__(self, session: Any, note: Note, answers: str | None = None) -> None:
        self._session = session
        self._note = note
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def run(self, wanted: Any, feeds: dict[str, NDArray[Any]]) -> Any:
        answers = self._session.run(wanted, feeds)
        for tensor in feeds.values():
            self._note("tensor", tensor)
        if self._answers is not None:
            for answer in answers:
                self._note(self._answers, answer)
        return answers


@contextmanager
def record_engines(verifier: Verifier, note: Note) -> Iterator[None]:
    """Call `note` with (kind, array) for every picture and tensor; kinds are `line`, `tensor` and `embedding`."""
    executor: Any = verifier.executor  # the benchmark looks inside on purpose
    engines = executor.tools.engines
    reader, latin, detector, embedder = engines.reader, engines.latin_reader, engines.detector, engines.embedder
    read, run, rows = reader._run, latin._run, detector._rows

    def lines(pictures: list[NDArray[np.uint8]]) -> Any:
        for picture in pictures:
            note("line", picture)
        return read(pictures)

    def page(picture: NDArray[np.uint8]) -> Any:
        note("line", picture)
        note("tensor", cv2.imencode(".png", picture)[1])
        return run(picture)

    def faces(picture: NDArray[np.uint8]) -> Any:
        note("line", picture)
        return rows(picture)

    network = embedder._network
    with (
        patch.object(reader, "_session", _Network(reader._session, note)),
        patch.object(reader, "_run", lines),
        patch.object(latin, "_run", page),
        patch.object(detector, "_session", _Network(detector._session, note)),
        patch.object(detector, "_rows", faces),
        patch.object(network, "session", _Network(network.session, note, "embedding")),
    ):
        yield
