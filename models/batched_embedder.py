"""Faces of several registrations in one batch: a GPU takes many in the time of one."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from idproof.models.types import Embeddings, FaceEmbedder, RGBImage


@dataclass(eq=False)  # pictures have no yes or no to whether they are equal
class _Request:
    faces: Sequence[RGBImage]
    rows: Embeddings | None = None
    error: Exception | None = field(default=None)


class BatchedEmbedder:
    """Calls of several threads become one call of the embedder, without waiting for each other on purpose.

    Whoever finds the embedder idle computes at once; whoever comes meanwhile waits, and the next to compute takes all
    of them along. A template does not depend on whom it was made with, but for the last digits of its numbers.

    Lines of text are not batched in this way: on a processor a line takes longer in a larger batch (`ppocr`), and a
    batch padded to its longest line would let what is read of one applicant depend on who else registers.

    Args:
        embedder: makes the templates.
        most: faces in one call.
    """

    def __init__(self, embedder: FaceEmbedder, most: int = 32) -> None:
        self._embedder, self._most = embedder, most
        self._waiting: list[_Request] = []
        self._lock, self._turn = threading.Lock(), threading.Lock()

    @property
    def dimensions(self) -> int:
        """Length of a template."""
        return self._embedder.dimensions

    def align(self, image: RGBImage, landmarks: NDArray[np.float32]) -> RGBImage:
        """As the embedder does."""
        return self._embedder.align(image, landmarks)

    def raw_features(self, faces: Sequence[RGBImage]) -> tuple[Embeddings, Embeddings]:
        """As the embedder does, not batched: only measurements ask for it."""
        return self._embedder.raw_features(faces)

    def embed(self, faces: Sequence[RGBImage]) -> Embeddings:
        """One unit-length row a face."""
        asked = _Request(faces)
        with self._lock:
            self._waiting.append(asked)
        with self._turn:
            if asked.rows is None and asked.error is None:
                self._compute(self._taken(asked))
        if asked.error is not None:
            raise asked.error
        assert asked.rows is not None  # noqa: S101 - computed in this turn or in one before
        return asked.rows

    def _taken(self, first: _Request) -> list[_Request]:
        """The caller's own, and as many others as fit."""
        with self._lock:
            self._waiting.remove(first)
            taken, size = [first], len(first.faces)
            for other in list(self._waiting):
                if size + len(other.faces) <= self._most:
                    self._waiting.remove(other)
                    taken.append(other)
                    size += len(other.faces)
        return taken

    def _compute(self, taken: list[_Request]) -> None:
        try:
            rows = self._embedder.embed([face for asked in taken for face in asked.faces])
        except Exception as error:  # noqa: BLE001 - each caller raises it in its own thread
            for asked in taken:
                asked.error = error
            return
        ends = np.cumsum([len(asked.faces) for asked in taken])
        for asked, part in zip(taken, np.split(rows, ends[:-1]), strict=True):
            asked.rows = part.copy()
        rows.fill(0)  # templates: each caller owns and overwrites its own
