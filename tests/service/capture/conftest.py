"""The npm package of the web component, packed and installed once."""

from pathlib import Path

import foreign_page
import pytest


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return foreign_page.installed(tmp_path_factory.mktemp("npm"))
