"""Erasure of registrations: everything that hangs on them goes, once, and the core is told after what is on its way."""

import pytest
from case_bench import CLIENT, CaseBench
from peers import IdentityCore
from sqlalchemy import select

from idproof.service.cases.next_steps import NextStep
from idproof.service.errors import ServiceProblem
from idproof.service.operations import retention
from idproof.service.outbox import Destination
from idproof.service.storage.schema_registrations import OF_REGISTRATIONS, REGISTRATIONS

NUMBER = "A123456(3)"


def rows(bench: CaseBench) -> int:
    with bench.store.database.read() as connection:
        tables = (REGISTRATIONS, *OF_REGISTRATIONS)
        return sum(len(connection.execute(select(table)).all()) for table in tables)


def two_attempts(bench: CaseBench) -> tuple[str, list[str]]:
    opened = bench.cases.open(CLIENT, "r")
    bench.attempt(opened.id, NextStep.CAPTURE)  # no number was read
    bench.attempt(opened.id, NextStep.NOTHING, NUMBER)
    found = bench.cases.find(opened.id, CLIENT)
    assert found is not None
    return opened.id, [attempt.verification for attempt in found.attempts]


def test_a_registration_is_erased_with_its_verdicts_and_the_core_is_told(bench: CaseBench, core: IdentityCore) -> None:
    registration, verdicts = two_attempts(bench)
    bench.until_quiet()
    assert retention.erase_registration(bench.store, bench.audit, registration, by="operator")
    assert not retention.erase_registration(bench.store, bench.audit, registration, by="operator")
    bench.until_quiet()
    assert rows(bench) == 0
    assert [bench.store.load(verdict) for verdict in verdicts] == [None, None]
    told = [event for event in core.order if "erased_at" in event]
    assert sorted(event.get("verification", event.get("registration")) for event in told) == [registration, *verdicts]


def test_erasing_one_attempt_erases_its_registration(bench: CaseBench) -> None:
    _, verdicts = two_attempts(bench)
    assert retention.erase(bench.store, bench.audit, verdicts[0], by="operator")
    assert rows(bench) == 0
    assert bench.store.load(verdicts[1]) is None


def test_erasing_a_person_erases_registrations_with_attempts_in_which_nothing_was_read(bench: CaseBench) -> None:
    _, verdicts = two_attempts(bench)
    other = bench.cases.open(CLIENT)
    bench.attempt(other.id, NextStep.NOTHING, "C123456(9)")
    assert retention.erase_person(bench.store, bench.audit, "a1234563", by="operator") == 2
    assert [bench.store.load(verdict) for verdict in verdicts] == [None, None]
    assert bench.cases.find(other.id, CLIENT) is not None
    assert retention.erase_person(bench.store, bench.audit, "", by="operator") == 0


def test_an_erasure_waits_for_the_event_that_is_on_its_way(bench: CaseBench, core: IdentityCore) -> None:
    opened = bench.cases.open(CLIENT)
    (claimed,) = bench.outbox.claim(Destination.CORE, 1)
    retention.erase_registration(bench.store, bench.audit, opened.id, by="operator")
    assert bench.outbox.claim(Destination.CORE, 16) == []
    bench.outbox.delivered(claimed)
    bench.until_quiet()
    assert [event["registration"] for event in core.order] == [opened.id]


def test_an_event_that_was_not_sent_is_not_sent_after_the_erasure(bench: CaseBench, core: IdentityCore) -> None:
    registration, _ = two_attempts(bench)
    retention.erase_registration(bench.store, bench.audit, registration, by="operator")
    bench.until_quiet()
    assert all("erased_at" in event for event in core.order)
    assert len(core.order) == 3


def test_a_verification_that_runs_during_the_erasure_stores_nothing(bench: CaseBench) -> None:
    opened = bench.cases.open(CLIENT)
    ticket = bench.begin(opened.id)
    retention.erase_registration(bench.store, bench.audit, opened.id, by="operator")
    with pytest.raises(ServiceProblem, match="no registration"):
        bench.finish(ticket)
    assert bench.store.load(ticket.id) is None
    assert rows(bench) == 0
