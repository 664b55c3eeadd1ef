"""The published privacy statement matches the settings, the documentation and the tables."""

from pathlib import Path

import pytest
from fakes import FakeVerifier, ask

from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", session_required=False)


def test_the_privacy_statement_matches_settings_documentation_and_tables(settings: Settings) -> None:
    strict = settings.model_copy(update={"retention_days": 2.0, "idempotency_hours": 100.0})
    app = create_app(strict, FakeVerifier())
    statement = ask(app, "GET", "/v1/privacy").json()
    assert statement["pictures"] == statement["pictures"] | {"kept": False, "at_most_seconds": 120.0}
    assert {entry["for"] for entry in statement["kept"]} == {
        "2 days, or until erased",
        "48 hours, or until the verdict is erased",
        "72 hours; their verification until it is erased",
        "60 minutes",
        "the operator",
        "until it expires",
        "13 minutes for failures; the session's for the device",
    }
    page = (DOCS / "privacy.md").read_text(encoding="utf-8")
    for entry in statement["kept"]:
        assert entry["what"].lower() in page.lower(), entry["what"]
    # Every table that holds anything about a request is in the statement.
    from idproof.service.storage.schema import METADATA

    covered = {"verifications", "sessions", "operations", "idempotency", "api_keys", "facts", "outbox", "failures"}
    covered |= {"kiosks", "kiosk_counts", "clients", "permits", "used_captures", "asked", "attested_keys"}
    assert set(METADATA.tables) <= covered
