"""The table of transitions in docs/presentations.md is the one in force, and no other transition is made."""

import re
from pathlib import Path

from presentation_desk import PURPOSE, Counter

from idproof.service.presentations.states import TRANSITIONS, PresentationEvent, PresentationState, transition
from idproof.service.presentations.store import PresentationStore

PAGE = Path(__file__).parents[3] / "docs" / "presentations.md"


def test_the_page_has_every_transition() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ([a-z ]+) \| `(\w+)` \|$", page, re.MULTILINE)
    described = {(state, event, to) for states, event, to in rows for state in re.findall(r"`(\w+)`", states)}
    assert described == {
        (state.value, event.value, target.value)
        for state, targets in TRANSITIONS.items()
        for event, target in targets.items()
    }


def test_each_event_leads_to_one_state() -> None:
    for event in PresentationEvent:
        sources, target = transition(event)
        assert {TRANSITIONS[source][event] for source in sources} == {target}


def test_no_other_transition_is_made(shared: Counter) -> None:
    """Every event in every state, as several servers may bring them about."""
    store = PresentationStore(shared.store.database, shared.store.seal, 300)
    asked = {"claims": ["over_18"], "purpose": PURPOSE}
    paths: dict[PresentationState, list[PresentationEvent]] = {PresentationState.OPEN: []}
    while len(paths) < len(PresentationState):
        for state, path in list(paths.items()):
            for event, target in TRANSITIONS[state].items():
                paths.setdefault(target, [*path, event])
    for state, path in paths.items():
        for event in PresentationEvent:
            with store.database.write() as connection:
                opened, _ = store.open(connection, "client", asked)
                assert all(store.move(connection, opened.id, step) for step in path)
                assert store.move(connection, opened.id, event) is (event in TRANSITIONS[state])
                now = store.of_client(connection, "client", opened.id)
            assert now.state is TRANSITIONS[state].get(event, state)
            kept = now.state in ("open", "fetched", "checking", "held")
            assert bool(now.content) is kept, "what is needed no more is erased"
