"""Embedding of several registrations' faces in one batch: a GPU computes many in the time of one."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from idproof.models.types import Embeddings, FaceEmbedder, RGBImage


@dataclass(eq=False)  # arrays do not compare to one truth value
class _Request:
    faces: Sequence[RGBImage]
    rows: Embeddings | None = None
    error: Exception | None = field(default=None)


class BatchedEmbedder:
    """Combines calls of several threads into one call of the embedder, without delaying any call on purpose.

    A thread that finds the embedder idle computes at once. Threads that arrive meanwhile wait; the next one to compute
    takes the faces of all of them. A template does not depend on the other faces of its batch, except in the last
    digits.

    Lines of text are not batched in this way: on a processor a line takes longer in a larger batch (`ppocr`), and
    padding to the longest line would make one applicant's reading depend on other applicants.

    Args:
        embedder: computes the templates.
        max_faces: per call of the embedder.
    """

    def __init__(self, embedder: FaceEmbedder, max_faces: int = 32) -> None:
        self._embedder, self._max_faces = embedder, max_faces
        self._waiting: list[_Request] = []
        self._lock, self._turn = threading.Lock(), threading.Lock()

    @property
    def dimensions(self) -> int:
        """Length of a template."""
        return self._embedder.dimensions

    def align(self, image: RGBImage, landmarks: NDArray[np.float32]) -> RGBImage:
        """Aligns as the embedder does."""
        return self._embedder.align(image, landmarks)

    def raw_features(self, faces: Sequence[RGBImage]) -> tuple[Embeddings, Embeddings]:
        """Computes as the embedder does, not batched: only measurements call it."""
        return self._embedder.raw_features(faces)

    def embed(self, faces: Sequence[RGBImage]) -> Embeddings:
        """Returns one unit-length row per face."""
        request = _Request(faces)
        with self._lock:
            self._waiting.append(request)
        with self._turn:
            if request.rows is None and request.error is None:
                self._compute(self._take(request))
        if request.error is not None:
            raise request.error
        assert request.rows is not None  # noqa: S101 - computed in this turn or in one before
        return request.rows

    def _take(self, first: _Request) -> list[_Request]:
        """Takes the caller's request, and as many others as fit, from the queue."""
        with self._lock:
            self._waiting.remove(first)
            taken, size = [first], len(first.faces)
            for other in list(self._waiting):
                if size + len(other.faces) <= self._max_faces:
                    self._waiting.remove(other)
                    taken.append(other)
                    size += len(other.faces)
        return taken

    def _compute(self, taken: list[_Request]) -> None:
        try:
            rows = self._embedder.embed([face for request in taken for face in request.faces])
        except Exception as error:  # noqa: BLE001 - each caller raises it in its own thread
            for request in taken:
                request.error = error
            return
        ends = np.cumsum([len(request.faces) for request in taken])
        for request, part in zip(taken, np.split(rows, ends[:-1]), strict=True):
            request.rows = part.copy()
        rows.fill(0)  # templates: each caller owns and overwrites its own
