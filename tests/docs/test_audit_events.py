"""The tables of audit events in docs/deletion.md have every event that the service writes, and no other one."""

import ast
import re

from markdown_pages import ROOT, Page

from idproof.service.operations.audit import EVENTS

APPEND = {"append", "_append", "_note"}  # of the audit log; of reviews, which adds the officer
BY_A_PERSON, BY_THE_SERVICE = "done by a person", "done by the service"


def listed(heading: str) -> list[str]:
    """Events of the table whose first column has this heading."""
    text = Page(ROOT / "docs" / "deletion.md").prose
    (rows,) = re.findall(rf"^\| {heading} \| events \|\n\| --- \| --- \|\n((?:\|.+\n)+)", text, re.MULTILINE)
    return re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^\|[^|]+\| ([^;|]+)", rows, re.MULTILINE)))


def written() -> dict[str, list[bool]]:
    """Events that the service appends, and for each place that does, whether it names an actor in `by`."""
    calls: dict[str, list[bool]] = {}
    for path in (ROOT / "service").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (event := _event(node)) in EVENTS:
                calls.setdefault(event, []).append(any(keyword.arg == "by" for keyword in node.keywords))
    return calls


def _event(call: ast.Call) -> str:
    """The first argument of `append(…)` or `partial(append, …)`, where it is a text."""
    parts = [call.func, *call.args]
    if ast.unparse(call.func) == "partial":
        parts = parts[1:]
    appends = len(parts) > 1 and isinstance(parts[0], ast.Attribute) and parts[0].attr in APPEND
    return str(parts[1].value) if appends and isinstance(parts[1], ast.Constant) else ""


def test_the_tables_have_every_event_once() -> None:
    assert sorted([*listed(BY_A_PERSON), *listed(BY_THE_SERVICE)]) == sorted(EVENTS)


def test_the_service_writes_every_event() -> None:
    assert set(EVENTS) - set(written()) == set()


def test_no_event_with_an_actor_is_listed_as_the_services_own() -> None:
    assert [event for event in listed(BY_THE_SERVICE) if any(written()[event])] == []
