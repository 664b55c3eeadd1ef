"""Settings of a service that needs keys."""

from pathlib import Path

import pytest

from idproof.service.operations.settings import Settings


@pytest.fixture
def closed(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", anonymous=False, session_required=False)
