"""Counters: a ticket opens one registration at one counter, guessing is locked, and an officer settles doubts only."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from case_bench import CLIENT, CaseBench
from peers import IdentityCore
from sqlalchemy import select, update

from idproof.pipeline.assurance import CaptureLevel
from idproof.service.cases import tickets
from idproof.service.cases.counter import STATEMENT, CounterChoice, CounterDesk
from idproof.service.cases.next_steps import NextStep
from idproof.service.cases.states import RegistrationEvent, RegistrationStatus
from idproof.service.cases.tickets import Visit
from idproof.service.errors import ServiceProblem
from idproof.service.operations import retention
from idproof.service.signing.jws import payload_hash, verify
from idproof.service.storage import Ticket
from idproof.service.storage.schema_registrations import COUNTER_GUESSES, COUNTER_TICKETS, REGISTRATIONS

COUNTER, NUMBER = "counter 1", "A123456(3)"


class Counter:
    def __init__(self, bench: CaseBench) -> None:
        self.bench = bench
        self.desk = CounterDesk(bench.cases, bench.store, bench.ring, bench.audit, "idproof")
        self.registration = bench.cases.open(CLIENT, "r").id

    def refer(self) -> str:
        """The registration goes to a counter; returns the code of its ticket."""
        self.bench.attempt(self.registration, NextStep.COUNTER, NUMBER)
        return self.desk.issue(self.registration, CLIENT).code

    def capture(
        self, decision: str = "accept", number: str | None = NUMBER, level: CaptureLevel = CaptureLevel.DEVICE
    ) -> str:
        ticket = self.bench.ledger.begin(COUNTER, None, None, self.registration)
        assert isinstance(ticket, Ticket)
        step = NextStep.NOTHING if decision == "accept" else NextStep.COUNTER
        self.bench.finish(ticket, step, number, decision=decision, level=level)
        return ticket.id

    def decide(self, code: str, choice: CounterChoice = CounterChoice.ACCEPT, client: str = COUNTER) -> str:
        return self.desk.decide(code, client, choice, "officer-7").statement

    def expect(self, code: str, call: object, *arguments: object) -> ServiceProblem:
        with pytest.raises(ServiceProblem) as problem:
            call(*arguments)  # type: ignore[operator]
        assert problem.value.code == code
        return problem.value


@pytest.fixture
def counter(bench: CaseBench) -> Counter:
    return Counter(bench)


def test_a_ticket_leads_to_captures_and_an_officers_signed_accept(counter: Counter, core: IdentityCore) -> None:
    code = counter.refer()
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", code)
    visit, found = counter.desk.open(code.lower().replace("-", " "), COUNTER)
    assert (found.id, found.status, visit.verification) == (counter.registration, "at_counter", None)
    verdict = counter.capture("refer")
    assert counter.desk.open(code, COUNTER)[0].verification == verdict
    statement = counter.decide(code)
    claims = verify(statement, counter.bench.ring.current.public(), STATEMENT)
    assert claims == claims | {"registration": counter.registration, "verification": verdict, "decision": "accept"}
    assert (claims["officer"], claims["counter"]) == ("officer-7", COUNTER)
    counter.bench.until_quiet()
    told = core.order[-1]
    assert (told["event"], told["status"], told["verification"]) == ("counter_accepted", "accepted", verdict)
    assert told["statement_sha256"] == payload_hash(statement)
    counter.expect("counter_code_invalid", counter.desk.open, code, COUNTER)  # once


def test_a_code_and_the_database_say_nothing_about_a_person(counter: Counter) -> None:
    code = counter.refer()
    with counter.bench.store.database.read() as connection:
        row = connection.execute(select(COUNTER_TICKETS)).one()
    assert code.replace("-", "").encode() not in bytes(row.mac)
    assert code not in map(str, row)


@pytest.mark.parametrize(
    ("decision", "number"), [("reject", NUMBER), ("accept", "C123456(9)"), ("accept", None), ("refer", None)]
)
def test_an_officer_accepts_no_other_card_and_undoes_no_failed_check(
    counter: Counter, decision: str, number: str | None
) -> None:
    code = counter.refer()
    counter.desk.open(code, COUNTER)
    counter.expect("counter_verdict_unsuitable", counter.decide, code)  # nothing was captured here
    counter.capture(decision, number)
    counter.expect("counter_verdict_unsuitable", counter.decide, code)
    assert counter.bench.status(counter.registration) is RegistrationStatus.AT_COUNTER
    counter.decide(code, CounterChoice.REFUSE)
    assert counter.bench.status(counter.registration) is RegistrationStatus.REFUSED


def test_an_officer_accepts_no_uploaded_files_only_what_a_device_captured(counter: Counter) -> None:
    code = counter.refer()
    counter.desk.open(code, COUNTER)
    for level, acceptable in ((CaptureLevel.ATTESTED, True), (CaptureLevel.DEVICE, True), (CaptureLevel.UPLOAD, False)):
        counter.capture("refer", level=level)
        shown = counter.desk.capture(counter.desk.open(code, COUNTER)[0])
        assert shown is not None
        assert shown.acceptable is acceptable, level
    counter.expect("counter_verdict_unsuitable", counter.decide, code)
    assert counter.bench.status(counter.registration) is RegistrationStatus.AT_COUNTER
    counter.capture("refer")
    counter.decide(code)
    assert counter.bench.status(counter.registration) is RegistrationStatus.ACCEPTED


def test_captures_that_end_while_an_officer_decides_are_those_that_count(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = counter.refer()
    counter.desk.open(code, COUNTER)
    counter.capture("refer")
    found = CounterDesk._open

    def and_captures_again(desk: CounterDesk, *arguments: str) -> Visit:
        visit = found(desk, *arguments)
        counter.capture("reject")
        return visit

    monkeypatch.setattr(CounterDesk, "_open", and_captures_again)
    counter.expect("counter_verdict_unsuitable", counter.decide, code)
    assert counter.bench.status(counter.registration) is RegistrationStatus.AT_COUNTER


def test_a_decision_whose_answer_was_lost_can_be_asked_for_again(counter: Counter) -> None:
    code = counter.refer()
    counter.desk.open(code, COUNTER)
    counter.capture("refer")
    statement = counter.decide(code)
    assert counter.decide(code) == statement
    counter.expect("registration_closed", counter.decide, code, CounterChoice.REFUSE)  # it is final
    counter.expect("counter_code_invalid", counter.decide, code, CounterChoice.ACCEPT, "counter 2")
    counter.expect("counter_code_invalid", counter.desk.open, code, COUNTER)
    with counter.bench.store.database.read() as connection:
        assert len(connection.execute(select(COUNTER_GUESSES)).all()) == 2, "the officer's own decision is no guess"
    lines = [entry for entry in counter.bench.audit.entries() if entry["event"] == "counter_decided"]
    assert len(lines) == 1
    with counter.bench.store.database.write() as connection:
        connection.execute(update(COUNTER_TICKETS).values(expires_ms=0))
    counter.expect("counter_code_invalid", counter.decide, code)


def test_an_earlier_accept_does_not_count_at_the_counter(counter: Counter) -> None:
    code = counter.refer()
    counter.desk.open(code, COUNTER)
    counter.capture("accept")
    again = counter.desk.issue(counter.registration, CLIENT).code  # the applicant asks for another ticket
    counter.expect("counter_code_invalid", counter.desk.open, code, COUNTER)
    counter.desk.open(again, COUNTER)
    counter.expect("counter_verdict_unsuitable", counter.decide, again)


def test_captures_that_began_elsewhere_do_not_count_as_taken_here(counter: Counter) -> None:
    remote = counter.bench.begin(counter.registration)
    code = counter.desk.issue(counter.registration, CLIENT).code  # chosen while the remote captures are examined
    counter.desk.open(code, COUNTER)
    counter.expect("registration_closed", counter.bench.finish, remote, NextStep.NOTHING, NUMBER)
    earlier = counter.bench.ledger.begin(COUNTER, None, None, counter.registration)
    again = counter.desk.issue(counter.registration, CLIENT).code
    counter.desk.open(again, "counter 2")
    counter.expect("registration_unknown", counter.bench.finish, earlier, NextStep.NOTHING, NUMBER)
    counter.expect("counter_verdict_unsuitable", counter.decide, again, CounterChoice.ACCEPT, "counter 2")


def test_captures_at_a_counter_need_its_open_ticket(counter: Counter) -> None:
    code = counter.refer()
    begin = counter.bench.ledger.begin
    counter.expect("registration_unknown", begin, COUNTER, None, None, counter.registration)
    counter.expect("registration_closed", begin, CLIENT, None, None, counter.registration)  # its own client neither
    counter.desk.open(code, COUNTER)
    counter.expect("registration_unknown", begin, "counter 2", None, None, counter.registration)
    counter.expect("registration_closed", begin, CLIENT, None, None, counter.registration)
    assert counter.bench.ledger.sessions.open(COUNTER, registration=counter.registration)
    with counter.bench.store.database.write() as connection:
        connection.execute(update(COUNTER_TICKETS).values(expires_ms=0))
    counter.expect("registration_unknown", begin, COUNTER, None, None, counter.registration)


def test_a_ticket_opens_at_one_counter_and_ends_by_revocation_time_and_erasure(counter: Counter) -> None:
    code = counter.refer()
    counter.desk.open(code, COUNTER)
    counter.expect("counter_code_invalid", counter.desk.open, code, "counter 2")
    counter.expect("counter_code_invalid", counter.decide, code, CounterChoice.REFUSE, "counter 2")
    assert not counter.desk.revoke(counter.registration, COUNTER)  # not its to revoke
    assert counter.desk.revoke(counter.registration, CLIENT)
    assert not counter.desk.revoke(counter.registration, CLIENT)
    counter.expect("counter_code_invalid", counter.desk.open, code, COUNTER)
    late = counter.desk.issue(counter.registration, CLIENT).code
    with counter.bench.store.database.write() as connection:
        connection.execute(update(COUNTER_TICKETS).values(expires_ms=0))
    counter.expect("counter_code_invalid", counter.desk.open, late, COUNTER)
    erased = counter.desk.issue(counter.registration, CLIENT).code
    retention.erase_registration(counter.bench.store, counter.bench.audit, counter.registration, by="operator")
    counter.expect("counter_code_invalid", counter.desk.open, erased, COUNTER)


def test_a_visit_ends_no_later_than_its_registration(counter: Counter) -> None:
    code = counter.refer()
    full = counter.desk.open(code, COUNTER)[0]
    soon = int((time.time() + 60) * 1000)  # less than a visit lasts
    assert full.expires_ms > soon
    code = counter.desk.issue(counter.registration, CLIENT).code
    with counter.bench.store.database.write() as connection:
        connection.execute(update(REGISTRATIONS).values(expires_ms=soon))
    assert counter.desk.open(code, COUNTER)[0].expires_ms == soon
    assert counter.desk.open(code, COUNTER)[0].expires_ms == soon, "the time that is stored is the same"


def test_five_wrong_codes_lock_a_counter_also_for_the_right_one_and_no_other(counter: Counter) -> None:
    code = counter.refer()
    for _ in range(tickets.WRONG_CODES):
        counter.expect("counter_code_invalid", counter.desk.open, "00000-00000", COUNTER)
    locked = counter.expect("counter_locked", counter.desk.open, code, COUNTER)
    assert locked.retry_after is not None
    assert 3500 < locked.retry_after <= 3601
    counter.expect("counter_locked", counter.decide, code, CounterChoice.REFUSE)
    assert counter.desk.open(code, "counter 2")
    with counter.bench.store.database.write() as connection:
        connection.execute(update(COUNTER_GUESSES).values(at_ms=COUNTER_GUESSES.c.at_ms - 3_600_000))
    counter.expect("counter_code_invalid", counter.desk.open, "00000-00000", COUNTER)
    counter.bench.cases.tickets.clean()
    with counter.bench.store.database.read() as connection:
        assert len(connection.execute(select(COUNTER_GUESSES)).all()) == 1


def test_codes_tried_together_are_counted_one_after_another(counter: Counter) -> None:
    def attempt(_: int) -> str:
        try:
            counter.desk.open("00000-00000", COUNTER)
        except ServiceProblem as problem:
            return str(problem.code)
        return "opened"

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(attempt, range(12)))
    assert found.count("counter_code_invalid") == tickets.WRONG_CODES
    assert found.count("counter_locked") == 12 - tickets.WRONG_CODES


def test_many_counters_together_are_bounded_too(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "WRONG_CODES_OF_ALL", 6)
    code = counter.refer()
    for n in range(6):
        counter.expect("counter_code_invalid", counter.desk.open, "00000-00000", f"stolen {n}")
    counter.expect("counter_locked", counter.desk.open, code, "fresh")


def test_the_stated_chance_is_that_of_the_constants() -> None:
    a_year = tickets.WRONG_CODES_OF_ALL * 24 * 365
    assert len(tickets._ALPHABET) ** tickets._CODE_LENGTH == 2**50
    assert round(a_year * 10_000 / 2**50 * 100_000) == 4
    assert "4 in 100,000" in (tickets.__doc__ or "")


def test_an_applicant_may_choose_the_counter_and_ended_registrations_get_no_ticket(counter: Counter) -> None:
    counter.desk.issue(counter.registration, CLIENT)
    assert counter.bench.status(counter.registration) is RegistrationStatus.AT_COUNTER
    counter.expect("registration_unknown", counter.desk.issue, counter.registration, COUNTER)
    done = counter.bench.cases.open(CLIENT)
    counter.bench.attempt(done.id, NextStep.NOTHING)
    counter.expect("registration_closed", counter.desk.issue, done.id, CLIENT)


def test_a_ticket_whose_registration_ended_opens_nothing(counter: Counter) -> None:
    code = counter.refer()
    counter.bench.move(counter.registration, RegistrationEvent.COUNTER_REFUSED)
    counter.expect("counter_code_invalid", counter.desk.open, code, COUNTER)
    counter.expect("registration_closed", counter.decide, code, CounterChoice.REFUSE)
