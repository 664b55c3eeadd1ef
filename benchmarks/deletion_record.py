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


class _Detector:
    """OpenCV's detector, which makes its tensor itself: BGR planes as floats (YuNet takes 0..255)."""

    def __init__(self, detector: Any, note: Note) -> None:
        self._detector = detector
        self._note = note

    def detect(self, picture: NDArray[np.uint8]) -> Any:
        self._note("line", picture)
        self._note("tensor", picture.transpose(2, 0, 1).astype(np.float32))
        return self._detector.detect(picture)


@contextmanager
def record_engines(verifier: Verifier, note: Note) -> Iterator[None]:
    """Call `note` with (kind, array) for every picture and tensor; kinds are `line`, `tensor` and `embedding`."""
    executor: Any = verifier.executor  # the benchmark looks inside on purpose
    engines = executor.parts.engines
    reader, latin, detector, embedder = engines.reader, engines.latin_reader, engines.detector, engines.embedder
    read, run, opened = reader._run, latin._run, detector._open

    def lines(pictures: list[NDArray[np.uint8]]) -> Any:
        for picture in pictures:
            note("line", picture)
        return read(pictures)

    def page(picture: NDArray[np.uint8]) -> Any:
        note("line", picture)
        note("tensor", cv2.imencode(".png", picture)[1])
        return run(picture)

    network = embedder._network
    with (
        patch.object(reader, "_session", _Network(reader._session, note)),
        patch.object(reader, "_run", lines),
        patch.object(latin, "_run", page),
        patch.object(detector, "_open", lambda size: _Detector(opened(size), note)),
        patch.object(network, "session", _Network(network.session, note, "embedding")),
    ):
        yield
