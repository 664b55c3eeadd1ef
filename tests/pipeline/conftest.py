"""Frames for tests of single stages."""

import numpy as np
import pytest

from idproof.pipeline.documents import load_builtin


@pytest.fixture
def document_frame() -> np.ndarray:
    """An empty canonical frame."""
    width, height = load_builtin().size_px
    return np.zeros((height, width, 3), dtype=np.uint8)
