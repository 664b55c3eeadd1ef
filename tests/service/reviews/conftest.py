"""A bench of reviews with two officers."""

from pathlib import Path

import pytest
from review_bench import ANNA, BEN, ReviewBench

from idproof.service.operations.settings import Settings


@pytest.fixture
def bench(tmp_path: Path) -> ReviewBench:
    made = ReviewBench(Settings(data_dir=tmp_path, core_url="http://127.0.0.1:1"))
    made.enrolled(ANNA, BEN)
    return made
