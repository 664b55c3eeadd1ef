"""The passkey's output and the released key are overwritten on every way out of a check."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from device_sessions import new_session
from soft_passkeys import Authenticator
from template_party import TemplateParty, template_party

from idproof.pipeline import VaultSession
from idproof.service.errors import AuditBroken, ServiceProblem
from idproof.service.face_templates import templates as templates_module
from idproof.service.passkeys.store import Passkey
from idproof.service.step_up import intake as intake_module
from idproof.service.stream.parameters import StepUpText
from idproof.service.stream.session import DeviceSession


@pytest.fixture
def party(tmp_path: Path) -> Iterator[TemplateParty]:
    with template_party(tmp_path) as made:
        yield made


@pytest.fixture
def holders_keys(monkeypatch: pytest.MonkeyPatch) -> list[bytearray]:
    """The buffers of the holders' keys, as requests took them out of the pictures."""
    taken: list[bytearray] = []
    take = intake_module._take_holder_key

    def take_and_note(pictures: VaultSession, into: bytearray) -> None:
        take(pictures, into)
        assert any(into), "a key came"
        taken.append(into)

    monkeypatch.setattr(intake_module, "_take_holder_key", take_and_note)
    return taken


@pytest.fixture
def released(party: TemplateParty, monkeypatch: pytest.MonkeyPatch) -> list[bytearray]:
    """The buffers of keys that the core released."""
    keys: list[bytearray] = []
    ask = party.templates._releases.ask

    def ask_and_note(*wanted: Any) -> bytearray:
        keys.append(ask(*wanted))
        return keys[-1]

    monkeypatch.setattr(party.templates._releases, "ask", ask_and_note)
    return keys


def fail(kind: type[Exception]) -> Callable[..., None]:
    def raise_it(*_: Any, **__: Any) -> None:
        raise kind("for this test")

    return raise_it


def without_effect(_: TemplateParty, __: pytest.MonkeyPatch) -> None:
    """An ordinary check."""


def no_template(party: TemplateParty, _: pytest.MonkeyPatch) -> None:
    party.templates._network = "cd" * 32


def core_away(party: TemplateParty, patched: pytest.MonkeyPatch) -> None:
    problem = ServiceProblem("face_template_core_unavailable", "Away.")
    patched.setattr(party.templates._releases, "ask", lambda *_: (_ for _ in ()).throw(problem))


def audit_broken(party: TemplateParty, patched: pytest.MonkeyPatch) -> None:
    patched.setattr(party.templates._audit, "append", fail(AuditBroken))


def captures_unusable(party: TemplateParty, patched: pytest.MonkeyPatch) -> None:
    patched.setattr(intake_module.StepUpIntake, "_use_captures", fail(RuntimeError))


def check_fails(party: TemplateParty, patched: pytest.MonkeyPatch) -> None:
    patched.setattr(party.verifier, "check_enrolled", fail(RuntimeError))


def none_are_kept(party: TemplateParty, _: pytest.MonkeyPatch) -> None:
    party.intake.face_templates = None


WAYS = [without_effect, no_template, core_away, audit_broken, captures_unusable, check_fails, none_are_kept]


@pytest.mark.parametrize("way", WAYS)
def test_a_check_overwrites_what_came_to_it(
    party: TemplateParty,
    holders_keys: list[bytearray],
    released: list[bytearray],
    monkeypatch: pytest.MonkeyPatch,
    way: Callable[[TemplateParty, pytest.MonkeyPatch], None],
) -> None:
    me = Authenticator(prf=os.urandom(32))
    party.bound(me)
    step_up, secret = party.open(me)
    with monkeypatch.context() as patched:
        way(party, patched)
        party.captures(step_up, secret)
    assert len(holders_keys) == 1
    assert len(holders_keys[0]) == 32
    assert len(released) == (1 if way in (without_effect, audit_broken, check_fails) else 0)
    assert not any(map(any, [*holders_keys, *released]))


@pytest.mark.parametrize("secret", [b"\x01" * 31, b"\x01" * 64])
def test_a_key_of_another_length_is_overwritten(
    party: TemplateParty, holders_keys: list[bytearray], secret: bytes
) -> None:
    me = Authenticator(prf=os.urandom(32))
    party.bound(me)
    step_up, _ = party.open(me)
    assert party.captures(step_up, secret).json()["code"] == "face_template_key_missing"
    assert not any(map(any, holders_keys))


@pytest.mark.parametrize("lost", [False, True])
def test_binding_overwrites_the_passkeys_output(
    party: TemplateParty, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    given: list[bytearray] = []
    layered = templates_module.FaceTemplates._layered

    def note(self: Any, passkey: Passkey, secret: bytearray) -> Any:
        assert any(secret)
        given.append(secret)
        return layered(self, passkey, secret)

    monkeypatch.setattr(templates_module.FaceTemplates, "_layered", note)
    me = Authenticator(prf=os.urandom(32))
    made = party.made(me, party.verdict())
    if lost:
        party.templates.pending.close()
    begun = made["face_template"]
    answer = party.ask("POST", f"/v1/face-templates/{begun['id']}", {"response": me.get(begun["public_key"])})
    assert answer.status_code == (409 if lost else 201)
    assert [len(each) for each in given] == [32]
    assert not any(map(any, given))


@pytest.mark.parametrize("end", [DeviceSession.end, DeviceSession.stop, DeviceSession.abandon])
def test_the_end_of_a_devices_session_overwrites_the_key(end: Callable[[DeviceSession], None]) -> None:
    text = StepUpText("Change the address of record.", bytearray(b"\x01" * 32))
    session = new_session(step_up=text)
    assert any(text.holder_key)
    end(session)
    assert text.holder_key == bytes(32)
