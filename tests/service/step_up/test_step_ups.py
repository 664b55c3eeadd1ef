"""A step-up belongs to one login, one relying party and one transaction, and its token is valid once."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import a_verdict
from passkey_bench import CARD, PasskeyBench, passkey_settings
from soft_passkeys import Authenticator
from sqlalchemy import select, update

from idproof.pipeline import Decision
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.step_up import HolderCheck
from idproof.service.errors import ServiceProblem
from idproof.service.operations import retention
from idproof.service.operations.settings import Settings
from idproof.service.passkeys.erasure import BoundPasskeys
from idproof.service.signing.jws import payload_hash, sign_claims, verify
from idproof.service.step_up.step_ups import RECORD, TOKEN, StepUps, text_hash
from idproof.service.step_up.store import StepUpRules
from idproof.service.storage.resealing import reseal_all
from idproof.service.storage.schema import CEREMONIES, STEP_UPS, VERIFICATIONS

TEXT = "Pay 100 dollars to the Inland Revenue. 繳付一百元。"


def found(decision: Decision = Decision.ACCEPT) -> HolderCheck:
    made = a_verdict()
    reasons = () if decision is Decision.ACCEPT else ("not_live",)
    facts = (made.checks, ("liveness",), made.deletion, made.policy, made.profile, "device", made.started_at)
    return HolderCheck(decision, reasons, *facts)


class StepUpBench(PasskeyBench):
    """A service with one passkey, and its step-ups."""

    def __init__(self, settings: Settings, **rules: Any) -> None:
        super().__init__(settings)
        parts = (self.rules, self.store, self.ring, self.audit, settings.issuer)
        self.step_ups = StepUps(*parts, StepUpRules(**rules))
        self.authenticator = Authenticator()
        self.made = self.bound(self.authenticator)

    def opened(self, client: str = "two", text: str = TEXT, **more: Any) -> Any:
        return self.step_ups.open(client, self.logged_in(self.authenticator, client)["token"], text, **more)

    def decided(self, client: str = "two", decision: Decision = Decision.ACCEPT) -> dict[str, Any]:
        step_up = self.step_ups.store.begin(self.opened(client).id, client)
        return self.step_ups.decide(step_up, found(decision))


@pytest.fixture
def bench(tmp_path: Path) -> StepUpBench:
    return StepUpBench(passkey_settings(Settings(data_dir=tmp_path)))


def code_of(call: Any, *arguments: Any) -> str:
    with pytest.raises(ServiceProblem) as caught:
        call(*arguments)
    return caught.value.code


def test_an_accept_gives_a_token_for_this_party_text_and_login(on_either: Settings) -> None:
    bench = StepUpBench(passkey_settings(on_either))
    login = bench.logged_in(bench.authenticator)
    opened = bench.step_ups.open("two", login["token"], TEXT)
    assert opened.card == CardData(**CARD)
    decided = bench.step_ups.decide(bench.step_ups.store.begin(opened.id, "two"), found())
    keys = bench.ring.current.public()
    claims, record = verify(decided["token"], keys, TOKEN), verify(decided["record"], keys, RECORD)
    about = {"jti": opened.id, "aud": "two", "sub": login["sub"], "text_sha256": text_hash(TEXT)}
    assert claims == claims | about | {"capture_level": "device", "record_sha256": payload_hash(decided["record"])}
    assert record == record | about | {"decision": "accept", "login": claims["login"]}
    assert record["deletion"]["outstanding"] == 0
    assert bench.step_ups.use("two", decided["token"], TEXT) == claims
    lines = [entry for entry in bench.audit_events() if entry["event"].startswith("step_up")]
    assert [(line["event"], line["step_up"]) for line in lines] == [
        ("step_up_decided", opened.id),
        ("step_up_used", opened.id),
    ]


def test_a_token_is_valid_once_for_its_party_and_its_text(bench: StepUpBench) -> None:
    decided = bench.decided()
    use = bench.step_ups.use
    assert code_of(use, "three", decided["token"], TEXT) == "step_up_token_invalid"
    use("two", decided["token"], TEXT)
    assert code_of(use, "two", decided["token"], TEXT) == "step_up_token_invalid"


def test_a_token_that_comes_with_another_text_is_used_up(bench: StepUpBench) -> None:
    decided = bench.decided()
    assert code_of(bench.step_ups.use, "two", decided["token"], TEXT + " ") == "step_up_token_invalid"
    assert code_of(bench.step_ups.use, "two", decided["token"], TEXT) == "step_up_token_invalid"


def test_a_token_ends_with_its_passkey(bench: StepUpBench) -> None:
    decided = bench.decided()
    bench.registrations.revoke(bench.made["id"], None, "operator")
    assert code_of(bench.step_ups.use, "two", decided["token"], TEXT) == "step_up_token_invalid"


def test_no_other_token_takes_its_place(bench: StepUpBench, tmp_path: Path) -> None:
    decided, login = bench.decided(), bench.logged_in(bench.authenticator)
    claims = verify(decided["token"], bench.ring.current.public(), TOKEN)
    late = sign_claims(claims | {"exp": claims["iat"]}, bench.ring.current, "idproof", TOKEN)
    other_issuer = sign_claims(claims | {"iss": "another"}, bench.ring.current, "another", TOKEN)
    stranger = PasskeyBench(passkey_settings(Settings(data_dir=tmp_path / "other")))
    forged = sign_claims(claims, stranger.ring.current, "idproof", TOKEN)
    for token in (late, other_issuer, forged, decided["record"], login["token"], "", "a.b.c"):
        assert code_of(bench.step_ups.use, "two", token, TEXT) == "step_up_token_invalid"
    for token in (decided["token"], decided["record"], late, "", "a.b.c"):
        assert code_of(bench.step_ups.open, "two", token, TEXT) == "login_invalid"
    bench.step_ups.use("two", decided["token"], TEXT)


def test_a_login_opens_one_step_up_and_of_its_own_party(bench: StepUpBench) -> None:
    login = bench.logged_in(bench.authenticator)["token"]
    assert code_of(bench.step_ups.open, "three", login, TEXT) == "login_invalid"
    bench.step_ups.open("two", login, TEXT)
    assert code_of(bench.step_ups.open, "two", login, TEXT) == "login_invalid"


def test_a_refusal_gives_no_token_and_ends_the_step_up(bench: StepUpBench) -> None:
    opened = bench.opened()
    refused = bench.step_ups.decide(bench.step_ups.store.begin(opened.id, "two"), found(Decision.REJECT))
    assert (refused["decision"], refused["token"]) == ("reject", None)
    assert code_of(bench.step_ups.store.begin, opened.id, "two") == "step_up_lapsed"
    assert code_of(bench.step_ups.ask_again, "two", opened.id) == "step_up_lapsed"
    record = verify(refused["record"], bench.ring.current.public(), RECORD)
    record |= {"exp": record["iat"] + 300}
    for kind in (TOKEN, RECORD):
        forged = sign_claims(record, bench.ring.current, "idproof", kind)
        assert code_of(bench.step_ups.use, "two", forged, TEXT) == "step_up_token_invalid"


def test_each_attempt_answers_a_challenge_of_its_own(bench: StepUpBench) -> None:
    store, opened = bench.step_ups.store, bench.opened()
    assert code_of(store.begin, opened.id, "three") == "step_up_lapsed"
    first = store.begin(opened.id, "two")
    assert code_of(store.begin, opened.id, "two") == "request_in_progress"
    store.fail(first, return_attempt=False)
    assert code_of(store.begin, opened.id, "two") == "challenge_missing"
    nonces = {opened.challenge.to_json()["nonce"], bench.step_ups.ask_again("two", opened.id).to_json()["nonce"]}
    assert len(nonces) == 2
    assert store.begin(opened.id, "two").challenge.to_json()["nonce"] in nonces


def test_attempts_and_challenges_are_bounded(tmp_path: Path) -> None:
    bench = StepUpBench(passkey_settings(Settings(data_dir=tmp_path)), attempts=2, challenges=4)
    store, opened = bench.step_ups.store, bench.opened()
    store.fail(store.begin(opened.id, "two"), return_attempt=True)
    for _ in range(2):
        bench.step_ups.ask_again("two", opened.id)
        store.fail(store.begin(opened.id, "two"), return_attempt=False)
    assert code_of(bench.step_ups.ask_again, "two", opened.id) == "step_up_lapsed"
    asked = bench.opened()
    for _ in range(3):
        bench.step_ups.ask_again("two", asked.id)
    assert code_of(bench.step_ups.ask_again, "two", asked.id) == "challenges_used"


def test_a_check_whose_server_ended_may_be_tried_again_and_no_longer_decides(bench: StepUpBench) -> None:
    store, opened = bench.step_ups.store, bench.opened()
    lost = store.begin(opened.id, "two")
    with bench.store.database.write() as connection:
        connection.execute(update(STEP_UPS).values(lease_ms=0))
    bench.step_ups.ask_again("two", opened.id)
    assert code_of(bench.step_ups.decide, lost, found()) == "step_up_lapsed"
    again = store.begin(opened.id, "two")
    assert code_of(bench.step_ups.decide, lost, found()) == "step_up_lapsed"
    store.fail(lost, return_attempt=False)
    assert bench.step_ups.decide(again, found())["token"]


def test_refused_step_ups_of_an_account_are_bounded(tmp_path: Path) -> None:
    bench = StepUpBench(passkey_settings(Settings(data_dir=tmp_path)), refusals=2)
    for party in ("two", "three"):
        bench.decided(party, Decision.REFER)
    login = bench.logged_in(bench.authenticator, "four")["token"]
    assert code_of(bench.step_ups.open, "four", login, TEXT) == "step_ups_refused"


def test_step_ups_that_were_opened_before_the_first_refusal_are_bounded_too(tmp_path: Path) -> None:
    bench = StepUpBench(passkey_settings(Settings(data_dir=tmp_path)), refusals=2)
    store = bench.step_ups.store
    first, second, third = (bench.opened(party) for party in ("two", "three", "four"))
    checks = [store.begin(first.id, "two"), store.begin(second.id, "three")]
    assert code_of(store.begin, third.id, "four") == "step_ups_refused"  # both could be refused
    bench.step_ups.decide(checks[0], found(Decision.ACCEPT))
    bench.step_ups.decide(checks[1], found(Decision.REJECT))
    begun = store.begin(third.id, "four")
    bench.step_ups.decide(begun, found(Decision.REJECT))


def test_a_passkey_that_was_revoked_meanwhile_decides_nothing(bench: StepUpBench) -> None:
    login = bench.logged_in(bench.authenticator)["token"]
    opened = bench.step_ups.store.begin(bench.opened().id, "two")
    bench.registrations.revoke(bench.made["id"], None, "operator")
    assert code_of(bench.step_ups.open, "two", login, TEXT) == "login_invalid"
    assert code_of(bench.step_ups.decide, opened, found()) == "step_up_lapsed"


def test_text_and_card_are_sealed_and_go_with_the_decision(bench: StepUpBench) -> None:
    opened = bench.opened()

    def sealed() -> Any:
        with bench.store.database.read() as connection:
            return connection.execute(select(STEP_UPS.c.sealed).where(STEP_UPS.c.id == opened.id)).scalar_one()

    kept = bytes(sealed())
    words = (b"dollars", CARD["surname"].encode(), CARD["number"].encode())
    assert not [word for word in words if word in kept]
    assert reseal_all(bench.store) == 0
    decided = bench.step_ups.decide(bench.step_ups.store.begin(opened.id, "two"), found())
    assert decided["token"].encode() not in bytes(sealed())
    left = bench.store.seal.open(opened.id, sealed())
    assert left.keys() == {"decision"}, "text and card went with it"
    record = verify(decided["record"], bench.ring.current.public(), RECORD)
    assert not [word for word in words if word in json.dumps([left, record]).encode()]
    bench.step_ups.use("two", decided["token"], TEXT)
    assert sealed() is None


def test_a_decision_is_read_again_by_its_party_alone_until_its_token_is_used(bench: StepUpBench) -> None:
    """So an answer that was lost is not lost for good."""
    outcome = bench.step_ups.outcome
    opened = bench.opened()
    assert (outcome("two", opened.id)["state"], outcome("two", opened.id)["decision"]) == ("open", None)
    begun = bench.step_ups.store.begin(opened.id, "two")
    assert outcome("two", opened.id)["state"] == "checking"
    decided = bench.step_ups.decide(begun, found())
    assert outcome("two", opened.id)["decision"] == decided
    assert code_of(outcome, "one", opened.id) == "step_up_lapsed"
    assert code_of(outcome, "two", "su_" + "0" * 26) == "step_up_lapsed"
    bench.step_ups.use("two", decided["token"], TEXT)
    assert (outcome("two", opened.id)["state"], outcome("two", opened.id)["decision"]) == ("spent", None)


def test_a_check_of_a_challenge_that_was_replaced_does_not_begin(bench: StepUpBench) -> None:
    opened = bench.opened()
    asked = bench.step_ups.ask_again("two", opened.id)
    begin = bench.step_ups.store.begin
    assert code_of(begin, opened.id, "two", opened.challenge) == "challenge_missing"
    assert begin(opened.id, "two", asked).challenge == asked


def test_step_ups_are_erased_with_the_registration(bench: StepUpBench) -> None:
    decided = bench.decided()
    retention.erase(bench.store, bench.audit, bench.made["verification"], by="operator")
    assert code_of(bench.step_ups.use, "two", decided["token"], TEXT) == "step_up_token_invalid"
    with bench.store.database.read() as connection:
        assert connection.execute(select(STEP_UPS)).first() is None


def test_where_only_the_core_reads_the_card_its_number_must_be_the_registrations(tmp_path: Path) -> None:
    bench = StepUpBench(passkey_settings(Settings(data_dir=tmp_path)))
    bench.authenticator = Authenticator()
    verdict = bench.verdict()
    with bench.store.database.write() as connection:  # as with a core's key: the form is not in the row
        bare = verdict | {"form": {}}
        mine = VERIFICATIONS.c.id == verdict["id"]
        connection.execute(update(VERIFICATIONS).where(mine).values(sealed=bench.store.seal.close(verdict["id"], bare)))
    bench.made = bench.bound(bench.authenticator, verdict)
    login = bench.logged_in(bench.authenticator)["token"]
    own, others = CardData(number="A1234563", surname="CHAN"), CardData(number="B2345674")
    for card in (None, CardData(), others):
        assert code_of(bench.step_ups.open, "two", login, TEXT, None, card) == "step_up_card_needed"
    assert bench.step_ups.open("two", login, TEXT, None, own).card == own


def test_a_step_up_lapses(tmp_path: Path) -> None:
    bench = StepUpBench(passkey_settings(Settings(data_dir=tmp_path)), lifetime_s=-1.0)
    assert code_of(bench.step_ups.store.begin, bench.opened().id, "two") == "step_up_lapsed"


def test_old_step_ups_and_ceremonies_are_deleted(bench: StepUpBench) -> None:
    bench.decided()
    with bench.store.database.write() as connection:
        for table in (STEP_UPS, CEREMONIES):
            connection.execute(update(table).values(expires_ms=1))
    BoundPasskeys(bench.store, bench.audit).clean(365)
    with bench.store.database.read() as connection:
        assert [connection.execute(select(table)).first() for table in (STEP_UPS, CEREMONIES)] == [None, None]
