"""A face template is kept under the keys of a passkey and of the identity core, and opens for a step-up with both."""

import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from access_keys import bearer, key
from soft_passkeys import Authenticator
from sqlalchemy import select, update
from template_party import FACES, TemplateParty, template_party

from idproof.service.auth.clients import Scope
from idproof.service.registrations.outcomes import VerificationOutcomes
from idproof.service.storage.schema import FACE_TEMPLATES


@pytest.fixture
def party(tmp_path: Path) -> Iterator[TemplateParty]:
    with template_party(tmp_path) as made:
        yield made


def holder() -> Authenticator:
    return Authenticator(prf=os.urandom(32))


def rows(party: TemplateParty) -> list[Any]:
    with party.bench.store.database.read() as connection:
        return list(connection.execute(select(FACE_TEMPLATES)).all())


def causes(party: TemplateParty) -> list[str]:
    return [e["cause"] for e in party.bench.audit_events() if e.get("event") == "face_template_destroyed"]


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", answer.json().get("decision"))


def test_from_an_accept_over_a_passkey_to_a_step_up(party: TemplateParty) -> None:
    me, verdict = holder(), party.verdict()
    assert verdict["deletion"]["protected_templates"] == 1
    made = party.bound(me, verdict)
    decided = party.stepped_up(me)
    assert code(decided) == (201, "accept"), decided.text
    assert party.verifier.opened == [FACES[0].tobytes()], "bit by bit what was registered"
    assert {entry["kind"] for entry in decided.json()["deletion"]["wiped"]} >= {"template", "upload"}
    events = [e["event"] for e in party.bench.audit_events() if e["event"].startswith("face_template")]
    assert events == [
        "face_template_protected",
        "face_template_bound",
        "face_template_destroyed",
        "face_template_opened",
    ]
    assert causes(party) == ["bound"], "what waited in memory is destroyed"
    assert [row.id for row in rows(party)] == [made["id"]]


def test_a_template_opens_for_many_step_ups_and_the_core_releases_each_anew(party: TemplateParty) -> None:
    me = holder()
    party.bound(me)
    for _ in range(3):
        assert code(party.stepped_up(me)) == (201, "accept")
    assert len(set(party.core.releases)) == 3


def test_neither_the_database_nor_the_log_holds_the_template_or_the_secret(party: TemplateParty) -> None:
    me = holder()
    party.bound(me)
    _, secret = party.open(me)
    assert secret is not None
    files = [file.read_bytes() for file in party.settings.data_dir.rglob("*") if file.is_file()]
    plain = FACES[0].tobytes()
    for piece in (plain[:32], plain[200:232], secret, secret[:16]):
        assert not any(piece in data for data in files)


def test_nothing_is_kept_without_an_accept_or_without_consent(party: TemplateParty) -> None:
    party.verifier.accepts = False
    assert party.verdict()["deletion"]["protected_templates"] == 0
    party.verifier.accepts = True
    assert party.made(holder(), party.verdict(), agreed=False)["face_template"] is None
    assert party.made(Authenticator(), party.verdict(number="B123456(7)"))["face_template"] is None, "without prf"
    assert rows(party) == []


def test_a_template_that_no_passkey_takes_in_time_is_destroyed(tmp_path: Path) -> None:
    with template_party(tmp_path, passkey_bind_s=0.2) as party:
        verdict = party.verdict()
        templates = party.templates
        assert verdict["deletion"]["protected_templates"] == 1
        watch = templates.pending._watch
        if watch is not None:
            watch.join(timeout=10)
        assert causes(party) == ["time_over"]
        (line,) = [e for e in party.bench.audit_events() if e["event"] == "face_template_destroyed"]
        assert (line["bytes"], line["mechanism"]) == (653, "overwritten with zeros, then released")


def test_a_verdict_that_is_not_stored_leaves_no_template(party: TemplateParty, monkeypatch: pytest.MonkeyPatch) -> None:
    intake = party.intake

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(VerificationOutcomes, "store_verdict", fail)
    with pytest.raises(AssertionError, match="internal"):
        party.verdict()
    assert causes(party) == ["not_stored"]
    assert not intake.face_templates.pending._waiting


def test_a_step_up_needs_the_key_of_this_passkey(party: TemplateParty) -> None:
    me, other = holder(), holder()
    party.bound(me)
    party.bound(other, party.verdict(1, "B123456(7)"))
    step_up, _ = party.open(me)
    assert code(party.captures(step_up, None)) == (422, "face_template_key_missing")
    for wrong in (os.urandom(32), party.login(other)[1], bytes(16)):
        step_up, _ = party.open(me)
        found = code(party.captures(step_up, wrong))
        assert found in ((403, "face_template_refused"), (422, "face_template_key_missing"))
    assert party.verifier.opened == []
    assert party.core.releases == [], "the core is asked only once the passkey's layer is off"


def test_templates_swapped_between_people_do_not_open(party: TemplateParty) -> None:
    me, other = holder(), holder()
    mine, theirs = party.bound(me), party.bound(other, party.verdict(1, "B123456(7)"))
    sealed = {row.id: row.sealed for row in rows(party)}
    store = party.bench.store
    # By whoever has the database alone, and by whoever has its sealing key, too.
    resealed = store.seal.close(mine["id"], store.seal.open(theirs["id"], sealed[theirs["id"]]))
    for swapped, expected in ((sealed[theirs["id"]], 503), (resealed, 403)):
        with store.database.write() as connection:
            changed = update(FACE_TEMPLATES).where(FACE_TEMPLATES.c.id == mine["id"])
            connection.execute(changed.values(sealed=swapped))
        token, secret = party.login(me)
        opened = party.ask("POST", "/v1/step-ups", {"login": token, "text": "x"})
        if opened.status_code == 201:
            opened = party.captures(opened.json()["id"], secret)
        assert opened.status_code == expected, opened.text
    assert party.verifier.opened == []


def test_a_changed_byte_opens_nothing(party: TemplateParty) -> None:
    me = holder()
    made = party.bound(me)
    store = party.bench.store
    document = store.seal.open(made["id"], rows(party)[0].sealed)
    for place in (0, 40, 60, 200, 700):  # salt, nonce, key, and both ends of the template
        layers = bytearray(b64decode(document["layers"]))
        layers[place] ^= 1
        with store.database.write() as connection:
            sealed = store.seal.close(made["id"], document | {"layers": b64encode(layers).decode()})
            connection.execute(update(FACE_TEMPLATES).values(sealed=sealed))
        assert code(party.stepped_up(me)) == (403, "face_template_refused")
    assert party.verifier.opened == []


def test_an_outage_of_the_core_refuses_and_costs_no_attempt(tmp_path: Path) -> None:
    with template_party(tmp_path, session_attempts=1) as party:
        me = holder()
        party.bound(me)
        releases = party.templates._releases
        url, releases._url = releases._url, "http://127.0.0.1:9/keys"
        step_up, secret = party.open(me)
        answer = party.captures(step_up, secret)
        assert code(answer) == (503, "face_template_core_unavailable")
        assert "Retry-After" in answer.headers
        assert party.verifier.opened == []
        releases._url = url
        party.post(f"/v1/step-ups/{step_up}/challenges")
        assert code(party.captures(step_up, secret)) == (201, "accept")


def test_what_the_core_revoked_is_destroyed(party: TemplateParty) -> None:
    me, verdict = holder(), party.verdict()
    party.bound(me, verdict)
    party.core.revoke(verdict["id"])
    assert code(party.stepped_up(me)) == (403, "face_template_refused")
    assert (rows(party), causes(party)[-1]) == ([], "core_revoked")
    token, _ = party.login(me)
    again = party.ask("POST", "/v1/step-ups", {"login": token, "text": "x"})
    assert code(again) == (409, "face_template_unavailable")


def test_a_new_verdict_of_the_same_card_replaces_the_template(party: TemplateParty) -> None:
    before, after = holder(), holder()
    party.bound(before)
    made = party.bound(after, party.verdict(2))
    assert [row.id for row in rows(party)] == [made["id"]]
    assert "replaced" in causes(party)
    assert code(party.stepped_up(after)) == (201, "accept")
    assert party.verifier.opened == [FACES[2].tobytes()]


def test_the_end_of_a_passkey_or_registration_is_the_end_of_its_template(party: TemplateParty) -> None:
    ends = {
        "passkey_revoked": lambda made: party.ask("DELETE", f"/v1/passkeys/{made['id']}"),
        "erased": lambda made: party.ask("DELETE", f"/v1/verifications/{made['verification']}"),
        "holder": lambda made: party.ask("DELETE", f"/v1/passkeys/{made['id']}/face-template"),
    }
    for cause, end in ends.items():
        made = party.bound(holder(), party.verdict())
        assert len(rows(party)) == 1
        assert end(made).status_code == 204
        assert (rows(party), causes(party)[-1]) == ([], cause)


def test_a_copied_passkey_loses_its_template(party: TemplateParty) -> None:
    me = holder()
    party.bound(me)
    me.count = 0
    begun = party.post("/v1/passkey-logins", {"origin": me.origin})
    answer = party.ask("POST", f"/v1/passkey-logins/{begun['id']}", {"response": me.get(begun["public_key"])})
    assert code(answer) == (403, "passkey_refused")
    assert (rows(party), causes(party)[-1]) == ([], "passkey_suspended")


def test_another_client_destroys_nothing(party: TemplateParty) -> None:
    made = party.bound(holder())
    stranger = bearer(key(party.settings, Scope.PASSKEY_WRITE))
    answer = party.ask("DELETE", f"/v1/passkeys/{made['id']}/face-template", headers=stranger)
    assert (answer.status_code, len(rows(party))) == (404, 1)


def test_a_template_of_another_network_is_not_compared(party: TemplateParty) -> None:
    me = holder()
    party.bound(me)
    party.templates._network = "cd" * 32
    token, _ = party.login(me)
    assert code(party.ask("POST", "/v1/step-ups", {"login": token, "text": "x"})) == (409, "face_template_unavailable")


def test_a_ceremony_of_another_purpose_binds_nothing(party: TemplateParty) -> None:
    me = holder()
    made = party.made(me, party.verdict())
    begun = party.post("/v1/passkey-logins", {"origin": me.origin, "face_template": True})
    response = {"response": me.get(begun["public_key"])}
    assert code(party.ask("POST", f"/v1/face-templates/{begun['id']}", response)) == (410, "ceremony_lapsed")
    mine = made["face_template"]
    answer = me.get(mine["public_key"])
    answer["clientExtensionResults"] = {}
    got = party.ask("POST", f"/v1/face-templates/{mine['id']}", {"response": answer})
    assert (code(got), rows(party)) == ((422, "face_template_key_missing"), [])


def test_step_ups_by_template_need_no_card(party: TemplateParty) -> None:
    """With the core's key the card is the core's alone; a step-up asks for none, since it looks for no record."""
    me = holder()
    party.bound(me)
    step_up, _ = party.open(me)
    found = party.intake
    assert found.verifier.cards == []
    assert step_up.startswith("su_")
