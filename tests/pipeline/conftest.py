"""Frames for tests of single stages."""

import cv2
import numpy as np
import pytest

from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline.documents import load_builtin


@pytest.fixture
def document_frame() -> np.ndarray:
    """An empty canonical frame."""
    width, height = load_builtin().size_px
    return np.zeros((height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def photograph() -> np.ndarray:
    """A bundled portrait in the framing of LFW, (250, 250, 3)."""
    picture = PortraitSource.open(None).person("bundled/office-holder").photographs[0]
    return np.asarray(cv2.resize(picture, (250, 250), interpolation=cv2.INTER_AREA))
