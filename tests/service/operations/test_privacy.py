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


def test_pictures_for_reviewers_are_off_by_default_and_said_when_they_are_on(settings: Settings) -> None:
    said = []
    for more in ({}, {"review_referred": True, "review_pictures": "sealed"}):
        app = create_app(settings.model_copy(update=more), FakeVerifier())  # type: ignore[arg-type]
        statement = ask(app, "GET", "/v1/privacy").json()
        kept = [one["for"] for one in statement["kept"] if "reviewers' keys" in one["what"]]
        said.append((statement["pictures"]["sealed_for_reviewers_seconds"], *kept))
    assert said == [(0, "not kept here"), (900.0, "15 minutes, or until they were seen")]


def test_face_templates_are_off_by_default_and_said_when_they_are_on(settings: Settings) -> None:
    said = []
    for more in ({}, {"face_template": "split_key"}):
        app = create_app(settings.model_copy(update=more), FakeVerifier())  # type: ignore[arg-type]
        statement = ask(app, "GET", "/v1/privacy").json()
        kept = [one["for"] for one in statement["kept"] if one["what"].startswith("face template")]
        said.append((statement["templates"]["kept"], statement["templates"]["wait_for_passkeys_seconds"], *kept))
    on = "in memory for 10 minutes until a passkey takes it; then as the passkey, or until it is destroyed"
    assert said == [(False, 0, "not kept here"), (True, 600.0, on)]


def test_the_privacy_statement_matches_settings_documentation_and_tables(settings: Settings) -> None:
    strict = settings.model_copy(
        update={"retention_days": 2.0, "idempotency_hours": 100.0, "credential_issuer": "https://i.example"}
        | {"presentation_verifier": "https://v.example", "presentation_receipt_days": 30.0}
        | {"review_referred": True, "review_pictures": "sealed"}
    )
    app = create_app(strict, FakeVerifier())
    statement = ask(app, "GET", "/v1/privacy").json()
    assert statement["pictures"] == statement["pictures"] | {"kept": False, "at_most_seconds": 120.0}
    assert {entry["for"] for entry in statement["kept"]} == {
        "2 days, or until erased",
        "2 days after its end, or until erased",
        "10 minutes, until they answer, or until erased",
        "until it expires, a decided one as its registration; an hour for wrong codes",
        "15 minutes, or until they were seen",
        "48 hours, or until the verdict is erased",
        "72 hours; their verification until it is erased",
        "60 minutes",
        "15 minutes, until they were issued, or until the verdict is erased",
        "until the credential expires; then without the id, until its whole list has expired",
        "5 minutes",
        "the operator",
        "until it expires",
        "a day after its time",
        "365 days, or until its registration is erased",
        "an hour after its time",
        "claims 5 minutes, or until they were given; the rest an hour longer",
        "30 days, or until erased",
        "an hour after its time, or until its registration is erased",
        "13 minutes for failures; the session's for the device",
        "not kept here",  # a face template, which excludes records
    }
    page = (DOCS / "privacy.md").read_text(encoding="utf-8")
    for entry in statement["kept"]:
        assert entry["what"].lower() in page.lower(), entry["what"]
    # Every table that holds anything about a request is in the statement.
    from idproof.service.storage.schema_registrations import REGISTRATIONS

    covered = {"verifications", "sessions", "operations", "idempotency", "api_keys", "facts", "outbox", "failures"}
    covered |= {"kiosks", "kiosk_counts", "clients", "permits", "used_captures", "asked", "attested_keys"}
    covered |= {"passkeys", "ceremonies", "step_ups", "presentations", "consent_receipts"}
    covered |= {"face_templates"}
    covered |= {"registrations", "registration_attempts", "registration_events", "record_retries"}
    covered |= {"counter_tickets", "counter_guesses"}
    covered |= {"reviews", "reviewers"}
    covered |= {"capture_tokens", "kiosk_days"}
    covered |= {"credential_claims", "credential_offers", "credential_status", "used_nonces"}
    assert set(REGISTRATIONS.metadata.tables) == covered
