"""Registrations rendered once a run, and what measures them by another way than the renderer's."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from idproof.datasets.specimen.make import Registration, make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline.documents import Box, DocumentType, load_builtin

SEED = 31


@lru_cache(maxsize=32)
def _rendered(attack: str | None) -> Registration:
    return make(SEED, 0, PortraitSource.open(None), load_builtin(), attack)


@pytest.fixture
def rendered() -> Callable[..., Registration]:
    """Registration 0 of one seed, bona fide or under an attack: the same person, card, camera and poses."""
    return lambda attack=None: _rendered(attack)


@pytest.fixture
def edited_pair() -> Callable[[int], tuple[Registration, Registration]]:
    """An edited registration and the same one as it was."""

    def render(index: int) -> tuple[Registration, Registration]:
        source, document = PortraitSource.open(None), load_builtin()
        edited, honest = (make(SEED, index, source, document, kind) for kind in ("field_edit", None))
        return edited, honest

    return render


@pytest.fixture
def rectified(document: DocumentType) -> Callable[..., np.ndarray]:
    """A box of the card (or all of it) as one capture shows it, 10 px/mm, put straight by `truth.corners`."""

    def straighten(registration: Registration, name: str = "front", box: Box | None = None) -> np.ndarray:
        data = np.frombuffer(registration.pictures[f"{name}.jpg"], np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
        corners = np.float32(registration.description["truth"]["corners"][name])
        width, height = round(document.width_mm * 10), round(document.height_mm * 10)
        frame = np.float32([[0, 0], [width, 0], [width, height], [0, height]]) - np.float32(0.5)
        card = cv2.warpPerspective(picture, cv2.getPerspectiveTransform(corners, frame), (width, height))
        left, top, right, bottom = box.pixels(10) if box else (0, 0, width, height)
        return card[top:bottom, left:right].astype(np.float32)

    return straighten


@pytest.fixture
def faces(tmp_path: Path) -> Callable[..., Path]:
    """A folder in LFW layout: so many pictures a person, of so many pixels."""

    def write(size: tuple[int, int] = (250, 250), **people: int) -> Path:
        root = tmp_path / "faces"
        for number, (name, count) in enumerate(people.items()):
            (root / name).mkdir(parents=True)
            for i in range(count):
                noise = np.random.default_rng([number, i]).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
                Image.fromarray(noise).save(root / name / f"{name}_{i + 1:04d}.jpg")
        return root

    return write
