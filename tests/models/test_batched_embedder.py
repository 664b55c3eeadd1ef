"""Batching of several callers' faces: the same templates, in fewer calls, and errors by batch."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from idproof.models.batched_embedder import BatchedEmbedder, _Request
from idproof.models.profiles import load_engines
from idproof.models.types import Embeddings, RGBImage


class Slow:
    """Counts its calls, and delays the first until the test sets `go`."""

    dimensions = 4

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.go = threading.Event()

    def embed(self, faces: Sequence[RGBImage]) -> Embeddings:
        self.sizes.append(len(faces))
        assert self.go.wait(10)
        if any(face.max() == 255 for face in faces):
            raise ValueError("a face that cannot be")
        return np.stack([np.full(4, face.mean(), np.float32) for face in faces])


def face(shade: int) -> RGBImage:
    return np.full((112, 112, 3), shade, np.uint8)


def test_requests_that_wait_share_the_next_batch() -> None:
    slow = Slow()
    batched = BatchedEmbedder(slow, max_faces=8)  # type: ignore[arg-type]
    with ThreadPoolExecutor(6) as pool:
        begun = [pool.submit(batched.embed, [face(shade), face(shade + 1)]) for shade in range(0, 60, 10)]
        while len(slow.sizes) < 1 or len(batched._waiting) < 5:
            pass
        slow.go.set()
        found = [each.result() for each in begun]
    for shade, rows in zip(range(0, 60, 10), found, strict=True):
        assert rows[:, 0].tolist() == [shade, shade + 1]
    assert slow.sizes == [2, 8, 2]


def test_a_later_request_may_take_earlier_ones_along() -> None:
    """The thread that computes finds its own request in the queue without comparing pictures."""
    batched = BatchedEmbedder(Slow())  # type: ignore[arg-type]
    requests = [_Request([face(shade), face(shade + 1)]) for shade in (10, 20, 30)]
    batched._waiting.extend(requests)
    assert batched._take(requests[2]) == [requests[2], requests[0], requests[1]]
    assert batched._waiting == []


def test_an_error_reaches_its_own_batch_and_no_later_one() -> None:
    slow = Slow()
    slow.go.set()
    batched = BatchedEmbedder(slow)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cannot be"):
        batched.embed([face(255)])
    assert batched.embed([face(7)])[0, 0] == 7


def test_templates_of_the_real_network_do_not_depend_on_the_batch() -> None:
    embedder = load_engines("open").embedder
    rng = np.random.default_rng(1)
    faces = [rng.integers(0, 256, (112, 112, 3), dtype=np.uint8) for _ in range(6)]
    alone = np.concatenate([embedder.embed([one]) for one in faces])
    batched = BatchedEmbedder(embedder)
    with ThreadPoolExecutor(3) as pool:
        together = np.concatenate(list(pool.map(batched.embed, [faces[:2], faces[2:4], faces[4:]])))
    np.testing.assert_allclose(alone, together, atol=2e-6)
    assert batched.dimensions == embedder.dimensions
