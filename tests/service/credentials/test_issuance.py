"""Issuance to a wallet: codes, proofs and copies; whatever is stolen, guessed, repeated or late gives nothing."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from credential_desk import VERDICT, Desk, refused
from openvc.openid4vci import parse_credential_issuer_metadata, parse_credential_offer, verify_credential_request_proofs
from wallets import ISSUER, new_key, proof, public

from idproof.service.credentials import sd_jwt
from idproof.service.credentials.certificates import Trust
from idproof.service.credentials.issuance import CONFIGURATIONS, GRANT, Issuance
from idproof.service.errors import ServiceProblem
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import Keys
from idproof.service.storage import VerdictStore
from idproof.service.storage.schema import CREDENTIAL_CLAIMS, CREDENTIAL_OFFERS, CREDENTIAL_STATUS


def test_a_wallet_gets_copies_bound_to_its_keys(desk: Desk) -> None:
    desk.accept()
    token, nonce, keys = desk.access(), desk.nonce(), [new_key() for _ in range(3)]
    answer = desk.ask(token, [proof(key, ISSUER, nonce) for key in keys])
    assert answer.status_code == 200, answer.text
    copies = [entry["credential"] for entry in answer.json()["credentials"]]
    root = desk.issuance.identity.root
    assert root is not None
    for text, key in zip(copies, keys, strict=True):
        checked = sd_jwt.check(text, Trust([root]), datetime.now(UTC), None)
        assert checked.claims["family_name"] == "CHAN"
        payload = sd_jwt.read_json(sd_jwt.from_base64url(text.split(".")[1]))
        assert payload["cnf"]["jwk"] == public(key)
    assert desk.rows(CREDENTIAL_STATUS) == 3
    lines = [json.loads(line) for line in desk.log.read_text(encoding="utf-8").splitlines()]
    assert [line["event"] for line in lines] == ["credential_offered", "credential_issued"]
    assert "CHAN" not in desk.log.read_text(encoding="utf-8")


def test_an_independent_library_reads_offer_metadata_and_proofs(quick: Desk) -> None:
    quick.accept()
    made = quick.issuance.offer(VERDICT, "backend")
    offer = parse_credential_offer(parse_qs(urlsplit(made.link).query)["credential_offer"][0])
    metadata = parse_credential_issuer_metadata(quick.http.get("/.well-known/openid-credential-issuer").json())
    assert offer.credential_issuer == ISSUER
    assert set(offer.credential_configuration_ids) <= set(metadata.credential_configurations_supported)
    nonce = quick.nonce()
    request = {"credential_configuration_id": "identity_sd_jwt", "proofs": {"jwt": [proof(new_key(), ISSUER, nonce)]}}
    assert (
        len(verify_credential_request_proofs(request, credential_issuer=ISSUER, check_nonce=lambda n: n == nonce)) == 1
    )


def test_a_stolen_link_without_the_transaction_code_gives_nothing(quick: Desk) -> None:
    """Five guesses per offer and three offers per registration; after them even the right code is of no use."""
    quick.accept()
    for _ in range(3):
        code, right = quick.offer()
        wrong = f"{(int(right) + 1) % 10**6:06}"
        assert [refused(quick.token(code, wrong)) for _ in range(5)] == ["invalid_grant"] * 5
        assert refused(quick.token(code, right)) == "invalid_grant"
    with pytest.raises(ServiceProblem) as caught:
        quick.issuance.offer(VERDICT, "backend")
    assert caught.value.code == "credential_unavailable"


def test_four_wrong_guesses_leave_the_applicant_a_try(quick: Desk) -> None:
    quick.accept()
    code, right = quick.offer()
    for _ in range(4):
        refused(quick.token(code, "x"))
    assert quick.token(code, right).status_code == 200


def test_a_code_shown_twice_ends_the_token_that_it_gave(quick: Desk) -> None:
    quick.accept()
    code, right = quick.offer()
    token = quick.token(code, right).json()["access_token"]
    assert refused(quick.token(code, right)) == "invalid_grant"
    assert refused(quick.ask(token, [proof(new_key(), ISSUER, quick.nonce())])) == "invalid_token"


def test_a_new_offer_ends_the_one_before(quick: Desk) -> None:
    quick.accept()
    first, second = quick.offer(), quick.offer()
    assert refused(quick.token(*first)) == "invalid_grant"
    assert quick.token(*second).status_code == 200


def test_each_format_is_issued_once_and_nothing_waits_afterwards(desk: Desk) -> None:
    desk.accept()
    token = desk.access()
    for configuration in CONFIGURATIONS:
        assert desk.ask(token, [proof(new_key(), ISSUER, desk.nonce())], configuration).status_code == 200
    again = refused(desk.ask(token, [proof(new_key(), ISSUER, desk.nonce())]))
    assert again in ("invalid_token", "credential_request_denied")
    assert (desk.rows(CREDENTIAL_CLAIMS), desk.rows(CREDENTIAL_OFFERS)) == (0, 0)
    with pytest.raises(ServiceProblem):
        desk.issuance.offer(VERDICT, "backend")


def test_nothing_is_offered_again_after_a_first_issue(desk: Desk) -> None:
    desk.accept()
    token = desk.access()
    assert desk.ask(token, [proof(new_key(), ISSUER, desk.nonce())]).status_code == 200
    with pytest.raises(ServiceProblem) as caught:
        desk.issuance.offer(VERDICT, "backend")
    assert caught.value.code == "credential_unavailable"
    second = desk.ask(token, [proof(new_key(), ISSUER, desk.nonce())], "identity_mdoc")
    assert second.status_code == 200  # a refused offer leaves the earlier one


def test_nothing_is_issued_after_a_revocation(desk: Desk) -> None:
    desk.accept()
    token = desk.access()
    assert desk.ask(token, [proof(new_key(), ISSUER, desk.nonce())]).status_code == 200
    assert desk.issuance.revoke(VERDICT, "operator") == 1
    other = desk.ask(token, [proof(new_key(), ISSUER, desk.nonce())], "identity_mdoc")
    assert refused(other) == "invalid_token"
    assert (desk.rows(CREDENTIAL_CLAIMS), desk.rows(CREDENTIAL_OFFERS)) == (0, 0)


def test_a_registration_is_revoked_before_its_first_issue(desk: Desk) -> None:
    desk.accept()
    assert desk.issuance.revoke(VERDICT, "operator") == 0
    with pytest.raises(ServiceProblem):
        desk.issuance.offer(VERDICT, "backend")
    assert desk.issuance.revoke(VERDICT, "operator") is None


def test_a_proof_is_not_replayed(quick: Desk) -> None:
    """A thief with a token of an own registration sends the proof that a victim's wallet sent."""
    other = VERDICT[:-1] + "C"
    quick.accept()
    quick.accept(other)
    mine = quick.access()
    theirs = str(quick.token(*quick.offer(other)).json()["access_token"])
    sent = [proof(new_key(), ISSUER, quick.nonce())]
    assert quick.ask(mine, sent).status_code == 200
    assert refused(quick.ask(theirs, sent)) == "invalid_nonce"


def test_proofs_that_do_not_hold_are_refused_and_cost_nothing(quick: Desk) -> None:
    quick.accept()
    token, nonce, key, other = quick.access(), quick.nonce(), new_key(), new_key()
    now = int(time.time())
    wrong = {
        "another issuer": proof(key, "https://other.example", nonce),
        "no nonce": proof(key, ISSUER, nonce, nonce=None),
        "old": proof(key, ISSUER, nonce, iat=now - 400),
        "of the future": proof(key, ISSUER, nonce, iat=now + 400),
        "of no date": proof(key, ISSUER, nonce, iat=253_402_300_800),
        "a client": proof(key, ISSUER, nonce, iss="client"),
        "signed by another key": proof(key, ISSUER, nonce, header={"jwk": public(other)}),
        "a key elsewhere": proof(key, ISSUER, nonce, header={"kid": "did:web:attacker.example"}),
        "certificates": proof(key, ISSUER, nonce, header={"x5c": quick.issuance.identity.x5c}),
        "another type": proof(key, ISSUER, nonce, header={"typ": "JWT"}),
        "a private key": proof(key, ISSUER, nonce, header={"jwk": key.as_dict(private=True)}),
        "no signature": ".".join([*proof(key, ISSUER, nonce).split(".")[:2], ""]),
    }
    for name, text in wrong.items():
        assert refused(quick.ask(token, [text])) == "invalid_proof", name
    assert refused(quick.ask(token, [proof(key, ISSUER, "made up")])) == "invalid_nonce"
    assert (
        refused(quick.ask(token, [proof(key, ISSUER, nonce), proof(other, ISSUER, quick.nonce())])) == "invalid_nonce"
    )
    assert refused(quick.ask(token, [proof(key, ISSUER, nonce)] * 2)) == "invalid_proof"  # one key twice
    assert refused(quick.ask(token, [])) == "invalid_proof"
    assert refused(quick.ask(token, [proof(new_key(), ISSUER, nonce) for _ in range(11)])) == "invalid_proof"
    assert refused(quick.ask(token, [proof(key, ISSUER, nonce)], "unknown")) == "unknown_credential_configuration"
    assert quick.ask(token, [proof(key, ISSUER, nonce)]).status_code == 200


def test_requests_without_the_documented_form_are_refused(quick: Desk) -> None:
    quick.accept()
    code, right = quick.offer()
    post = quick.http.post
    token = "/v1/credential-issuance/token"
    assert refused(post(token, data={"grant_type": "authorization_code", "code": code})) == "unsupported_grant_type"
    assert refused(post(token, data={"grant_type": GRANT, "pre-authorized_code": code})) == "invalid_request"
    assert refused(post(token, json={"grant_type": GRANT})) == "invalid_request"
    twice = f"grant_type={GRANT}&pre-authorized_code={code}&tx_code={right}&tx_code=1"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert refused(post(token, content=twice, headers=form)) == "invalid_request"
    credential = "/v1/credential-issuance/credential"
    assert refused(post(credential, json={})) == "invalid_token"
    assert refused(post(credential, json={}, headers={"Authorization": "Bearer x"})) == "invalid_token"
    access = {"Authorization": f"Bearer {quick.token(code, right).json()['access_token']}"}
    assert refused(post(credential, json=[], headers=access)) == "invalid_credential_request"


def test_guesses_at_codes_are_limited_for_an_address(quick: Desk) -> None:
    answers = [quick.token("guess", "1").status_code for _ in range(70)]
    assert set(answers) == {400, 429}


def test_claims_wait_for_minutes_and_are_gone_afterwards(
    quick: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    quick.accept()
    code = quick.offer()
    assert b"CHAN" not in (tmp_path / "data" / "verdicts.sqlite").read_bytes()
    later = time.time() + 901
    monkeypatch.setattr("idproof.service.storage.credential_offers.time.time", lambda: later)
    assert refused(quick.token(*code)) == "invalid_grant"
    with pytest.raises(ServiceProblem):
        quick.issuance.offer(VERDICT, "backend")
    quick.issuance.clean()
    assert (quick.rows(CREDENTIAL_CLAIMS), quick.rows(CREDENTIAL_OFFERS)) == (0, 0)


def test_an_erased_registration_has_nothing_to_issue(desk: Desk) -> None:
    desk.accept()
    token = desk.access()
    desk.store.erase(VERDICT)
    assert (desk.rows(CREDENTIAL_CLAIMS), desk.rows(CREDENTIAL_OFFERS)) == (0, 0)
    assert refused(desk.ask(token, [proof(new_key(), ISSUER, desk.nonce())])) == "invalid_token"


def test_only_accepted_registrations_wait(quick: Desk) -> None:
    for number, decision in enumerate(("refer", "reject")):
        quick.accept(VERDICT[:-1] + str(number), decision=decision)
    assert quick.rows(CREDENTIAL_CLAIMS) == 0


def test_another_client_s_registration_is_not_offered(quick: Desk) -> None:
    quick.accept()
    with pytest.raises(ServiceProblem) as caught:
        quick.issuance.offer(VERDICT, "somebody else")
    assert caught.value.code == "not_found"


def test_nothing_is_issued_without_its_audit_line(quick: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from idproof.service.errors import AuditBroken

    quick.accept()
    token, sent = quick.access(), [proof(new_key(), ISSUER, quick.nonce())]

    def broken(*_: object, **__: object) -> None:
        raise AuditBroken("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(AuditLog, "append", broken)
        assert quick.ask(token, sent).status_code == 503
    assert quick.rows(CREDENTIAL_STATUS) == 0
    assert quick.ask(token, sent).status_code == 200


def test_claims_are_resealed_with_a_new_key(quick: Desk, tmp_path: Path) -> None:
    from idproof.service.storage.resealing import reseal_all

    quick.accept()
    settings = Settings(data_dir=tmp_path / "data", credential_issuer=ISSUER)
    keys = Keys.rotate_sealing(settings)
    store = VerdictStore.open(settings, keys.sealing, lambda: keys.newer_sealing)
    assert reseal_all(store) == 2
    issuance = Issuance(settings, quick.issuance.identity, store, AuditLog.open(settings, keys))
    assert issuance.offer(VERDICT, "backend").link
