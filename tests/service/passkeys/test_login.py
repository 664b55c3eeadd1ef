"""A login proves possession of one passkey to one relying party, once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from passkey_bench import OTHER, PasskeyBench, passkey_settings
from soft_passkeys import FLAG, ORIGIN, Authenticator
from sqlalchemy import delete

from idproof.service.errors import PasskeyRefused, ServiceProblem
from idproof.service.operations.settings import Settings
from idproof.service.passkeys.login import TYPE
from idproof.service.passkeys.states import Cause, PasskeyState
from idproof.service.signing.jws import verify
from idproof.service.storage.schema import CEREMONIES


@pytest.fixture
def bench(tmp_path: Path) -> PasskeyBench:
    return PasskeyBench(passkey_settings(Settings(data_dir=tmp_path)))


def cause_of(bench: PasskeyBench, authenticator: Authenticator, client: str = "two", **more: Any) -> str:
    with pytest.raises(PasskeyRefused) as caught:
        bench.logged_in(authenticator, client, **more)
    return caught.value.cause


def claims_of(bench: PasskeyBench, login: dict[str, Any]) -> dict[str, Any]:
    return verify(login["token"], bench.ring.current.public(), TYPE)


def test_a_login_gives_a_token_for_its_relying_party(on_either: Settings) -> None:
    bench, authenticator = PasskeyBench(passkey_settings(on_either)), Authenticator()
    made = bench.bound(authenticator)
    claims = claims_of(bench, bench.logged_in(authenticator))
    assert (claims["aud"], claims["origin"], claims["user_verified"]) == ("two", ORIGIN, True)
    assert claims["exp"] - claims["iat"] <= bench.rules.token_s
    assert not {"verification", "passkey"} & {*claims}
    own = claims_of(bench, bench.logged_in(authenticator, "one"))
    assert (own["verification"], own["passkey"], own["sub"]) == (made["verification"], made["id"], made["subject"])
    found = bench.passkeys.find(made["id"])
    assert (found.sign_count, found.used_at is not None) == (authenticator.count, True)


def test_relying_parties_cannot_compare_what_they_are_told(bench: PasskeyBench) -> None:
    authenticator = Authenticator()
    bench.bound(authenticator)
    two, again, three = (claims_of(bench, bench.logged_in(authenticator, who)) for who in ("two", "two", "three"))
    assert two["sub"] == again["sub"] != three["sub"]
    times = {"iat", "exp", "auth_time"}
    ours = {"iss", "amr", "user_verified", "origin", "backup_eligible", "backed_up", "attested"}
    assert {name for name in two if two[name] == three[name]} <= ours | times


def test_a_key_that_the_authenticator_does_not_keep_is_found_by_its_subject(bench: PasskeyBench) -> None:
    authenticator = Authenticator(names_account=False)  # as without a resident key
    bench.bound(authenticator)
    subject = bench.bound(Authenticator(), bench.verdict("two"), "two")["subject"]  # of another account
    assert cause_of(bench, authenticator) is Cause.CREDENTIAL_OTHER, "the authenticator named no account"
    assert cause_of(bench, authenticator, subject=subject) is Cause.CREDENTIAL_OTHER
    mine = bench.registrations._accounts.subject(bench.passkeys.entries()[0].verification, "two")
    begun = bench.logins.begin("two", mine, ORIGIN)
    assert [each["id"] for each in begun["public_key"]["allowCredentials"]] == [
        authenticator.get({"challenge": "AA"})["id"]
    ]
    assert bench.logged_in(authenticator, subject=mine)["sub"] == mine


def test_a_subject_of_another_client_is_unknown(bench: PasskeyBench) -> None:
    authenticator = Authenticator()
    subject = bench.bound(authenticator)["subject"]
    begun = bench.logins.begin("two", subject, ORIGIN)
    listed = [each["id"] for each in begun["public_key"]["allowCredentials"]]
    assert listed
    assert authenticator.get({"challenge": "AA"})["id"] not in listed


def test_an_unknown_account_looks_like_a_known_one(bench: PasskeyBench) -> None:
    known = bench.bound(Authenticator())["subject"]
    unknown = "sub_" + "A" * len(known.removeprefix("sub_"))

    def shape(subject: str) -> dict[str, Any]:
        options = bench.logins.begin("one", subject, ORIGIN)["public_key"]
        return {name: type(value) for name, value in options.items()} | {"n": len(options["allowCredentials"])}

    assert shape(known) == shape(unknown)
    first, second = (bench.logins.begin("one", unknown, ORIGIN)["public_key"] for _ in range(2))
    assert first["allowCredentials"] == second["allowCredentials"], "asked twice, an invented account gives itself away"
    assert cause_of(bench, Authenticator(), "one", subject=unknown) is Cause.CREDENTIAL_UNKNOWN


def test_every_refusal_says_the_same(bench: PasskeyBench) -> None:
    said = set()
    bound = Authenticator()
    bench.bound(bound)
    copies = [Authenticator(credential=bound.credential, handle=bound.handle, count=50), Authenticator()]
    for authenticator in copies:
        with pytest.raises(PasskeyRefused) as caught:
            bench.logged_in(authenticator)
        said.add((caught.value.code, caught.value.sentence, caught.value.retry_after))
    assert len(said) == 1


def test_an_answer_counts_once_and_in_its_own_login(bench: PasskeyBench) -> None:
    authenticator = Authenticator(count=None)
    bench.bound(authenticator)
    first, second = (bench.logins.begin("two", None, ORIGIN) for _ in range(2))
    answer = authenticator.get(first["public_key"])
    with pytest.raises(PasskeyRefused):
        bench.logins.complete("two", second["id"], answer)
    with pytest.raises(ServiceProblem, match="before"):
        bench.logins.complete("three", first["id"], answer)
    bench.logins.complete("two", first["id"], answer)
    for begun in (first, second):
        with pytest.raises(ServiceProblem) as caught:
            bench.logins.complete("two", begun["id"], authenticator.get(begun["public_key"]))
        assert caught.value.code == "ceremony_lapsed"


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"origin": "https://evil.example"}, Cause.ORIGIN_OTHER),
        ({"origin": OTHER}, Cause.ORIGIN_OTHER),
        ({"cross_origin": True}, Cause.ORIGIN_OTHER),
        ({"party": "evil.example"}, Cause.RESPONSE_INVALID),
        ({"flags": FLAG.UP}, Cause.RESPONSE_INVALID),
        ({"flags": FLAG.UV}, Cause.RESPONSE_INVALID),
        ({"flags": FLAG.UP | FLAG.UV | FLAG.BE}, Cause.BACKUP_CHANGED),
        ({"handle": b"another account"}, Cause.CREDENTIAL_OTHER),
        ({"handle": None}, Cause.CREDENTIAL_OTHER),
        ({"key": Authenticator().key}, Cause.RESPONSE_INVALID),
        ({"credential": bytes(20)}, Cause.CREDENTIAL_UNKNOWN),
    ],
)
def test_a_signature_that_is_not_as_asked_is_refused(bench: PasskeyBench, change: dict[str, Any], cause: Cause) -> None:
    authenticator = Authenticator()
    bench.bound(authenticator)
    bench.logged_in(authenticator)
    for name, value in change.items():
        setattr(authenticator, name, value)
    assert cause_of(bench, authenticator) is cause
    assert bench.passkeys.entries()[0].state is PasskeyState.ACTIVE


def test_a_page_of_another_relying_party_cannot_collect_an_answer(bench: PasskeyBench) -> None:
    """It shows its visitor the challenge that it got from the other's login page."""
    authenticator = Authenticator()
    bench.bound(authenticator)
    tax = bench.logins.begin("tax", None, OTHER)
    with pytest.raises(PasskeyRefused) as caught:
        bench.logins.complete("tax", tax["id"], authenticator.get(tax["public_key"]))  # signed on ORIGIN
    assert caught.value.cause is Cause.ORIGIN_OTHER


def test_a_count_that_goes_back_suspends_the_passkey(bench: PasskeyBench) -> None:
    authenticator = Authenticator()
    made = bench.bound(authenticator)
    bench.logged_in(authenticator)
    authenticator.count -= 1  # type: ignore[operator]
    assert cause_of(bench, authenticator) is Cause.COUNT_WENT_BACK
    assert bench.passkeys.find(made["id"]).state is PasskeyState.SUSPENDED
    authenticator.count += 10  # type: ignore[operator]
    assert cause_of(bench, authenticator) is Cause.NOT_ACTIVE
    assert [entry["passkey"] for entry in bench.audit_events() if entry["event"] == "passkey_suspended"] == [made["id"]]
    assert bench.registrations.revoke(made["id"], None, "operator")


def test_an_answer_that_was_held_back_is_refused_and_suspends_nothing(bench: PasskeyBench) -> None:
    """A relying party keeps an answer until its holder has logged in elsewhere; two tabs of a browser do the same."""
    authenticator = Authenticator()
    made = bench.bound(authenticator)
    held = bench.logins.begin("two", None, ORIGIN)
    answer = authenticator.get(held["public_key"])
    for _ in range(3):
        bench.logged_in(authenticator, "three")
    with pytest.raises(PasskeyRefused) as caught:
        bench.logins.complete("two", held["id"], answer)
    assert caught.value.cause is Cause.ANSWERED_LATE
    assert bench.passkeys.find(made["id"]).state is PasskeyState.ACTIVE
    assert bench.logged_in(authenticator)["sub"]


def test_a_copy_that_answers_a_later_challenge_suspends_the_passkey(bench: PasskeyBench) -> None:
    """Also right after a login, after the older ceremonies were deleted, and beside one that is held back."""
    for clean in (False, True):
        authenticator = Authenticator()
        made = bench.bound(authenticator)
        copy = replace(authenticator)
        bench.logins.begin("two", None, ORIGIN)
        for _ in range(2):
            bench.logged_in(authenticator, "three")
        if clean:
            with bench.store.database.write() as connection:
                connection.execute(delete(CEREMONIES))
        assert cause_of(bench, copy) is Cause.COUNT_WENT_BACK
        assert bench.passkeys.find(made["id"]).state is PasskeyState.SUSPENDED


def test_a_copy_gains_nothing_from_a_challenge_that_it_asked_for_before(bench: PasskeyBench) -> None:
    authenticator = Authenticator()
    made = bench.bound(authenticator)
    copy = replace(authenticator)
    early = [bench.logins.begin("two", None, ORIGIN) for _ in range(2)]
    for _ in range(3):
        bench.logged_in(authenticator, "three")
    with pytest.raises(PasskeyRefused) as caught:
        bench.logins.complete("two", early[0]["id"], copy.get(early[0]["public_key"]))
    assert caught.value.cause is Cause.ANSWERED_LATE
    copy.count = authenticator.count - 1  # type: ignore[operator]
    with pytest.raises(PasskeyRefused) as caught:
        bench.logins.complete("two", early[1]["id"], copy.get(early[1]["public_key"]))
    assert caught.value.cause is Cause.COUNT_WENT_BACK, "no authenticator gives one count twice"
    assert bench.passkeys.find(made["id"]).state is PasskeyState.SUSPENDED


def test_who_has_no_key_cannot_suspend_a_passkey(bench: PasskeyBench) -> None:
    authenticator = Authenticator()
    made = bench.bound(authenticator)
    bench.logged_in(authenticator)
    forger = Authenticator(credential=authenticator.credential, handle=authenticator.handle, count=0)
    assert cause_of(bench, forger) is Cause.RESPONSE_INVALID
    assert bench.passkeys.find(made["id"]).state is PasskeyState.ACTIVE
    bench.logged_in(authenticator)


def test_an_authenticator_that_does_not_count_logs_in_again_and_again(bench: PasskeyBench) -> None:
    authenticator = Authenticator(count=None)
    bench.bound(authenticator)
    for _ in range(3):
        bench.logged_in(authenticator)


def test_backup_flags_are_reported(bench: PasskeyBench) -> None:
    authenticator = Authenticator(flags=FLAG.UP | FLAG.UV | FLAG.BE)
    assert bench.bound(authenticator)["backup_eligible"]
    assert not bench.logged_in(authenticator)["backed_up"]
    authenticator.flags |= FLAG.BS
    assert bench.logged_in(authenticator)["backed_up"]
    assert bench.passkeys.entries()[0].backed_up


def test_refusals_and_waiting_logins_are_bounded(tmp_path: Path) -> None:
    bench = PasskeyBench(passkey_settings(Settings(data_dir=tmp_path)), failures=3, waiting=3)
    for _ in range(3):
        cause_of(bench, Authenticator())
    with pytest.raises(ServiceProblem) as caught:
        bench.logins.begin("two", None, ORIGIN)
    assert (caught.value.code, caught.value.retry_after) == ("too_many_ceremonies", 600)
    for _ in range(3):
        bench.logins.begin("three", None, ORIGIN)
    with pytest.raises(ServiceProblem) as caught:
        bench.logins.begin("three", None, ORIGIN)
    assert (caught.value.code, caught.value.retry_after) == ("too_many_ceremonies", 300)


@pytest.mark.parametrize(
    "response", [{}, {"id": 7}, {"id": "é"}, {"id": "AA"}, {"id": "A" * 3000}, {"id": "AA", "response": 1}]
)
def test_an_answer_of_any_form_is_refused(bench: PasskeyBench, response: dict[str, Any]) -> None:
    authenticator = Authenticator(credential=b"\0")
    bench.bound(authenticator)
    begun = bench.logins.begin("two", None, ORIGIN)
    with pytest.raises(PasskeyRefused):
        bench.logins.complete("two", begun["id"], response)
