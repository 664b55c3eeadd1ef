"""Registrations: attempts one after another, limits, expiry, and their events at the identity core."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from case_bench import CLIENT, CaseBench
from peers import IdentityCore, Reply
from sqlalchemy import update

from idproof.service.cases.next_steps import NextStep
from idproof.service.cases.rules import RegistrationRules
from idproof.service.cases.states import RegistrationEvent, RegistrationStatus
from idproof.service.errors import AuditBroken, ServiceProblem
from idproof.service.operations import retention
from idproof.service.operations.settings import Settings
from idproof.service.outbox import delivery
from idproof.service.signing.jws import verify
from idproof.service.storage import Ledger
from idproof.service.storage.schema import OPERATIONS
from idproof.service.storage.schema_registrations import REGISTRATIONS


def refused(call: Any, *arguments: Any) -> str:
    with pytest.raises(ServiceProblem) as problem:
        call(*arguments)
    return str(problem.value.code)


def code_of(call: Callable[[], object]) -> str:
    try:
        call()
    except ServiceProblem as problem:
        return str(problem.code)
    return "done"


def set_row(bench: CaseBench, registration: str, **values: Any) -> None:
    with bench.store.database.write() as connection:
        connection.execute(update(REGISTRATIONS).where(REGISTRATIONS.c.id == registration).values(values))


def test_events_reach_the_core_signed_in_order_with_what_the_contract_says(
    bench: CaseBench, core: IdentityCore
) -> None:
    opened = bench.cases.open(CLIENT, "r-1")
    first = bench.finish(bench.begin(opened.id), NextStep.CAPTURE, reasons=["card_overexposed"])
    assert first is RegistrationStatus.NEEDS_NEW_CAPTURE
    bench.attempt(opened.id, NextStep.NOTHING)
    bench.until_quiet()
    attempts = bench.cases.find(opened.id, CLIENT).attempts  # type: ignore[union-attr]
    told = [event for event in core.order if "registration" in event]
    assert [event["event"] for event in told] == ["opened", "verdict_to_capture", "verdict_accepted"]
    assert [event["number"] for event in told] == [1, 2, 3]
    assert [event["status"] for event in told] == ["open", "needs_new_capture", "accepted"]
    assert [event["verification"] for event in told] == [None, *(each.verification for each in attempts)]
    assert [event["reasons"] for event in told] == [[], ["card_overexposed"], []]
    assert {event["reference"] for event in told} == {"r-1"}
    assert {event["aud"] for event in told} == {"identity-core"}
    # Each verdict arrives before the event that follows from it.
    ids = [event["jti"] for event in core.order]
    for event in told[1:]:
        verdict = next(e for e in core.order if e.get("verdict") and e["verification"] == event["verification"])
        assert ids.index(verdict["jti"]) < ids.index(event["jti"])
    assert verify(core.tokens[0], bench.ring.current.public(), delivery.REGISTRATION_EVENT)["number"] == 1


def test_an_event_says_the_same_however_late_it_is_delivered(bench: CaseBench, core: IdentityCore) -> None:
    refusals: list[Reply] = [(500, b"")]
    core.trouble = lambda: refusals.pop() if refusals else None
    opened = bench.cases.open(CLIENT)
    bench.rounds()  # refused: it is delivered after the registration has moved on
    bench.attempt(opened.id, NextStep.REFUSE)
    bench.until_quiet()
    assert [e["status"] for e in core.order if "registration" in e] == ["open", "refused"]
    assert core.changed == 0


def test_one_attempt_runs_at_a_time_and_a_lost_one_gives_way(bench: CaseBench) -> None:
    opened = bench.cases.open(CLIENT)
    running = bench.begin(opened.id)
    assert refused(bench.begin, opened.id) == "request_in_progress"
    with bench.store.database.write() as connection:
        connection.execute(update(OPERATIONS).where(OPERATIONS.c.id == running.id).values(lease_ms=0))
    again = bench.begin(opened.id)
    assert refused(bench.finish, running) == "request_in_progress"
    assert bench.finish(again) is RegistrationStatus.ACCEPTED
    assert refused(bench.begin, opened.id) == "registration_closed"


def test_attempts_that_arrive_together_lead_to_one(bench: CaseBench) -> None:
    opened = bench.cases.open(CLIENT)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: code_of(lambda: bench.begin(opened.id)), range(8)))
    assert sorted(found) == sorted(["done"] + ["request_in_progress"] * 7)


def test_people_who_decide_together_lead_to_one_decision(bench: CaseBench) -> None:
    opened = bench.cases.open(CLIENT)
    bench.attempt(opened.id, NextStep.COUNTER)

    def decide(n: int) -> str:
        event = RegistrationEvent.COUNTER_ACCEPTED if n % 2 else RegistrationEvent.COUNTER_REFUSED
        return code_of(lambda: bench.move(opened.id, event, statement=f"{n:064x}"))

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(decide, range(8))) == sorted(["done"] + ["registration_closed"] * 7)


def test_a_person_s_decision_carries_the_hash_of_its_statement(bench: CaseBench, core: IdentityCore) -> None:
    reviewed = CaseBench(bench.settings, RegistrationRules(reviewed=True))
    opened = reviewed.cases.open(CLIENT)
    assert reviewed.attempt(opened.id, NextStep.COUNTER) is RegistrationStatus.IN_REVIEW
    assert reviewed.move(opened.id, RegistrationEvent.REVIEW_ACCEPTED, "ab" * 32) is RegistrationStatus.ACCEPTED
    reviewed.until_quiet()
    assert core.order[-1]["statement_sha256"] == "ab" * 32
    assert core.order[-1]["event"] == "review_accepted"


def test_a_reject_is_not_reviewed(bench: CaseBench) -> None:
    reviewed = CaseBench(bench.settings, RegistrationRules(reviewed=True))
    opened = reviewed.cases.open(CLIENT)
    ticket = reviewed.begin(opened.id)
    assert reviewed.finish(ticket, NextStep.COUNTER, decision="reject") is RegistrationStatus.AT_COUNTER


def test_the_last_attempt_leads_to_a_counter_and_not_to_another_one(bench: CaseBench) -> None:
    opened = bench.cases.open(CLIENT)
    found = [bench.attempt(opened.id, NextStep.CAPTURE) for _ in range(3)]
    assert found == [RegistrationStatus.NEEDS_NEW_CAPTURE] * 2 + [RegistrationStatus.AT_COUNTER]
    assert refused(bench.begin, opened.id) == "registration_closed"


def test_a_second_card_in_one_registration_leads_to_a_counter_even_if_it_passes(bench: CaseBench) -> None:
    opened = bench.cases.open(CLIENT)
    bench.attempt(opened.id, NextStep.CAPTURE, number="A123456(3)")
    assert bench.attempt(opened.id, NextStep.NOTHING, number="C123456(9)") is RegistrationStatus.AT_COUNTER
    other = bench.cases.open(CLIENT)
    bench.attempt(other.id, NextStep.CAPTURE, number="A123456(3)")
    assert bench.attempt(other.id, NextStep.NOTHING, number="A1234563") is RegistrationStatus.ACCEPTED


def test_a_doubt_about_a_second_card_is_seen_at_a_counter_and_not_by_reviewers(bench: CaseBench) -> None:
    reviewed = CaseBench(bench.settings, RegistrationRules(reviewed=True))
    opened = reviewed.cases.open(CLIENT)
    reviewed.attempt(opened.id, NextStep.CAPTURE, number="A123456(3)")
    found = reviewed.attempt(opened.id, NextStep.COUNTER, number="C123456(9)")
    assert found is RegistrationStatus.AT_COUNTER, "a reviewer sees one verdict, with the second card alone"


def test_another_clients_registration_does_not_exist(bench: CaseBench) -> None:
    opened = bench.cases.open(CLIENT)
    assert bench.cases.find(opened.id, "two") is None
    assert refused(bench.ledger.begin, "two", None, None, opened.id) == "registration_unknown"
    assert refused(lambda: bench.ledger.sessions.open("two", registration=opened.id)) == "registration_unknown"


def test_a_session_of_another_registration_is_refused_and_one_of_its_own_names_it(bench: CaseBench) -> None:
    mine, other = bench.cases.open(CLIENT), bench.cases.open(CLIENT)
    session = bench.ledger.sessions.open(CLIENT, registration=mine.id)
    assert refused(bench.ledger.begin, CLIENT, session.id, None, other.id) == "registration_closed"
    ticket = bench.ledger.begin(CLIENT, session.id, None)
    assert ticket.registration == mine.id  # type: ignore[union-attr]


def test_where_a_registration_is_required_it_cannot_be_left_out(bench: CaseBench) -> None:
    strict = Ledger(bench.store, registration_required=True)
    assert refused(strict.begin, CLIENT, None, None) == "registration_missing"
    assert refused(strict.begin, CLIENT, strict.sessions.open(CLIENT).id, None) == "registration_missing"


def test_time_ends_what_is_unfinished_and_no_verification_that_runs(bench: CaseBench) -> None:
    idle, busy, done = (bench.cases.open(CLIENT) for _ in range(3))
    bench.attempt(done.id, NextStep.NOTHING)
    ticket = bench.begin(busy.id)
    for each in (idle, busy, done):
        set_row(bench, each.id, expires_ms=int(time.time() * 1000) - 1)
    assert refused(bench.begin, idle.id) == "registration_closed"
    assert bench.cases.expire() == 1
    assert bench.status(idle.id) is RegistrationStatus.EXPIRED
    assert bench.finish(ticket, NextStep.CAPTURE) is RegistrationStatus.NEEDS_NEW_CAPTURE
    assert refused(bench.move, busy.id, RegistrationEvent.COUNTER_CHOSEN) == "registration_closed"
    assert bench.cases.expire() == 1
    assert bench.status(done.id) is RegistrationStatus.ACCEPTED


def test_a_verdict_whose_registration_moved_meanwhile_is_not_stored(bench: CaseBench) -> None:
    opened = bench.cases.open(CLIENT)
    ticket = bench.begin(opened.id)
    bench.move(opened.id, RegistrationEvent.COUNTER_CHOSEN)
    assert refused(bench.finish, ticket) == "registration_closed"
    assert bench.store.load(ticket.id) is None
    assert bench.status(opened.id) is RegistrationStatus.AT_COUNTER


def test_without_the_audit_line_nothing_moves(bench: CaseBench, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = bench.cases.open(CLIENT)
    ticket = bench.begin(opened.id)

    def broken(*_: object, **__: object) -> None:
        raise AuditBroken("No.")

    with monkeypatch.context() as patch:
        patch.setattr(bench.audit, "append", broken)
        with pytest.raises(AuditBroken):
            bench.finish(ticket)
        with pytest.raises(AuditBroken):
            bench.move(opened.id, RegistrationEvent.COUNTER_CHOSEN)
    assert bench.status(opened.id) is RegistrationStatus.OPEN
    assert bench.store.load(ticket.id) is None
    assert [entry.number for entry in bench.outbox.entries()] == [1]
    assert bench.finish(ticket) is RegistrationStatus.ACCEPTED


def test_limits_are_those_of_the_settings_and_never_outlive_the_verdicts(on_either: Settings) -> None:
    changed = on_either.model_copy(update={"registration_attempts": 2, "registration_days": 90, "retention_days": 5})
    rules = RegistrationRules.of(changed)
    assert (rules.attempts, rules.lifetime_s, rules.reviewed) == (2, 5 * 86_400, False)


def test_ended_registrations_are_forgotten_after_retention_and_unfinished_ones_are_not(bench: CaseBench) -> None:
    ended, waiting = bench.cases.open(CLIENT), bench.cases.open(CLIENT)
    bench.attempt(ended.id, NextStep.NOTHING)
    bench.until_quiet()
    for each in (ended, waiting):
        set_row(bench, each.id, changed_ms=0)
    retention.retire_registrations(bench.store, bench.audit, 30)
    assert bench.cases.find(ended.id, CLIENT) is None
    assert bench.cases.find(waiting.id, CLIENT) is not None
    assert bench.outbox.counts()["pending"] == 0  # the core keeps by its own rules
