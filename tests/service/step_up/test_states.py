"""The table of transitions of a step-up, and the page that prints it."""

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from idproof.service.step_up.states import TRANSITIONS, StepUpEvent, StepUpState, transition

PAGE = Path(__file__).parents[3] / "docs" / "passkeys.md"


def test_the_page_prints_the_table() -> None:
    rows = re.search(r"\| step-up \| event \| to \|\n\| --- \| --- \| --- \|\n((?:\|.*\n)+)", PAGE.read_text("utf-8"))
    assert rows is not None
    printed = {tuple(cell.strip(" `") for cell in row.strip("|").split("|")) for row in rows[1].splitlines()}
    assert printed == {(state, event, to) for state, events in TRANSITIONS.items() for event, to in events.items()}


@given(st.lists(st.sampled_from(StepUpEvent)))
def test_a_token_is_used_once_and_only_after_an_accept(events: list[StepUpEvent]) -> None:
    state, seen = StepUpState.OPEN, []
    for event in events:
        source, target = transition(event)
        if state is source:
            state = target
            seen.append(event)
    assert seen.count(StepUpEvent.TOKEN_USED) <= 1
    assert seen.count(StepUpEvent.ACCEPTED) + seen.count(StepUpEvent.REFUSED) <= 1
    if StepUpEvent.TOKEN_USED in seen:
        assert seen[-2] is StepUpEvent.ACCEPTED
