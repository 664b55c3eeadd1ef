"""A passkey belongs to one accepted session, and to nobody else's."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from fido2.server import Fido2Server
from fido2.webauthn import PublicKeyCredentialRpEntity, UserVerificationRequirement
from joserfc import jws
from passkey_bench import CARD, OTHER, PasskeyBench, passkey_settings
from soft_passkeys import FLAG, ORIGIN, PARTY, Authenticator, Maker, b64
from sqlalchemy import update

from idproof.service.cases.states import RegistrationStatus
from idproof.service.cases.store import Registrations
from idproof.service.errors import PasskeyRefused, ServiceProblem, SettingsInvalid
from idproof.service.operations.settings import Settings
from idproof.service.outbox.queue import Kind, Outbox
from idproof.service.passkeys.binding import TYPE
from idproof.service.passkeys.registration import Wanted
from idproof.service.passkeys.rules import PasskeyRules
from idproof.service.passkeys.states import Cause, PasskeyState
from idproof.service.signing.jws import payload_hash, verify
from idproof.service.storage.schema_registrations import REGISTRATIONS


@pytest.fixture
def bench(tmp_path: Path) -> PasskeyBench:
    return PasskeyBench(passkey_settings(Settings(data_dir=tmp_path)))


def refused(bench: PasskeyBench, client: str, ceremony: str, response: dict[str, Any]) -> str:
    with pytest.raises(PasskeyRefused) as caught:
        bench.registrations.complete(client, ceremony, response)
    assert "not accepted" in caught.value.sentence
    return caught.value.cause


def test_a_passkey_is_bound_to_verdict_and_session(on_either: Settings) -> None:
    bench, authenticator = PasskeyBench(passkey_settings(on_either)), Authenticator()
    verdict = bench.verdict()
    made = bench.bound(authenticator, verdict)
    claims = verify(made["binding"], bench.ring.current.public(), TYPE)
    assert (claims["verification"], claims["nonce"]) == (verdict["id"], verdict["session"]["nonce"])
    assert claims["verdict_sha256"] == sha256(jws.extract_compact(verdict["jws"].encode()).payload).hexdigest()
    assert claims["passkey"]["id"] == b64(authenticator.credential)
    assert (claims["rp_id"], claims["origin"], claims["user_verified"]) == (PARTY, ORIGIN, True)
    assert not {*CARD.values()} & {*json.dumps(claims).split('"')}
    (line,) = [entry for entry in bench.audit_events() if entry["event"] == "passkey_bound"]
    assert (line["passkey"], line["id"]) == (made["id"], verdict["id"])
    assert line["statement"] == payload_hash(made["binding"])
    (queued,) = [entry for entry in bench.outbox.entries() if entry.kind is Kind.PASSKEY]
    assert (queued.passkey, queued.verification) == (made["id"], verdict["id"])


def test_the_options_ask_for_what_the_rules_require(bench: PasskeyBench) -> None:
    options = bench.begin(bench.verdict(), resident="required", attachment="cross-platform")["public_key"]
    chosen = options["authenticatorSelection"]
    assert (chosen["userVerification"], chosen["residentKey"]) == ("required", "required")
    assert chosen["authenticatorAttachment"] == "cross-platform"
    assert (options["attestation"], options["rp"]["id"]) == ("none", PARTY)
    assert [each["alg"] for each in options["pubKeyCredParams"]] == [-8, -7, -257]
    text = json.dumps(options)
    assert not [value for value in CARD.values() if value in text]


def test_another_library_accepts_the_same_answer(bench: PasskeyBench) -> None:
    """fido2's own relying party verifies what ours accepted, and login with it."""
    authenticator = Authenticator()
    begun = bench.begin(bench.verdict())
    answer = authenticator.create(begun["public_key"])
    bench.registrations.complete("one", begun["id"], answer)
    server = Fido2Server(PublicKeyCredentialRpEntity(name="idproof", id=PARTY))
    state = {"challenge": begun["public_key"]["challenge"], "user_verification": UserVerificationRequirement.REQUIRED}
    found = server.register_complete(state, answer)
    login = bench.logins.begin("two", None, ORIGIN)
    assertion = authenticator.get(login["public_key"])
    state = {"challenge": login["public_key"]["challenge"], "user_verification": UserVerificationRequirement.REQUIRED}
    server.authenticate_complete(state, [found.credential_data], assertion)
    bench.logins.complete("two", login["id"], assertion)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        (Authenticator(origin="https://evil.example"), Cause.ORIGIN_OTHER),
        (Authenticator(origin=OTHER), Cause.ORIGIN_OTHER),
        (Authenticator(cross_origin=True), Cause.ORIGIN_OTHER),
        (Authenticator(party="evil.example"), Cause.RESPONSE_INVALID),
        (Authenticator(flags=FLAG.UP), Cause.RESPONSE_INVALID),
        (Authenticator(flags=FLAG.UV), Cause.RESPONSE_INVALID),
        (Authenticator(flags=FLAG.UP | FLAG.UV | FLAG.BS), Cause.RESPONSE_INVALID),
        (Authenticator(credential=bytes(1024)), Cause.RESPONSE_INVALID),
    ],
)
def test_an_answer_that_is_not_as_asked_is_refused(bench: PasskeyBench, changed: Authenticator, cause: Cause) -> None:
    begun = bench.begin(bench.verdict())
    assert refused(bench, "one", begun["id"], changed.create(begun["public_key"])) is cause
    assert bench.passkeys.entries() == []
    assert bench.outbox.entries() == []


def test_a_challenge_is_answered_once_and_in_its_own_ceremony(bench: PasskeyBench) -> None:
    verdict, authenticator = bench.verdict(), Authenticator()
    first, second = bench.begin(verdict), bench.begin(verdict)
    answer = authenticator.create(first["public_key"])
    assert refused(bench, "one", second["id"], answer) is Cause.RESPONSE_INVALID
    bench.registrations.complete("one", first["id"], answer)
    for ceremony in (first, second):  # the second was refused, and is not answered again
        with pytest.raises(ServiceProblem, match="before") as caught:
            bench.registrations.complete("one", ceremony["id"], authenticator.create(ceremony["public_key"]))
        assert caught.value.code == "ceremony_lapsed"


def test_a_challenge_lapses(tmp_path: Path) -> None:
    bench = PasskeyBench(passkey_settings(Settings(data_dir=tmp_path)), ceremony_s=-1.0)
    begun = bench.begin(bench.verdict())
    with pytest.raises(ServiceProblem) as caught:
        bench.registrations.complete("one", begun["id"], Authenticator().create(begun["public_key"]))
    assert caught.value.code == "ceremony_lapsed"


def test_a_login_does_not_answer_a_registration(bench: PasskeyBench) -> None:
    login = bench.logins.begin("one", None, ORIGIN)
    options = bench.begin(bench.verdict())["public_key"] | {"challenge": login["public_key"]["challenge"]}
    with pytest.raises(ServiceProblem) as caught:
        bench.registrations.complete("one", login["id"], Authenticator().create(options))
    assert caught.value.code == "ceremony_lapsed"


def test_no_passkey_for_a_verdict_that_is_not_accepted_fresh_or_ones_own(bench: PasskeyBench) -> None:
    mine, victims = bench.verdict(), bench.verdict("victim's")
    nonce = {"session": {"nonce": "A" * 43}}
    unsuitable = [
        ("one", bench.verdict(decision="refer")),
        ("one", bench.verdict(decision="reject")),
        ("one", bench.verdict(age_s=601)),
        ("one", bench.verdict(session=False) | nonce),
        ("one", victims),
        ("one", victims | {"session": mine["session"]}),
        ("one", mine | {"session": victims["session"]}),
        ("one", mine | nonce),
        ("one", mine | {"id": "ver_" + "0" * 26}),
    ]
    said = set()
    for client, verdict in unsuitable:
        with pytest.raises(ServiceProblem) as caught:
            bench.begin(verdict, client)
        said.add((caught.value.code, caught.value.sentence))
    assert len(said) == 1, "the answer tells why"
    assert said.pop()[0] == "passkey_verdict_unsuitable"


def test_another_client_cannot_complete_a_ceremony(bench: PasskeyBench) -> None:
    begun = bench.begin(bench.verdict())
    with pytest.raises(ServiceProblem) as caught:
        bench.registrations.complete("two", begun["id"], Authenticator().create(begun["public_key"]))
    assert caught.value.code == "ceremony_lapsed"
    assert bench.passkeys.entries() == []


def test_a_verdict_that_was_erased_meanwhile_gets_no_passkey(bench: PasskeyBench) -> None:
    verdict = bench.verdict()
    begun = bench.begin(verdict)
    bench.store.erase(verdict["id"])
    with pytest.raises(ServiceProblem) as caught:
        bench.registrations.complete("one", begun["id"], Authenticator().create(begun["public_key"]))
    assert caught.value.code == "passkey_verdict_unsuitable"


def test_a_verdict_whose_registration_is_not_accepted_gets_no_passkey(bench: PasskeyBench) -> None:
    cases = Registrations(bench.store, Outbox(bench.store.database, bench.store.seal), bench.audit)
    registration = cases.open("one").id
    verdict = bench.verdict(registration=registration)  # an accept, with another card than before
    with pytest.raises(ServiceProblem) as caught:
        bench.begin(verdict)
    assert caught.value.code == "passkey_verdict_unsuitable"
    with bench.store.database.write() as connection:
        moved = update(REGISTRATIONS).where(REGISTRATIONS.c.id == registration)
        connection.execute(moved.values(status=RegistrationStatus.ACCEPTED))
    assert bench.begin(verdict)["id"]


def test_a_credential_is_registered_once(bench: PasskeyBench) -> None:
    """Otherwise whoever saw its id could register it for an account of their own, with another key."""
    authenticator, thief = Authenticator(), Authenticator()
    thief.credential = authenticator.credential
    bench.bound(authenticator)
    begun = bench.begin(bench.verdict())
    assert refused(bench, "one", begun["id"], thief.create(begun["public_key"])) is Cause.CREDENTIAL_KNOWN
    assert len(bench.passkeys.entries()) == 1


def test_a_verdict_has_a_few_passkeys_at_most(bench: PasskeyBench) -> None:
    verdict = bench.verdict()
    late = bench.begin(verdict)
    made = [bench.bound(Authenticator(), verdict) for _ in range(bench.rules.per_verdict)]
    assert len({each["subject"] for each in made}) == 1
    with pytest.raises(ServiceProblem) as caught:
        bench.begin(verdict)
    assert caught.value.code == "passkeys_enough"
    with pytest.raises(ServiceProblem) as caught:
        bench.registrations.complete("one", late["id"], Authenticator().create(late["public_key"]))
    assert caught.value.code == "passkeys_enough"
    assert bench.registrations.revoke(made[0]["id"], "one", "one")
    assert bench.bound(Authenticator(), verdict)["verification"] == verdict["id"]


def test_nothing_is_stored_without_its_audit_line(bench: PasskeyBench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError

    verdict = bench.verdict()
    begun = bench.begin(verdict)
    monkeypatch.setattr(bench.audit, "append", fail)
    with pytest.raises(OSError):  # noqa: PT011
        bench.registrations.complete("one", begun["id"], Authenticator().create(begun["public_key"]))
    assert bench.passkeys.entries() == []
    assert bench.outbox.entries() == []


def test_direct_attestation_needs_a_chain_to_a_configured_root(tmp_path: Path) -> None:
    trusted, other = Maker(), Maker()
    (tmp_path / "roots").mkdir()
    (tmp_path / "roots" / "packed.pem").write_bytes(trusted.pem())
    told = {"passkey_attestation": "direct", "passkey_roots": tmp_path / "roots"}
    bench = PasskeyBench(passkey_settings(Settings(data_dir=tmp_path / "data"), **told))
    for maker in (None, other):
        begun = bench.begin(bench.verdict())
        assert begun["public_key"]["attestation"] == "direct"
        answer = Authenticator(maker=maker).create(begun["public_key"])
        cause = refused(bench, "one", begun["id"], answer)
        assert cause in (Cause.ATTESTATION_UNTRUSTED, Cause.RESPONSE_INVALID)
    made = bench.bound(Authenticator(maker=trusted))
    assert made["attested"]
    claims = verify(made["binding"], bench.ring.current.public(), TYPE)
    assert claims["passkey"]["attestation"] == {"format": "packed", "trusted": True}


def test_a_statement_for_another_challenge_is_refused(tmp_path: Path) -> None:
    maker = Maker()
    (tmp_path / "packed.pem").write_bytes(maker.pem())
    told = {"passkey_attestation": "direct", "passkey_roots": tmp_path}
    bench = PasskeyBench(passkey_settings(Settings(data_dir=tmp_path / "data"), **told))
    begun = bench.begin(bench.verdict())
    authenticator = Authenticator(maker=maker)
    answer = authenticator.create(begun["public_key"])
    answer["response"]["attestationObject"] = authenticator.create(begun["public_key"], challenge=b"x" * 32)[
        "response"
    ]["attestationObject"]
    assert refused(bench, "one", begun["id"], answer) is Cause.RESPONSE_INVALID


def test_attestation_without_roots_does_not_start(tmp_path: Path) -> None:
    told = {"passkey_attestation": "direct", "passkey_roots": tmp_path}
    with pytest.raises(SettingsInvalid, match=r"packed\.pem"):
        PasskeyRules.of(passkey_settings(Settings(data_dir=tmp_path), **told))
    (tmp_path / "packed.pem").write_text("no certificate")
    with pytest.raises(SettingsInvalid, match="no certificates"):
        PasskeyRules.of(passkey_settings(Settings(data_dir=tmp_path), **told))


@pytest.mark.parametrize(
    "origins",
    [
        "",
        "http://login.idproof.example",
        "https://idproof.example.evil",
        "https://login.idproof.example/path",
        "https://someone@login.idproof.example",
        "https://login.idproof.example,https://other.example",
    ],
)
def test_origins_are_https_and_of_the_domain(origins: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"(?i)passkey"):
        Settings.load(passkey_rp_id=PARTY, passkey_origins=origins)


def test_an_origin_must_be_named_where_there_are_several(bench: PasskeyBench) -> None:
    verdict = bench.verdict()
    for origin in (None, "https://idproof.example"):
        with pytest.raises(ServiceProblem) as caught:
            bench.registrations.begin("one", Wanted(verdict["id"], verdict["session"]["nonce"], origin))
        assert caught.value.code == "origin_unknown"


def test_a_revoked_passkey_opens_nothing_and_the_core_is_told(bench: PasskeyBench) -> None:
    authenticator = Authenticator()
    made = bench.bound(authenticator)
    assert not bench.registrations.revoke(made["id"], "two", "two")
    assert bench.registrations.revoke(made["id"], "one", "one")
    assert not bench.registrations.revoke(made["id"], "one", "one")
    with pytest.raises(PasskeyRefused) as caught:
        bench.logged_in(authenticator)
    assert caught.value.cause is Cause.NOT_ACTIVE
    assert bench.passkeys.find(made["id"]).state is PasskeyState.REVOKED
    assert [entry.kind for entry in bench.outbox.entries()] == [Kind.UNBOUND]
