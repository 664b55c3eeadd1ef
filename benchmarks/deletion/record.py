"""Records the inputs and outputs of a verifier's engines: the tensors that a search must know."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.deletion.forms import FEATURES, LINE, TENSOR
from idproof.pipeline import Verifier
from idproof.pipeline.vault.kinds import TEMPLATE

Record = Callable[[str, NDArray[Any]], None]


class _RecordedSession:
    """An inference session whose inputs, and if asked outputs, are recorded."""

    def __init__(self, session: Any, record: Record, output_kind: str | None = None) -> None:
        self._session = session
        self._record = record
        self._output_kind = output_kind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def run(self, wanted: Any, feeds: dict[str, NDArray[Any]]) -> Any:
        answers = self._session.run(wanted, feeds)
        for tensor in feeds.values():
            self._record(TENSOR, tensor)
        if self._output_kind is not None:
            for answer in answers:
                self._record(self._output_kind, answer)
        return answers


@contextmanager
def record_engines(verifier: Verifier, record: Record) -> Iterator[None]:
    """Calls `record` with (kind, array) for every picture, tensor, feature and template, see `forms.forms_of`."""
    executor: Any = verifier.executor  # the benchmark looks inside on purpose
    engines = executor.tools.engines
    reader, latin, detector, embedder = engines.reader, engines.latin_reader, engines.detector, engines.embedder
    read, run, candidates, embed = reader._run, latin._run, detector._candidates, embedder.embed

    def lines(pictures: list[NDArray[np.uint8]]) -> Any:
        for picture in pictures:
            record(LINE, picture)
        return read(pictures)

    def page(picture: NDArray[np.uint8]) -> Any:
        record(LINE, picture)
        record(TENSOR, cv2.imencode(".png", picture)[1])
        return run(picture)

    def faces(picture: NDArray[np.uint8]) -> Any:
        record(LINE, picture)
        return candidates(picture)

    def templates(aligned: Sequence[NDArray[np.uint8]]) -> Any:
        rows = embed(aligned)
        record(TEMPLATE, rows)
        return rows

    with (
        patch.object(reader, "_session", _RecordedSession(reader._session, record)),
        patch.object(reader, "_run", lines),
        patch.object(latin, "_run", page),
        patch.object(detector, "_session", _RecordedSession(detector._session, record)),
        patch.object(detector, "_candidates", faces),
        patch.object(embedder, "_session", _RecordedSession(embedder._session, record, FEATURES)),
        patch.object(embedder, "embed", templates),
    ):
        yield
