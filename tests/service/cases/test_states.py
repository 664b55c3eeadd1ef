"""The table of transitions of registrations, the page that prints it, and random orders of events on a database."""

import re
import tempfile
from pathlib import Path

import pytest
from case_bench import CLIENT, CaseBench
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from idproof.service.cases.next_steps import NextStep
from idproof.service.cases.record_retries import RecordRetry
from idproof.service.cases.rules import RegistrationRules
from idproof.service.cases.states import CAPTURING, TRANSITIONS, UNFINISHED, RegistrationEvent, RegistrationStatus
from idproof.service.errors import ServiceProblem
from idproof.service.operations import retention
from idproof.service.operations.settings import Settings
from idproof.service.storage import Ticket

PAGE = Path(__file__).parents[3] / "docs" / "after-refer.md"
BY_PERSON = [event for event in RegistrationEvent if event.value.startswith(("review", "counter"))]
ENDED = {RegistrationStatus.ACCEPTED, RegistrationStatus.REFUSED, RegistrationStatus.EXPIRED}


def test_the_page_prints_the_table() -> None:
    rows = re.search(r"\| status \| event \| to \|\n\| --- \| --- \| --- \|\n((?:\|.*\n)+)", PAGE.read_text("utf-8"))
    assert rows is not None
    printed = [tuple(cell.strip(" `") for cell in row.strip("|").split("|")) for row in rows[1].splitlines()]
    found = {(status, event, to) for statuses, event, to in printed for status in re.split("`, `", statuses)}
    assert found == {(state, event, to) for state, events in TRANSITIONS.items() for event, to in events.items()}


def test_nothing_leaves_an_end_and_everything_else_ends() -> None:
    assert {status for status in RegistrationStatus if status not in UNFINISHED} == ENDED
    assert all(RegistrationEvent.EXPIRED in TRANSITIONS[status] for status in UNFINISHED)


def test_only_a_verdict_a_reviewer_or_a_counter_accepts() -> None:
    accepting = {e for events in TRANSITIONS.values() for e, to in events.items() if to is RegistrationStatus.ACCEPTED}
    assert accepting == {
        RegistrationEvent.VERDICT_ACCEPTED,
        RegistrationEvent.REVIEW_ACCEPTED,
        RegistrationEvent.COUNTER_ACCEPTED,
    }


class RandomOrders(RuleBasedStateMachine):
    """A registration on which everything is tried in any order; a model that knows only the table follows it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.bench = CaseBench(
            Settings(data_dir=Path(self.folder.name), core_url="http://127.0.0.1:1"), RegistrationRules(attempts=3)
        )
        self.id = self.bench.cases.open(CLIENT, "r").id
        self.status = RegistrationStatus.OPEN
        self.events = [RegistrationEvent.OPENED]
        self.verdicts = 0
        self.counted = 0  # of the verdicts, those that used up a try of the applicant
        self.waits: str | None = None  # the verdict for which the records are asked again
        self.running: Ticket | None = None
        self.erased = False

    def teardown(self) -> None:
        self.bench.store.close()
        self.folder.cleanup()

    @rule()
    def begin(self) -> None:
        allowed = self.status in CAPTURING and self.running is None and not self.erased
        if allowed:
            self.running = self.bench.begin(self.id)
        else:
            with pytest.raises(ServiceProblem):
                self.bench.begin(self.id)

    @rule(step=st.sampled_from(NextStep))
    def conclude(self, step: NextStep) -> None:
        if self.running is None:
            return
        ticket, self.running = self.running, None
        if self.erased or self.status not in CAPTURING:
            with pytest.raises(ServiceProblem):
                self.bench.finish(ticket, step)
            assert self.bench.store.load(ticket.id) is None
            return
        self.status = self.bench.finish(ticket, step)
        self.verdicts += 1
        self.counted += step is not NextStep.RECORDS
        self.waits = ticket.id if step is NextStep.RECORDS else None
        last = self.counted >= 3 and step is NextStep.CAPTURE
        self.events.append(
            {
                NextStep.NOTHING: RegistrationEvent.VERDICT_ACCEPTED,
                NextStep.RECORDS: RegistrationEvent.VERDICT_TO_RECORDS,
                NextStep.CAPTURE: RegistrationEvent.VERDICT_TO_COUNTER
                if last
                else RegistrationEvent.VERDICT_TO_CAPTURE,
                NextStep.COUNTER: RegistrationEvent.VERDICT_TO_COUNTER,
                NextStep.REFUSE: RegistrationEvent.VERDICT_REFUSED,
            }[step]
        )

    @rule()
    def records_stay_silent(self) -> None:
        retry = RecordRetry(self.waits or "ver_of_nobody", self.id, CLIENT, {}, 1, 0)
        ended = self.waits is not None and self.status is RegistrationStatus.OPEN and not self.erased
        assert self.bench.cases.end_retry(retry) is ended
        self.waits = None
        if ended:
            self.status = RegistrationStatus.NEEDS_NEW_CAPTURE
            self.events.append(RegistrationEvent.RECORDS_UNANSWERED)

    @rule(event=st.sampled_from(BY_PERSON))
    def move(self, event: RegistrationEvent) -> None:
        target = None if self.erased else TRANSITIONS[self.status].get(event)
        if target is None:
            with pytest.raises(ServiceProblem):
                self.bench.move(self.id, event)
            return
        assert self.bench.move(self.id, event) is target
        self.status = target
        self.events.append(event)

    @rule()
    def erase(self) -> None:
        assert (
            retention.erase_registration(self.bench.store, self.bench.audit, self.id, by="operator") is not self.erased
        )
        self.erased = True

    @invariant()
    def the_database_follows_the_table(self) -> None:
        found = self.bench.cases.find(self.id, CLIENT)
        if self.erased:
            assert found is None
            return
        assert found is not None
        assert found.status is self.status
        assert [happening.event for happening in found.history] == self.events
        assert [happening.number for happening in found.history] == list(range(1, len(self.events) + 1))
        assert len(found.attempts) == self.verdicts

    @invariant()
    def each_event_is_queued_once_and_in_order(self) -> None:
        queued = [entry.number for entry in self.bench.outbox.entries() if entry.kind == "status"]
        assert queued == ([] if self.erased else list(range(1, len(self.events) + 1)))


RandomOrders.TestCase.settings = hypothesis_settings(max_examples=40, stateful_step_count=20, deadline=None)
TestRandomOrders = RandomOrders.TestCase
