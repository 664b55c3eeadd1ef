"""The tables of transitions, and the page that prints them."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.service.passkeys.states import (
    CEREMONY_TRANSITIONS,
    PASSKEY_TRANSITIONS,
    CeremonyEvent,
    CeremonyState,
    PasskeyEvent,
    PasskeyState,
    ceremony_sources,
    passkey_sources,
)

PAGE = Path(__file__).parents[3] / "docs" / "passkeys.md"


@pytest.mark.parametrize(("table", "title"), [(CEREMONY_TRANSITIONS, "ceremony"), (PASSKEY_TRANSITIONS, "passkey")])
def test_the_page_prints_the_table(table: dict[str, dict[str, str]], title: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = re.search(rf"\| {title} \| event \| to \|\n\| --- \| --- \| --- \|\n((?:\|.*\n)+)", text)
    assert rows is not None
    printed = {tuple(cell.strip(" `") for cell in row.strip("|").split("|")) for row in rows[1].splitlines()}
    assert printed == {(state, event, to) for state, events in table.items() for event, to in events.items()}


@given(st.lists(st.sampled_from(CeremonyEvent)))
def test_a_ceremony_is_answered_once(events: list[CeremonyEvent]) -> None:
    state, answers = CeremonyState.OPEN, 0
    for event in events:
        source, target = ceremony_sources(event)
        if state is source:
            state, answers = target, answers + (event is CeremonyEvent.ANSWERED)
    assert answers <= 1


@given(st.lists(st.sampled_from(PasskeyEvent)))
def test_a_passkey_never_becomes_active_again(events: list[PasskeyEvent]) -> None:
    state = PasskeyState.ACTIVE
    for event in events:
        sources, target = passkey_sources(event)
        state = target if state in sources else state
        assert state is not PasskeyState.ACTIVE or event is None
    assert (state is PasskeyState.REVOKED) == (PasskeyEvent.REVOKED in events)
