"""Templates that wait for a passkey: bounded, agreed to, of sessions alone, and gone with their verdict."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import FILES
from soft_passkeys import Authenticator
from sqlalchemy import delete
from template_party import TemplateParty, template_party

from idproof.pipeline import Limits
from idproof.pipeline.vault import Vault
from idproof.pipeline.vault.split_templates import ProtectedTemplate
from idproof.service.errors import ServiceProblem
from idproof.service.face_templates import pending as pending_module
from idproof.service.face_templates.pending import PendingTemplates
from idproof.service.face_templates.store import Destroyed
from idproof.service.storage.schema import VERIFICATIONS


class Log:
    """An audit log in memory."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def append(self, event: str, **members: Any) -> None:
        self.lines.append((event, members))

    def causes(self) -> list[str]:
        return [members["cause"] for event, members in self.lines if event == "face_template_destroyed"]


@pytest.fixture
def party(tmp_path: Path) -> Iterator[TemplateParty]:
    with template_party(tmp_path) as made:
        yield made


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    monkeypatch.setattr(pending_module, "protect_template", lambda *_: ProtectedTemplate(b"k", os.urandom(8)))
    return Log()


def waiting(log: Log, lifetime_s: float) -> PendingTemplates:
    return PendingTemplates(log, b"", "ab" * 32, lifetime_s)  # type: ignore[arg-type]


def offer(templates: PendingTemplates, verification: str) -> None:
    with Vault(Limits()).open() as session, templates.offer(verification, None, session):
        session.protect_template()


def until_ended(templates: PendingTemplates) -> None:
    watch = templates._watch
    if watch is not None:
        watch.join(timeout=10)
        assert not watch.is_alive()


def test_many_that_wait_cost_one_thread(log: Log) -> None:
    templates = waiting(log, 600)
    with Vault(Limits()).open() as session:
        before = threading.active_count()
        for number in range(300):
            with templates.offer(f"ver_{number}", None, session):
                session.protect_template()
        assert threading.active_count() - before <= 1
    watch = templates._watch
    templates.close()
    assert watch is not None
    watch.join(timeout=10)
    assert not watch.is_alive()
    assert log.causes() == [Destroyed.STOPPED] * 300


def test_each_is_destroyed_in_its_time(log: Log) -> None:
    templates = waiting(log, 0.3)
    for number in range(3):
        offer(templates, f"ver_{number}")
        time.sleep(0.1)
    packed = [each.packed for each in templates._waiting.values()]
    assert len(packed) >= 1
    until_ended(templates)
    assert log.causes() == [Destroyed.TIME_OVER] * 3
    assert not any(map(any, packed))
    offer(templates, "ver_3")
    until_ended(templates)
    assert log.causes() == [Destroyed.TIME_OVER] * 4, "another one is watched after the thread ended"


def test_one_that_ended_before_does_not_end_the_watch_of_the_others(log: Log) -> None:
    templates = waiting(log, 0.3)
    offer(templates, "ver_0")
    offer(templates, "ver_1")
    templates.destroy("ver_0", Destroyed.BOUND)
    until_ended(templates)
    assert log.causes() == [Destroyed.BOUND, Destroyed.TIME_OVER]


def test_where_no_thread_can_start_none_is_kept(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Any) -> None:
        raise RuntimeError("can't start new thread")

    templates = waiting(log, 600)
    with Vault(Limits()).open() as session, monkeypatch.context() as patched, templates.offer("ver_0", None, session):
        patched.setattr(threading.Thread, "start", refuse)
        session.protect_template()
    assert (log.causes(), templates._waiting) == ([Destroyed.NOT_STORED], {})
    offer(templates, "ver_1")
    assert list(templates._waiting) == ["ver_1"]
    templates.close()


def test_an_erased_verdict_leaves_none(party: TemplateParty) -> None:
    other = party.verdict(1, "B123456(7)")
    for path in ("verifications", "erasures"):
        verdict = party.verdict()
        assert verdict["deletion"]["protected_templates"] == 1
        if path == "erasures":
            party.post("/v1/erasures", {"number": party.verifier.number})
        else:
            assert party.ask("DELETE", f"/v1/verifications/{verdict['id']}").status_code == 204
        assert list(party.templates.pending._waiting) == [other["id"]]
        (*_, line) = [e for e in party.bench.audit_events() if e["event"] == "face_template_destroyed"]
        assert (line["id"], line["cause"]) == (verdict["id"], "erased")


def test_what_another_process_erased_is_found(party: TemplateParty) -> None:
    verdict, other = party.verdict(), party.verdict(1, "B123456(7)")
    with party.bench.store.database.write() as connection:
        connection.execute(delete(VERIFICATIONS).where(VERIFICATIONS.c.id == verdict["id"]))
    party.templates.destroy_erased()
    assert list(party.templates.pending._waiting) == [other["id"]]


def test_one_whose_verdict_is_not_stored_yet_is_not_taken_for_erased(party: TemplateParty) -> None:
    pending = party.templates.pending
    with Vault(Limits()).open() as session, pending.offer("ver_new", None, session):
        pending._waiting["ver_new"] = pending_module._Waiting(None, bytearray(1), time.monotonic() + 9)  # type: ignore[arg-type]
        party.templates.destroy_erased()
        assert list(pending._waiting) == ["ver_new"]


def test_a_verdict_without_a_session_keeps_none(tmp_path: Path) -> None:
    """No passkey is bound to it, so nothing could take the template."""
    files = {name: (name, os.urandom(50), "image/jpeg") for name in FILES}
    with template_party(tmp_path, session_required=False) as party:
        verdict = party.post("/v1/verifications", files=files)
        assert (verdict["decision"], verdict["deletion"]["protected_templates"]) == ("accept", 0)
        assert not party.templates.pending._waiting


def test_a_page_that_asks_for_prf_without_the_applicants_agreement_keeps_none(party: TemplateParty) -> None:
    class Eager(Authenticator):
        def create(self, options: dict[str, Any], **more: Any) -> dict[str, Any]:
            extensions = options["extensions"] | {"prf": {}}
            return super().create(options | {"extensions": extensions}, **more)

    verdict = party.verdict()
    me = Eager(prf=os.urandom(32))
    assert party.made(me, verdict, agreed=False)["face_template"] is None
    another = Authenticator(prf=os.urandom(32))
    assert party.made(another, verdict)["face_template"] is not None, "each passkey is agreed to by itself"


def test_a_passkey_is_answered_also_where_no_ceremony_can_follow(
    party: TemplateParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise ServiceProblem("too_many_ceremonies", "Too many.")

    monkeypatch.setattr(party.templates._ceremonies, "open", refuse)
    made = party.made(Authenticator(prf=os.urandom(32)), party.verdict())
    assert (made["id"][:3], made["face_template"]) == ("pk_", None)
