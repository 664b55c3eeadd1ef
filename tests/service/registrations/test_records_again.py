"""Records that did not answer are asked again without new captures: one verdict, whatever happens in between."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import FILES, FakeVerifier, a_verdict, ask
from sqlalchemy import select, update

from idproof.pipeline import Decision, Outcome, Status, Verdict
from idproof.pipeline.types import CheckResult
from idproof.service.cases.record_retries import RecordRetries
from idproof.service.cases.states import RegistrationEvent, RegistrationStatus
from idproof.service.errors import StoreUnavailable
from idproof.service.http import app as application
from idproof.service.operations import retention
from idproof.service.operations.settings import Settings
from idproof.service.registrations import records_again
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.storage.schema import OPERATIONS
from idproof.service.storage.schema_registrations import RECORD_RETRIES

PASSED = CheckResult("face_comparison", Status.ASSESSED, Outcome.PASS, 0.6, "cosine", 0.8, None, 0.4)
UNANSWERED = CheckResult.not_assessed("records", "records_unavailable")
NUMBER = "A123456(3)"


def answered(decision: Decision = Decision.ACCEPT, *reasons: str) -> Any:
    def later(earlier: Verdict) -> Verdict:
        outcome = Outcome.PASS if decision is Decision.ACCEPT else Outcome.FAIL
        record = CheckResult("records", Status.ASSESSED, outcome, reason=next(iter(reasons), None))
        return replace(earlier, decision=decision, reasons=reasons, checks=(PASSED, record))

    return later


class Desk:
    """The application without a server: its intake, and a verifier whose records do as a test says."""

    def __init__(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        self.verifier = FakeVerifier()
        self.verifier.verdict = replace(
            a_verdict(), decision=Decision.REFER, reasons=("records_unavailable",), checks=(PASSED, UNANSWERED)
        )
        self.verifier.verdict = replace(self.verifier.verdict, form={"number": NUMBER})
        made: list[RegistrationIntake] = []
        build = application.RegistrationIntake

        def remember(*arguments: Any, **named: Any) -> RegistrationIntake:
            made.append(build(*arguments, **named))
            return made[-1]

        monkeypatch.setattr(application, "RegistrationIntake", remember)
        self.app = application.create_app(settings, self.verifier)  # type: ignore[arg-type]
        (self.intake,) = made
        self.registration = str(ask(self.app, "POST", "/v1/registrations").json()["id"])

    def verify(self) -> Any:
        headers = {"Registration": self.registration}
        return ask(self.app, "POST", "/v1/verifications", files=FILES, headers=headers).json()

    def shown(self) -> Any:
        return ask(self.app, "GET", f"/v1/registrations/{self.registration}").json()

    def make_due(self, **values: Any) -> None:
        with self.intake.store.database.write() as connection:
            connection.execute(update(RECORD_RETRIES).values({"due_ms": 0} | values))

    def waiting(self) -> int:
        with self.intake.store.database.read() as connection:
            return len(connection.execute(select(RECORD_RETRIES)).all())

    def ask(self) -> bool:
        return records_again.ask_next(self.intake)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    settings = Settings(data_dir=tmp_path / "data", session_required=False, core_url="http://127.0.0.1:1/")
    return Desk(settings, monkeypatch)


def test_an_answer_becomes_a_second_signed_verdict_without_new_captures(desk: Desk) -> None:
    first = desk.verify()
    shown = desk.shown()
    assert (shown["status"], shown["next"]["step"], shown["attempts_left"]) == ("open", "records", 3)
    assert desk.waiting() == 1
    assert not desk.ask()  # not due yet
    desk.make_due()
    desk.verifier.records = answered()
    assert desk.ask()
    shown = desk.shown()
    assert (shown["status"], desk.waiting()) == ("accepted", 0)
    assert [attempt["decision"] for attempt in shown["attempts"]] == ["refer", "accept"]
    second = ask(desk.app, "GET", f"/v1/verifications/{shown['verification']}").json()
    assert second["id"] != first["id"]
    assert (second["decision"], second["registration"], second["jws"] == first["jws"]) == (
        "accept",
        desk.registration,
        False,
    )
    assert second["form"]["number"] == NUMBER
    kinds = [(entry.kind.value, entry.number) for entry in desk.intake.delivery_worker.outbox.entries()]
    assert kinds == [("status", 1), ("verdict", None), ("status", 2), ("verdict", None), ("status", 3)]
    assert not desk.ask()


def test_what_waits_is_sealed_and_goes_with_its_registration(desk: Desk) -> None:
    desk.verify()
    with desk.intake.store.database.read() as connection:
        sealed = connection.execute(select(RECORD_RETRIES.c.sealed)).scalar_one()
    assert NUMBER.encode() not in sealed
    assert json.dumps(NUMBER)[1:-1].encode() not in sealed
    retention.erase_person(desk.intake.store, desk.intake.audit, NUMBER, by="operator")
    assert desk.waiting() == 0


def test_a_mismatch_sends_to_a_counter(desk: Desk) -> None:
    desk.verify()
    desk.make_due()
    desk.verifier.records = answered(Decision.REJECT, "records_mismatch_surname")
    desk.ask()
    assert desk.shown()["status"] == "at_counter"


def test_records_that_stay_silent_are_asked_with_growing_waits_and_then_no_more(desk: Desk) -> None:
    desk.verify()
    waits = []
    for _ in range(6):
        desk.make_due()
        before = time.time()
        assert desk.ask()
        with desk.intake.store.database.read() as connection:
            waits.append(round(connection.execute(select(RECORD_RETRIES.c.due_ms)).scalar_one() / 1000 - before))
    assert waits == [30, 60, 120, 120, 120, 120]
    desk.make_due(expires_ms=0)
    assert desk.ask()
    shown = desk.shown()
    assert (shown["status"], shown["history"][-1]["event"]) == ("needs_new_capture", "records_unanswered")
    assert shown["next"]["advice"] == ["try_later"]
    assert desk.waiting() == 0
    assert len(shown["attempts"]) == 1


def test_new_captures_end_the_wait(desk: Desk) -> None:
    desk.verify()
    desk.verifier.verdict = replace(desk.verifier.verdict, reasons=("selfie_blurred",))  # type: ignore[type-var]
    desk.verify()
    assert (desk.shown()["status"], desk.waiting()) == ("needs_new_capture", 0)


def test_an_answer_during_a_new_attempt_waits_for_it(desk: Desk) -> None:
    desk.verify()
    desk.make_due()
    desk.verifier.records = answered()
    ticket = desk.intake.ledger.begin("anonymous", None, None, desk.registration)
    assert desk.ask()
    assert (desk.shown()["status"], desk.waiting()) == ("open", 1)
    desk.intake.ledger.abandon(ticket)  # type: ignore[arg-type]
    desk.make_due()
    assert desk.ask()
    assert desk.shown()["status"] == "accepted"


def test_two_servers_that_ask_at_once_store_one_verdict(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.verify()
    desk.make_due()
    desk.verifier.records = answered()
    retry = desk.intake.cases.retries.claim()
    monkeypatch.setattr(RecordRetries, "claim", lambda _: retry)  # as after the lease of the first has lapsed
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda _: desk.ask(), range(4)))
    shown = desk.shown()
    assert shown["status"] == "accepted"
    assert [attempt["decision"] for attempt in shown["attempts"]] == ["refer", "accept"]


def test_a_crash_before_the_verdict_is_stored_asks_once_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.verify()
    desk.make_due()
    desk.verifier.records = answered()

    def killed(*_: object, **__: object) -> None:
        raise StoreUnavailable("The database cannot be changed.")

    with monkeypatch.context() as patch:
        patch.setattr(desk.intake.audit, "append", killed)  # the last step of the transaction
        patch.setattr(desk.intake.ledger, "abandon", lambda _: None)  # and nothing is tidied up
        with pytest.raises(StoreUnavailable):
            desk.ask()
    assert desk.shown()["status"] == "open"
    desk.make_due()
    assert desk.ask()  # the lease of the killed verification holds it back
    assert desk.shown()["status"] == "open"
    with desk.intake.store.database.write() as connection:
        connection.execute(update(OPERATIONS).values(lease_ms=0))
    desk.make_due()
    assert desk.ask()
    assert desk.shown()["status"] == "accepted"
    assert len(desk.shown()["attempts"]) == 2


def test_a_registration_that_moved_on_meanwhile_keeps_its_status(desk: Desk) -> None:
    desk.verify()
    desk.make_due()
    desk.verifier.records = answered()
    with desk.intake.store.database.write() as connection:
        desk.intake.cases.move(connection, desk.registration, RegistrationEvent.COUNTER_CHOSEN, by="client")
    desk.ask()
    assert (desk.shown()["status"], desk.waiting()) == (RegistrationStatus.AT_COUNTER, 0)
    assert len(desk.shown()["attempts"]) == 1


def test_an_operator_may_switch_it_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    off = Desk(Settings(data_dir=tmp_path / "data", session_required=False, records_retry_s=0), monkeypatch)
    off.verify()
    assert (off.shown()["status"], off.waiting()) == ("needs_new_capture", 0)
