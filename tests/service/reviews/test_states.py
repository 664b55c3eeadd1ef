"""The tables of transitions, the page that prints them, and random orders of events on a database."""

import re
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from review_bench import ANNA, BEN, CARA, ReviewBench
from sqlalchemy import update

from idproof.service.cases.states import RegistrationEvent, RegistrationStatus
from idproof.service.errors import ServiceProblem
from idproof.service.operations.settings import Settings
from idproof.service.reviews.decisions import FINAL, REASONS, ReviewDecision, ReviewReason, together
from idproof.service.reviews.reviews import EVENT_OF
from idproof.service.reviews.rules import ReviewRules
from idproof.service.reviews.states import (
    CLAIMED_STATES,
    REVIEW_TRANSITIONS,
    REVIEWER_TRANSITIONS,
    UNFINISHED,
    ReviewEvent,
    ReviewState,
)
from idproof.service.storage.schema_registrations import REVIEWS

PAGE = Path(__file__).parents[3] / "docs" / "reviews.md"
CLIENTS = st.sampled_from([ANNA, BEN, CARA])


@pytest.mark.parametrize("table", [REVIEW_TRANSITIONS, REVIEWER_TRANSITIONS], ids=["reviews", "reviewers"])
def test_the_page_prints_the_tables(table: dict[str, dict[str, str]]) -> None:
    wanted = {(state, event, to) for state, events in table.items() for event, to in events.items()}
    text = PAGE.read_text("utf-8")
    printed = []
    for block in re.findall(r"\| state \| event \| to \|\n\| --- \| --- \| --- \|\n((?:\|.*\n)+)", text):
        rows = [tuple(cell.strip(" `") for cell in row.strip("|").split("|")) for row in block.splitlines()]
        printed.append({(state, event, to) for states, event, to in rows for state in re.split("`, `", states)})
    assert wanted in printed


def test_a_claim_always_ends_and_an_end_is_one() -> None:
    assert {state for state in ReviewState if state not in UNFINISHED} == {ReviewState.DECIDED, ReviewState.WITHDRAWN}
    for state in CLAIMED_STATES:
        assert {ReviewEvent.RELEASED, ReviewEvent.LAPSED, ReviewEvent.WITHDRAWN} <= REVIEW_TRANSITIONS[state].keys()


def test_every_decision_has_reasons_an_event_and_a_meaning_with_every_other() -> None:
    assert set(REASONS) == set(EVENT_OF) == set(ReviewDecision)
    assert {code for codes in REASONS.values() for code in codes} == set(ReviewReason) - {
        ReviewReason.REVIEWERS_DISAGREE
    }
    for one in ReviewDecision:
        for other in ReviewDecision:
            found = together(one, other)
            assert found is (one if one is other else ReviewDecision.COUNTER)
            assert found not in FINAL or one is other is found


class RandomOrders(RuleBasedStateMachine):
    """One review on which three officers try everything in any order, with claims that lapse; a model follows it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        settings = Settings(data_dir=Path(self.folder.name), core_url="http://127.0.0.1:1")
        self.bench = ReviewBench(settings, ReviewRules(officers=2))
        self.bench.enrolled(ANNA, BEN, CARA)
        self.registration, self.review = self.bench.referred()
        self.holder: str | None = None
        self.first: str | None = None
        self.said: ReviewDecision | None = None
        self.recorded: set[tuple[str, ReviewDecision]] = set()
        self.outcome: ReviewDecision | None = None
        self.over = False

    def teardown(self) -> None:
        self.bench.store.close()
        self.folder.cleanup()

    def tried(self, allowed: bool, act: object, *given: object) -> None:
        if allowed:
            act(*given)  # type: ignore[operator]
        else:
            with pytest.raises(ServiceProblem):
                act(*given)  # type: ignore[operator]

    @rule(client=CLIENTS)
    def claim(self, client: str) -> None:
        allowed = not self.over and client != self.first and self.holder in (None, client)
        self.tried(allowed, self.bench.reviews.claim, client, self.review)
        self.holder = client if allowed else self.holder

    @rule(client=CLIENTS)
    def release(self, client: str) -> None:
        allowed = not self.over and self.holder == client
        self.tried(allowed, self.bench.reviews.release, client, self.review)
        self.holder = None if allowed else self.holder

    @precondition(lambda self: self.holder is not None)
    @rule()
    def lapse(self) -> None:
        with self.bench.store.database.write() as connection:
            connection.execute(update(REVIEWS).values(claim_ends_ms=int(time.time() * 1000) - 1))
        self.holder = None

    @rule(client=CLIENTS)
    def read(self, client: str) -> None:
        self.tried(self.holder == client and not self.over, self.bench.reviews.read, client, self.review)

    @rule(client=CLIENTS, decision=st.sampled_from(ReviewDecision))
    def decide(self, client: str, decision: ReviewDecision) -> None:
        if (client, decision) in self.recorded:  # sent again: the same answer, and nothing changes
            self.bench.decide(client, self.registration, decision, REASONS[decision][0])
            return
        allowed = not self.over and self.holder == client
        self.tried(allowed, self.bench.decide, client, self.registration, decision, REASONS[decision][0])
        if not allowed:
            return
        self.recorded.add((client, decision))
        self.holder = None
        if self.said is not None:
            self.outcome = together(self.said, decision)
        elif decision not in FINAL:
            self.outcome = decision
        else:
            self.first, self.said = client, decision
        self.over = self.outcome is not None

    @precondition(lambda self: not self.over)
    @rule()
    def end_elsewhere(self) -> None:
        self.bench.move(self.registration, RegistrationEvent.REVIEW_TO_COUNTER)
        self.bench.reviews.clean()
        self.over, self.holder = True, None

    @invariant()
    def the_model_holds(self) -> None:
        found = self.bench.reviews.store.find(self.review)
        assert found is not None
        assert (found.claimed_by is not None) == (self.holder is not None)
        assert (None if found.outcome is None else found.outcome.decision) == self.outcome
        assert (found.state not in UNFINISHED) == self.over
        statuses = {
            ReviewDecision.ACCEPT: RegistrationStatus.ACCEPTED,
            ReviewDecision.REFUSE: RegistrationStatus.REFUSED,
            ReviewDecision.NEW_CAPTURE: RegistrationStatus.NEEDS_NEW_CAPTURE,
            ReviewDecision.COUNTER: RegistrationStatus.AT_COUNTER,
        }
        if self.outcome is not None:
            assert self.bench.status(self.registration) is statuses[self.outcome]
        elif not self.over:
            assert self.bench.status(self.registration) is RegistrationStatus.IN_REVIEW


TestRandomOrders = RandomOrders.TestCase
TestRandomOrders.settings = hypothesis_settings(max_examples=12, stateful_step_count=14, deadline=None)
