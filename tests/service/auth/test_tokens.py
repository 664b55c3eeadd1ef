"""Tokens of an issuer: valid and invalid ones, its keys, and an issuer that is slow or away."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from access_keys import bearer
from fakes import FakeVerifier, ask
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, OKPKey, RSAKey

from idproof.service.auth import tokens
from idproof.service.auth.tokens import Tokens
from idproof.service.errors import IssuerUnavailable, SettingsInvalid
from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings


class Issuer:
    """A token issuer: publishes its keys over HTTP, until it is switched off."""

    def __init__(self) -> None:
        self.keys = [RSAKey.generate_key(2048, {"kid": "one"})]
        self.asked = 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                body = json.dumps(KeySet(list(issuer.keys)).as_dict(private=False)).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks"

    def token(self, signing: Any = None, alg: str = "RS256", header: Any = None, **claims: Any) -> str:
        now = int(time.time())
        good = {"iss": "https://issuer", "aud": "idproof", "sub": "person", "iat": now, "exp": now + 300}
        good |= {"scope": "verdict:read other", "client_id": "backend"}
        signing = signing or self.keys[0]
        head = {"typ": "at+jwt", "alg": alg, "kid": signing.kid} | (header or {})
        head = {name: value for name, value in head.items() if value is not None}
        wanted = {name: value for name, value in (good | claims).items() if value is not None}
        return jwt.encode(head, wanted, signing, algorithms=[alg])


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def trusting(closed: Settings, issuer: Issuer) -> Any:
    told = {"oauth_issuer": "https://issuer", "oauth_audience": "idproof", "oauth_jwks_url": issuer.url}
    return create_app(closed.model_copy(update=told), FakeVerifier())


def status(app: Any, token: str) -> int:
    return ask(app, "GET", "/v1/verifications", headers=bearer(token)).status_code


def test_a_valid_bearer_token_is_accepted(trusting: Any, issuer: Issuer) -> None:
    assert status(trusting, issuer.token()) == 200
    assert status(trusting, issuer.token(scope=None, scp=["verdict:read"])) == 200
    assert status(trusting, issuer.token(scope="verify:write")) == 403
    assert status(trusting, issuer.token(client_id="x" * 500)) == 200
    assert issuer.asked == 1  # the keys are kept for a while


def test_a_client_with_a_long_name_shares_its_verdicts_with_no_other(issuer: Issuer) -> None:
    checked = Tokens("https://issuer", "idproof", issuer.url)
    long = checked.find(issuer.token(client_id="https://client.example/" + "x" * 80))
    assert long is not None
    assert len(long.id) <= 64
    same_digits = checked.find(issuer.token(client_id=long.id.rpartition(":")[2]))
    assert same_digits is not None
    assert same_digits.id != long.id


def test_the_client_of_a_token_is_the_one_it_was_issued_to_and_never_its_subject(issuer: Issuer) -> None:
    checked = Tokens("https://issuer", "idproof", issuer.url)
    found = [
        checked.find(issuer.token(sub="oauth:other", client_id="backend")),
        checked.find(issuer.token(sub="person", client_id=None, azp="backend")),
        checked.find(issuer.token(sub=None, azp="backend")),
    ]
    assert [client and client.id for client in found] == ["oauth:backend"] * 3


@pytest.mark.parametrize(
    ("accepted", "typ"),
    [
        ("at+jwt", "application/AT+JWT"),
        ("at+jwt", "At+JWT"),
        ("JWT", "JWT"),
        ("application/at+jwt", "at+jwt"),
        ("Application/At+Jwt", "application/at+jwt"),
    ],
)
def test_the_type_of_a_token_is_a_media_type(issuer: Issuer, accepted: str, typ: str) -> None:
    checked = Tokens("https://issuer", "idproof", issuer.url, accepted)
    assert checked.find(issuer.token(header={"typ": typ})) is not None


def test_a_scope_that_is_no_text_grants_nothing(trusting: Any, issuer: Issuer) -> None:
    assert status(trusting, issuer.token(scope=[{}, "verdict:read"])) == 200
    assert status(trusting, issuer.token(scope=[{}])) == 403


def test_an_invalid_token_is_refused(trusting: Any, issuer: Issuer) -> None:
    now = int(time.time())
    public = json.dumps(issuer.keys[0].as_dict(private=False)).encode()
    other = RSAKey.generate_key(2048, {"kid": "one"})
    wrong = [
        issuer.token(iss="https://another"),
        issuer.token(aud="another"),
        issuer.token(exp=now - 60),
        issuer.token(exp=None),
        issuer.token(iss=None),
        issuer.token(client_id=None),  # a `sub` is no client
        issuer.token(client_id=None, sub="backend"),
        issuer.token(client_id=7),
        issuer.token(client_id=""),
        issuer.token(azp="another"),  # the two name different clients
        issuer.token(header={"typ": None}),
        issuer.token(header={"typ": "JWT"}),  # an ID token
        issuer.token(header={"typ": "logout+jwt"}),
        issuer.token(nbf=now + 600),
        issuer.token(other),
        issuer.token(OctKey.import_key(public), "HS256", {"kid": "one"}),
        issuer.token() + "x",
        "a.b.c",
        "e30.e30.",
        "eyJhbGciOiJub25lIn0.e30.",
        "x" * 9000,
    ]
    assert [status(trusting, token) for token in wrong] == [401] * len(wrong)
    assert ask(trusting, "GET", "/v1/verifications", headers={"Authorization": "Basic eDp5"}).status_code == 401


def test_a_new_key_of_the_issuer_is_fetched_after_a_while(issuer: Issuer) -> None:
    now = [1000.0]
    checked = Tokens("https://issuer", "idproof", issuer.url, clock=lambda: now[0])
    assert checked.find(issuer.token()) is not None
    issuer.keys.append(OKPKey.generate_key("Ed25519", {"kid": "two"}))
    fresh = issuer.token(issuer.keys[1], "EdDSA")
    assert checked.find(fresh) is None  # the keys were read a moment ago
    assert issuer.asked == 1
    now[0] += tokens.RETRY_S + 1
    assert checked.find(fresh) is not None


def test_the_issuers_old_keys_are_used_for_an_hour_while_it_is_away(issuer: Issuer) -> None:
    now = [1000.0]
    checked = Tokens("https://issuer", "idproof", issuer.url, clock=lambda: now[0])
    assert checked.find(issuer.token()) is not None
    issuer.server.shutdown()
    issuer.server.server_close()
    now[0] += tokens.STALE_S
    assert checked.find(issuer.token()) is not None
    now[0] += 1
    with pytest.raises(IssuerUnavailable):
        checked.find(issuer.token())


def test_no_token_is_checked_while_the_issuer_cannot_be_reached(trusting: Any, issuer: Issuer) -> None:
    issuer.server.shutdown()
    issuer.server.server_close()
    answer = ask(trusting, "GET", "/v1/verifications", headers=bearer(issuer.token()))
    assert (answer.status_code, answer.json()["code"]) == (503, "issuer_unavailable")


def test_a_valid_token_is_accepted_among_failures_and_while_a_slow_issuer_is_asked(
    trusting: Any, issuer: Issuer, closed: Settings
) -> None:
    for _ in range(65):
        status(trusting, "a.b.c")
    assert status(trusting, issuer.token()) == 200

    now, entered, released = [1000.0], threading.Event(), threading.Event()
    checked = Tokens("https://issuer", "idproof", issuer.url, clock=lambda: now[0])
    assert checked.find(issuer.token()) is not None
    read = checked._read

    def slow() -> None:
        entered.set()
        assert released.wait(30)
        read()

    checked._read = slow  # type: ignore[method-assign]
    now[0] += tokens.RETRY_S + 1
    with ThreadPoolExecutor(2) as pool:
        bad = pool.submit(checked.find, issuer.token(RSAKey.generate_key(2048, {"kid": "other"})))
        assert entered.wait(30)
        good = pool.submit(checked.find, issuer.token())
        try:
            assert good.result(10) is not None
        finally:
            released.set()
        assert bad.result(30) is None


@pytest.mark.parametrize("half", [{"oauth_issuer": "https://x"}, {"tls_cert": "cert.pem"}, {"tls_client_ca": "ca.pem"}])
def test_incomplete_issuer_settings_are_refused(half: dict[str, str]) -> None:
    with pytest.raises(SettingsInvalid, match="belong"):
        Settings.load(**half)
