"""The page `/docs` needs nothing from another host."""

import re
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeVerifier, ask

from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings


@pytest.fixture
def app(tmp_path: Path) -> Any:
    return create_app(Settings(data_dir=tmp_path / "data"), FakeVerifier())


def test_every_file_of_the_page_is_served_here(app: Any) -> None:
    page = ask(app, "GET", "/docs")
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) == 4
    assert all(name.startswith("/docs/files/") for name in named)
    for name in named:
        answer = ask(app, "GET", name)
        assert answer.status_code == 200
        assert len(answer.content) > 50
    assert b"SwaggerUIBundle" in ask(app, "GET", "/docs/files/swagger-ui-bundle.js").content
    assert "/openapi.json" in ask(app, "GET", "/docs/files/start.js").text
    assert ask(app, "GET", "/docs/files/other.js").status_code == 404


def test_the_browser_may_ask_no_other_host(app: Any) -> None:
    policy = ask(app, "GET", "/docs").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy  # no inline script either
    assert "http" not in policy
    assert ask(app, "GET", "/redoc").status_code == 404
