"""Presentations that do not hold, and whoever sends them: nothing is accepted, twice, or told to the wallet."""

import base64
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fakes import ask
from presentation_desk import Answer, Counter, forged, opened, published, refused
from presenting_wallets import PresentingWallet, Request, checked_request, encrypted, for_another
from wallets import ISSUER, new_key, present, present_document

from idproof.service.credentials import mdoc
from idproof.service.credentials.credential import StatusReference, Validity
from idproof.service.credentials.encoding import (
    from_base64url,
    read_cbor,
    read_json,
    to_base64url,
    write_cbor,
    write_json,
)

SD_JWT, MDOC = "identity_sd_jwt", "identity_mdoc"
BOTH = pytest.mark.parametrize("query", [SD_JWT, MDOC])


@BOTH
def test_a_presentation_for_another_request_or_verifier_is_refused(
    shared: Counter, holder: PresentingWallet, query: str
) -> None:
    def relayed(**changed: Any) -> str:
        return refused(shared, holder, lambda w, r: w.send(r, w.vp_token(for_another(r, **changed), query)))

    of_sd_jwt = query == SD_JWT
    assert relayed(nonce="of another request") == ("nonce_wrong" if of_sd_jwt else "holder_proof_invalid")
    assert relayed(client_id="x509_hash:another") == ("audience_wrong" if of_sd_jwt else "holder_proof_invalid")
    if not of_sd_jwt:  # the transcript also has the address, and the key of the encryption
        assert relayed(response_uri="https://evil.example/response") == "holder_proof_invalid"
        key = {"jwks": {"keys": [new_key().as_dict(private=False)]}}
        assert relayed(client_metadata=key) == "holder_proof_invalid"


@BOTH
def test_another_key_than_the_holder_s_is_refused(shared: Counter, holder: PresentingWallet, query: str) -> None:
    def thief(wallet: PresentingWallet, request: Request) -> httpx.Response:
        credential, _ = wallet.wallet.copies[query][0]
        make = present if query == SD_JWT else present_document
        return wallet.send(request, {query: [make(credential, new_key(), request.audience, request.asked(query))]})

    assert refused(shared, holder, thief) == "holder_proof_invalid"


@BOTH
def test_a_response_is_taken_once(shared: Counter, holder: PresentingWallet, query: str) -> None:
    asked = shared.ask()
    request = holder.open(asked["link"])
    shown = holder.vp_token(request, query)
    assert holder.send(request, shown).status_code == 200
    again = holder.send(request, shown)
    assert (again.status_code, again.json()["code"]) == (410, "presentation_lapsed")
    # Replay: the same presentation for a later question.
    code = refused(shared, holder, lambda w, r: w.send(r, shown))
    assert code == ("nonce_wrong" if query == SD_JWT else "holder_proof_invalid")


def test_a_response_that_does_not_hold_is_taken_once_too(shared: Counter, holder: PresentingWallet) -> None:
    asked = shared.ask()
    request = holder.open(asked["link"])
    assert holder.send(request, {SD_JWT: ["junk"]}).status_code == 400
    assert holder.send(request, holder.vp_token(request, SD_JWT)).json()["code"] == "presentation_lapsed"


def test_a_request_is_fetched_once(shared: Counter, holder: PresentingWallet) -> None:
    asked = shared.ask()
    request = holder.open(asked["link"])
    again = holder.fetch(asked["link"])
    assert (again.status_code, again.json()["code"]) == (410, "presentation_lapsed")
    assert holder.send(request, holder.vp_token(request, SD_JWT)).status_code == 200


def test_a_look_at_a_request_does_not_use_it_up(shared: Counter, holder: PresentingWallet) -> None:
    asked = shared.ask()
    place = urlsplit(parse_qs(urlsplit(asked["link"]).query)["request_uri"][0]).path
    looked = ask(shared.http.app, "HEAD", place)
    assert (looked.status_code, looked.headers["allow"]) == (405, "GET, POST")
    assert shared.state(asked)["state"] == "open"
    assert holder.answer(asked["link"]).status_code == 200


def test_a_wallet_s_nonce_is_in_the_request_that_was_made_for_it(shared: Counter, holder: PresentingWallet) -> None:
    asked = shared.ask()
    for wrong in ("", "two words", "x" * 257, "é"):
        assert holder.fetch_with_nonce(asked["link"], wallet_nonce=wrong, other="x").status_code in (200, 400)
        if shared.state(asked)["state"] != "open":
            asked = shared.ask()  # an empty one is none
    answer = holder.fetch_with_nonce(asked["link"], wallet_nonce="of-this-wallet")
    client_id = parse_qs(urlsplit(asked["link"]).query)["client_id"][0]
    request = checked_request(answer.text, client_id)
    assert request.claims["wallet_nonce"] == "of-this-wallet"
    assert request.claims["client_metadata"]["client_name#zh-Hant"] == "範例圖書館"
    again = holder.fetch_with_nonce(asked["link"], wallet_nonce="of-another")
    assert (again.status_code, again.json()["code"]) == (410, "presentation_lapsed")
    assert holder.send(request, holder.vp_token(request, SD_JWT)).status_code == 200


def test_no_response_reaches_a_request_that_nobody_fetched(shared: Counter, holder: PresentingWallet) -> None:
    asked = shared.ask()
    secret = asked["page"].split("/")[-2]
    answer = shared.http.post(f"/v1/presentation-requests/{secret}/response", data={"vp_token": "{}"})
    assert answer.status_code == 404
    assert shared.state(asked)["state"] == "open"


def test_expired_credentials_are_refused(shared: Counter, holder: PresentingWallet) -> None:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    past = int((midnight - timedelta(days=1)).timestamp())
    assert refused(shared, holder, forged(shared, holder, iat=past - 86_400, exp=past)) == "credential_expired"
    future = int((midnight + timedelta(days=2)).timestamp())
    assert refused(shared, holder, forged(shared, holder, iat=future)) == "credential_not_yet_valid"
    assert refused(shared, holder, forged(shared, holder, vct="other")) == "credential_type_wrong"


@pytest.mark.parametrize("value", [b"bytes", float("nan"), float("inf"), {1: b"x"}, [read_cbor(b"\xf7")]])
def test_values_that_json_does_not_have_are_refused(shared: Counter, holder: PresentingWallet, value: Any) -> None:
    """Of an issuer that is trusted: what it signs must not end in an error of ours either."""
    credential, key = holder.wallet.copies[MDOC][0]
    security = read_cbor(read_cbor(read_cbor(from_base64url(credential))["issuerAuth"][2]).value)
    status = StatusReference.read(security["status"])
    validity = Validity.of_day(datetime.now(UTC), 5)
    identity = shared.issuer.issuance.identity
    odd = mdoc.issue({"over_18": value}, identity, key, validity, status)

    def answer(wallet: PresentingWallet, request: Request) -> httpx.Response:
        return wallet.send(request, {MDOC: [present_document(odd, key, request.audience, ["over_18"])]})

    assert refused(shared, holder, answer, claims=["over_18"]) == "credential_malformed"


def test_claims_that_were_not_disclosed_or_changed_are_refused(shared: Counter, holder: PresentingWallet) -> None:
    def withheld(query: str) -> Answer:
        return lambda w, r: w.send(r, w.vp_token(r, query, names=["over_18"]))

    for query in (SD_JWT, MDOC):
        assert refused(shared, holder, withheld(query)) == "credential_claim_missing"

    def changed(wallet: PresentingWallet, request: Request) -> httpx.Response:
        (shown,) = wallet.vp_token(request, SD_JWT)[SD_JWT]
        issued, disclosure, *rest = shown.split("~")
        salt, name, _ = read_json(from_base64url(disclosure))
        return wallet.send(
            request, {SD_JWT: ["~".join([issued, to_base64url(write_json([salt, name, False])), *rest])]}
        )

    assert refused(shared, holder, changed) == "credential_changed"


def test_one_credential_of_the_query_answers(shared: Counter, holder: PresentingWallet) -> None:
    def of(make: Callable[[dict[str, Any]], Any]) -> str:
        return refused(shared, holder, lambda w, r: w.send(r, make(w.vp_token(r, SD_JWT) | w.vp_token(r, MDOC))))

    wrong: list[Callable[[dict[str, Any]], Any]] = [
        lambda both: both,
        lambda both: {SD_JWT: both[SD_JWT] * 2},
        lambda both: {SD_JWT: both[SD_JWT] + both[MDOC]},
        lambda both: {SD_JWT: both[MDOC]},
        lambda both: {MDOC: both[SD_JWT]},
        lambda both: {"other": both[SD_JWT]},
        lambda both: {SD_JWT: both[SD_JWT][0]},
        lambda both: {SD_JWT: [{"credential": both[SD_JWT][0]}]},
        lambda both: both[SD_JWT][0],
        lambda both: [both],
        lambda both: {},
    ]
    assert {of(make) for make in wrong} == {"credential_malformed"}
    only = refused(
        shared, holder, lambda w, r: w.send(r, {MDOC: ["x"]}), formats=["dc+sd-jwt"]
    )  # a format that was not asked for
    assert only == "credential_malformed"


def test_two_documents_in_one_response_are_refused(shared: Counter, holder: PresentingWallet) -> None:
    def twice(wallet: PresentingWallet, request: Request) -> httpx.Response:
        (shown,) = wallet.vp_token(request, MDOC)[MDOC]
        content = read_cbor(from_base64url(shown))
        content["documents"] *= 2
        return wallet.send(request, {MDOC: [to_base64url(write_cbor(content))]})

    assert refused(shared, holder, twice) == "credential_malformed"


@pytest.mark.parametrize(
    "changed",
    [
        {"enc": "A192GCM"},
        {"alg": "ECDH-ES+A256KW"},
        {"kid": "another"},
        {"zip": "DEF"},
        {"jku": "https://evil.example/keys"},
        {"crit": ["exp"]},
        {"epk": "x"},
        {"epk": {"kty": "EC", "crv": "P-256", "x": to_base64url(bytes(32)), "y": to_base64url(bytes(32))}},
        {"alg": "dir"},
        {"alg": "none"},
        {"alg": None},
    ],
)
def test_the_encryption_of_a_response_is_the_one_that_was_asked_for(
    shared: Counter, holder: PresentingWallet, changed: dict[str, Any]
) -> None:
    def answer(wallet: PresentingWallet, request: Request) -> httpx.Response:
        assert request.key is not None
        body = {"vp_token": wallet.vp_token(request, SD_JWT), "state": request.claims["state"]}
        try:
            assert "epk" not in changed, "the library writes its own"
            text = encrypted(body, request.key, **changed)
        except Exception:  # noqa: BLE001 - the library does not write such a header: only the header is wrong then
            head, *rest = encrypted(body, request.key).split(".")
            head = to_base64url(write_json(read_json(from_base64url(head)) | changed))
            text = ".".join([head, *rest])
        return wallet.post(request, {"response": text})

    assert refused(shared, holder, answer) == "credential_malformed"


def test_a_response_in_the_clear_is_refused_where_it_must_be_encrypted(
    shared: Counter, holder: PresentingWallet
) -> None:
    def plain(wallet: PresentingWallet, request: Request) -> httpx.Response:
        token = json.dumps(wallet.vp_token(request, SD_JWT))
        return wallet.post(request, {"vp_token": token, "state": request.claims["state"]})

    assert refused(shared, holder, plain) == "credential_malformed"


def test_a_response_of_another_state_is_refused(shared: Counter, holder: PresentingWallet) -> None:
    for state in ("another", None, 1, "\ud800", ["x"]):
        answer: Answer = lambda w, r, s=state: w.send(r, w.vp_token(r, SD_JWT), state=s)  # type: ignore[misc] # noqa: E731
        assert refused(shared, holder, answer) in ("nonce_wrong", "credential_malformed")
    # Neither does whoever only knows the address decline for the holder.
    assert refused(shared, holder, lambda w, r: w.post(r, {"error": "access_denied"})) == "nonce_wrong"


DEEP = "[" * 50_000 + "]" * 50_000
BODIES: dict[str, Callable[[Request], dict[str, str]]] = {
    "nothing": lambda _: {"x": "y"},
    "not a token": lambda _: {"response": "x"},
    "five empty parts": lambda _: {"response": "...."},
    "padding": lambda r: {"response": "e30=" + encrypted({}, r.key or {})[4:]},
    "a list": lambda r: {"response": encrypted([], r.key or {})},  # type: ignore[arg-type]
    "deep CBOR": lambda r: _of(r, MDOC, to_base64url(b"\x81" * 20_000 + b"\x00")),
    "a long byte string": lambda r: _of(r, MDOC, to_base64url(bytes.fromhex("5b7fffffffffffffff") + b"x")),
    "a large map": lambda r: _of(r, MDOC, to_base64url(bytes.fromhex("bb7fffffffffffffff"))),
    "a large number": lambda r: _of(r, MDOC, to_base64url(b"\xc2\x59\x20\x00" + b"\xff" * 8192)),
    "many disclosures": lambda r: _of(r, SD_JWT, "a.b.c~" + "e30~" * 10_000),
    "many points": lambda r: _of(r, SD_JWT, "." * 30_000),
}


def _of(request: Request, query: str, text: str) -> dict[str, str]:
    body = {"vp_token": {query: [text]}, "state": request.claims["state"]}
    return {"response": encrypted(body, request.key or {})}


@pytest.mark.parametrize("name", BODIES)
def test_hostile_bodies_end_in_a_refusal(shared: Counter, holder: PresentingWallet, name: str) -> None:
    assert refused(shared, holder, lambda w, r: w.post(r, BODIES[name](r))) in ("credential_malformed", "nonce_wrong")


def test_oversized_and_doubled_bodies_are_refused(tmp_path: Any) -> None:
    with opened(tmp_path, presentation_response="direct_post") as counter:
        wallet = counter.wallet()
        for token in (
            DEEP[:20_000],
            '{"identity_sd_jwt": [], "identity_sd_jwt": []}',
            "NaN",
            '{"a": 1e999}',
            "1" * 5000,
        ):
            answer: Answer = lambda w, r, t=token: w.post(r, {"vp_token": t, "state": r.claims["state"]})  # type: ignore[misc] # noqa: E731
            assert refused(counter, wallet, answer) == "credential_malformed", token[:20]
        request = wallet.open(counter.ask()["link"])
        place = urlsplit(request.claims["response_uri"]).path
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        large = counter.http.post(place, content=b"vp_token=" + b"x" * 100_000, headers=form)
        assert (large.status_code, large.json()["code"]) == (413, "upload_too_large")
        for content, kind in ((b"state=a&state=b", form), (b"{}", {"Content-Type": "application/json"})):
            assert counter.http.post(place, content=content, headers=kind).status_code == 400
        # None of them was a response: the holder's own is still taken.
        assert wallet.send(request, wallet.vp_token(request, SD_JWT)).status_code == 200


def test_another_client_sees_nothing(tmp_path: Any) -> None:
    from idproof.service.auth import Scope
    from idproof.service.auth.api_keys import ApiKeys

    with opened(tmp_path) as counter:
        wallet = counter.wallet()
        keys = ApiKeys(counter.store.database)
        mine, other, admin = (
            {"Authorization": f"Bearer {keys.create(name, scopes)}"}
            for name, scopes in (
                ("mine", [Scope.PRESENTATION_WRITE]),
                ("other", [Scope.PRESENTATION_WRITE]),
                ("admin", [Scope.PRESENTATION_WRITE, Scope.ADMIN]),
            )
        )
        body = {"claims": ["over_18"], "keeps_days": 0, "purpose": {"en": "x", "zh-Hant": "x", "zh-Hans": "x"}}
        asked = counter.http.post("/v1/presentations", json=body, headers=mine).json()
        assert wallet.answer(asked["link"]).status_code == 200
        place = f"/v1/presentations/{asked['id']}"
        for who in (other, admin):
            assert counter.http.get(place, headers=who).status_code == 404
            assert counter.http.get(f"{place}/receipt", headers=who).status_code == 404
            assert counter.http.post(f"{place}/claims", json={}, headers=who).status_code == 404
            assert counter.http.delete(place, headers=who).status_code == 404
        assert counter.http.post(f"{place}/claims", json={}, headers=mine).status_code == 200


def test_guesses_at_addresses_are_limited(tmp_path: Any) -> None:
    with opened(tmp_path) as counter:
        answers = {counter.http.get(f"/v1/presentation-requests/guess{n}").status_code for n in range(70)}
        assert answers == {404, 429}


def test_the_certificate_of_a_request_is_the_verifier_s(shared: Counter, holder: PresentingWallet) -> None:
    """Does a wallet's own check: the key named by the client id signed the request, which names no other place."""
    request = holder.open(shared.ask()["link"])
    header = read_json(from_base64url(request.token.split(".")[0]))
    assert len(header["x5c"]) == 1, "without the root"
    assert base64.b64decode(header["x5c"][0])
    assert request.claims["response_uri"].startswith("https://library.example/v1/presentation-requests/")
    assert request.claims["exp"] > time.time()
    assert "redirect_uri" not in request.claims
    assert published(shared.issuer, f"{ISSUER}/v1/credential-status/1").status_code == 200
