"""Access control: every route with every scope, valid and invalid keys and tokens, and the limits of one client."""

import asyncio
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from certificates import certificate
from commands import Ended, idproof
from fakes import FILES, FakeVerifier, ask, serving
from fastapi.routing import APIRoute
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, OKPKey, RSAKey
from production import complete
from sqlalchemy import select, update

from idproof.service.auth import quota as quota_module
from idproof.service.auth import tokens
from idproof.service.auth.api_keys import ApiKeys
from idproof.service.auth.clients import Scope
from idproof.service.auth.quota import Quota
from idproof.service.auth.tokens import Tokens
from idproof.service.errors import IssuerUnavailable, SettingsInvalid
from idproof.service.http.app import create_app
from idproof.service.http.connections import BoundedProtocol
from idproof.service.operations import server
from idproof.service.operations.networks import is_loopback
from idproof.service.operations.server import _tls
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import Keys
from idproof.service.storage import Database, VerdictStore
from idproof.service.storage.schema import API_KEYS

PUBLIC = {
    "/healthz",
    "/readyz",
    "/.well-known/jwks.json",
    "/v1/privacy",
    "/v1/schemas/verdict.json",
    "/kiosk",
    "/kiosk/operators",
    "/kiosk/static/{name:path}",
    "/docs",
    "/docs/files/{name}",
}
PLACES = {"{name:path}": "kiosk.css", "{name}": "start.js", "{verification_id}": "ver_" + "0" * 26}


_numbers = count()


@pytest.fixture
def closed(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", anonymous=False, session_required=False)


def key(settings: Settings, *scopes: Scope, client: str | None = None) -> str:
    """A key of this client, or of a client that has no other key."""
    store = VerdictStore.open(settings, Keys.open(settings).sealing)
    return ApiKeys(store.database).create(client or f"client {next(_numbers)}", scopes)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def guarded(app: Any) -> list[tuple[str, str, Scope]]:
    """Every route that is not public, with the scope that it says it needs."""
    found = []
    for route in app.routes:
        if isinstance(route, APIRoute) and route.path not in PUBLIC:
            scopes = [getattr(part.call, "scope", None) for part in route.dependant.dependencies]
            (scope,) = [scope for scope in scopes if scope is not None]
            found += [(method, route.path, scope) for method in sorted(route.methods)]
    return found


def test_every_route_admits_its_scope_and_no_other(closed: Settings) -> None:
    app = create_app(closed.model_copy(update={"rate_per_minute": 10_000}), FakeVerifier())
    routes = guarded(app)
    assert {path for _, path, _ in routes} >= {"/v1/capture-sessions", "/v1/verifications"}
    assert {scope for _, _, scope in routes} >= set(Scope) - {Scope.METRICS_READ}
    keys = {scope: key(closed, scope) for scope in Scope}
    for method, path, needed in routes:
        place = path.replace("{verification_id}", PLACES["{verification_id}"])
        answer = ask(app, method, place)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), path
        assert answer.headers["www-authenticate"].startswith("Bearer")
        for scope in Scope:
            answer = ask(app, method, place, headers=bearer(keys[scope]))
            if scope is needed:
                assert answer.status_code not in (401, 403), (method, path, scope)
            else:
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (method, path, scope)
                assert needed in answer.json()["detail"]


def test_public_routes_need_no_key(closed: Settings) -> None:
    app = create_app(closed, FakeVerifier())
    for route in app.routes:
        if isinstance(route, APIRoute) and route.path in PUBLIC:
            place = route.path
            for name, value in PLACES.items():
                place = place.replace(name, value)
            assert ask(app, "GET", place).status_code == 200


def test_a_client_reads_its_own_verdicts_and_an_admin_all(closed: Settings) -> None:
    app = create_app(closed, FakeVerifier())
    both = (Scope.VERIFY_WRITE, Scope.VERDICT_READ)
    one, two = bearer(key(closed, *both)), bearer(key(closed, *both))
    admin = bearer(key(closed, Scope.VERDICT_READ, Scope.ADMIN))
    place = ask(app, "POST", "/v1/verifications", files=FILES, headers=one).headers["location"]
    assert [ask(app, "GET", place, headers=who).status_code for who in (one, two, admin)] == [200, 404, 200]
    seen = [len(ask(app, "GET", "/v1/verifications", headers=who).json()["items"]) for who in (one, two, admin)]
    assert seen == [1, 0, 1]


def test_a_key_is_stored_as_a_hash_and_ends_when_revoked_or_expired(on_either: Settings) -> None:
    store = VerdictStore.open(on_either, Keys.open(on_either).sealing)
    keys = ApiKeys(store.database)
    made = keys.create("backend", [Scope.ADMIN])
    assert keys.find(made).scopes == {Scope.ADMIN}  # type: ignore[union-attr]
    with store.database.read() as connection:
        row = connection.execute(select(API_KEYS)).one()
    assert made.split("_", 2)[2].encode() not in row.hash
    assert made.split("_", 2)[2] not in str(row)
    for wrong in (made[:-1], made[:-1] + "!", "idp_", "idp_x_y", f"idp_{row.id}_"):
        assert keys.find(wrong) is None
    assert keys.revoke(row.id)
    assert not keys.revoke(row.id)
    assert keys.find(made) is None
    old = keys.create("old", [Scope.ADMIN], days=1)
    assert keys.find(old) is not None
    with store.database.write() as connection:
        connection.execute(update(API_KEYS).values(expires_at="2020-01-01T00:00:00+00:00"))
    assert keys.find(old) is None


def test_the_key_commands_create_list_and_revoke(tmp_path: Path) -> None:
    def key(*arguments: str) -> Ended:
        return idproof("key", *arguments, "--data-dir", tmp_path)

    made = key("create", "--name", "backend", "--scope", "verify:write", "--scope", "session:write").stdout.strip()
    assert ApiKeys(Database.open(Settings(data_dir=tmp_path))).find(made) is not None
    listed = key("list").stdout
    assert "backend  session:write verify:write" in listed
    assert made.split("_", 2)[2] not in listed
    assert key("revoke", made.split("_")[1]).stdout == "revoked\n"
    again = key("revoke", made.split("_")[1])
    assert (again.returncode, again.stdout) == (1, "no valid key has this id\n")
    other = key("create", "--name", "other", "--scope", "verify:write").stdout.strip()
    assert key("revoke", f"idp_{other.split('_')[1]}").stdout == "revoked\n"
    assert ApiKeys(Database.open(Settings(data_dir=tmp_path))).find(other) is None
    assert "everything is not one of" in key("create", "--name", "x", "--scope", "everything").stderr


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


def test_a_client_over_its_rate_limit_gets_retry_after(closed: Settings) -> None:
    app = create_app(closed.model_copy(update={"rate_per_minute": 3}), FakeVerifier())
    one, two = bearer(key(closed, Scope.VERDICT_READ)), bearer(key(closed, Scope.VERDICT_READ))
    answers = [ask(app, "GET", "/v1/verifications", headers=one) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 2
    assert answers[-1].json()["code"] == "rate_limited"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 61
    assert ask(app, "GET", "/v1/verifications", headers=two).status_code == 200


def test_answers_say_how_many_requests_are_left(closed: Settings) -> None:
    app = create_app(closed.model_copy(update={"rate_per_minute": 3}), FakeVerifier())
    who = bearer(key(closed, Scope.VERDICT_READ))
    answers = [ask(app, method, "/v1/verifications", headers=who) for method in ("GET", "POST", "GET", "GET")]
    assert [answer.status_code for answer in answers] == [200, 403, 200, 429]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"client";q=3;w=60'}
    left = [re.fullmatch(r'"client";r=(\d);t=(\d+)', answer.headers["ratelimit"]) for answer in answers]
    assert [found and found[1] for found in left] == ["2", "1", "0", "0"]
    assert left[-1] is not None
    assert left[-1][2] == answers[-1].headers["retry-after"]
    failed = ask(app, "GET", "/v1/verifications", headers=bearer("idp_x_y"))
    assert failed.headers["ratelimit-policy"] == '"failures";q=60;w=60'
    assert failed.headers["ratelimit"].startswith('"failures";r=59;t=')
    assert "ratelimit" not in ask(app, "GET", "/healthz").headers


def test_failures_from_one_address_are_limited_and_never_refuse_a_valid_key(closed: Settings) -> None:
    app = create_app(closed, FakeVerifier())
    wrong = [
        ask(app, "GET", "/v1/verifications", headers=bearer(f"idp_x_{n}") if n % 2 else {}).status_code
        for n in range(65)
    ]
    assert wrong == [401] * 60 + [429] * 5
    good, narrow = bearer(key(closed, Scope.VERDICT_READ)), bearer(key(closed, Scope.METRICS_READ))
    assert ask(app, "GET", "/v1/verifications", headers=good).status_code == 200
    assert ask(app, "GET", "/v1/verifications", headers=narrow).status_code == 403


def test_failures_with_one_credential_are_limited_from_everywhere_and_never_refuse_the_key(closed: Settings) -> None:
    app = create_app(closed, FakeVerifier())
    made = key(closed, Scope.VERDICT_READ)
    key_id = made.split("_")[1]

    async def send(number: int, credential: str) -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(f"198.51.100.{number}", 1234))
        async with httpx.AsyncClient(transport=transport, base_url="http://idproof") as client:
            return await client.get("/v1/verifications", headers=bearer(credential))

    async def all_of_them() -> list[int]:
        guesses = [await send(number, f"idp_{key_id}_{number}") for number in range(61)]
        later = [await send(200, f"idp_other_{key_id}"), await send(201, made)]
        return [answer.status_code for answer in (guesses[0], guesses[59], guesses[60], *later)]

    assert asyncio.run(all_of_them()) == [401, 401, 429, 401, 200]


def test_a_limiter_keeps_nothing_of_names_that_are_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    quota, now = Quota(600, 32), [0.0]
    monkeypatch.setattr(quota_module, "monotonic", lambda: now[0])
    for number in range(500):
        quota.failed(f"2001:db8:{number:x}::1", f"key{number}")
        now[0] += 1
    assert len(quota._counted) <= 124  # of the last minute
    assert len(quota._limiter.storage.events) <= 124  # type: ignore[attr-defined]
    monkeypatch.setattr(quota_module, "_MOST_NAMES", 50)
    quota.failed("198.51.100.7")
    assert len(quota._counted) == 50


def test_a_valid_key_without_the_scope_counts_against_its_client_and_not_its_address(closed: Settings) -> None:
    app = create_app(closed.model_copy(update={"rate_per_minute": 70}), FakeVerifier())
    narrow = bearer(key(closed, Scope.METRICS_READ))
    answers = [ask(app, "GET", "/v1/verifications", headers=narrow).status_code for _ in range(71)]
    assert answers == [403] * 70 + [429]
    assert ask(app, "GET", "/v1/verifications").status_code == 401


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


def addresses(settings: Settings, peer: str, forwarded: str) -> list[int]:
    """Statuses of requests without a key: 60 of one `X-Forwarded-For` from a peer, then one of another."""
    app = create_app(settings, FakeVerifier())

    async def send(value: str) -> int:
        transport = httpx.ASGITransport(app, client=(peer, 1234))
        async with httpx.AsyncClient(transport=transport, base_url="http://idproof") as client:
            return (await client.get("/v1/verifications", headers={"X-Forwarded-For": value})).status_code

    async def all_of_them() -> list[int]:
        first = [await send(forwarded) for _ in range(61)]
        return [first[0], first[-1], await send("203.0.113.9")]

    return asyncio.run(all_of_them())


@pytest.mark.parametrize(
    ("trusted", "peer", "statuses"),
    [
        ("", "127.0.0.1", [401, 429, 429]),  # the header is ignored, also from the machine itself
        ("", "10.0.0.5", [401, 429, 429]),
        ("10.0.0.5, 10.1.0.0/16", "10.0.0.5", [401, 429, 401]),
        ("10.0.0.5, 10.1.0.0/16", "10.1.2.3", [401, 429, 401]),
        ("10.0.0.5, 10.1.0.0/16", "127.0.0.1", [401, 429, 429]),
        ("10.0.0.5, 10.1.0.0/16", "10.2.0.1", [401, 429, 429]),
    ],
)
def test_forwarded_addresses_are_believed_only_from_trusted_proxies(
    closed: Settings, trusted: str, peer: str, statuses: list[int]
) -> None:
    settings = Settings.load(data_dir=closed.data_dir, anonymous=False, trusted_proxies=trusted)
    assert addresses(settings, peer, "198.51.100.7") == statuses


def test_a_client_cannot_choose_its_address_in_front_of_a_trusted_proxy(closed: Settings) -> None:
    settings = Settings.load(data_dir=closed.data_dir, trusted_proxies="10.0.0.5")  # and anonymous is allowed otherwise
    app = create_app(settings, FakeVerifier())

    async def send(spoofed: str) -> int:
        transport = httpx.ASGITransport(app, client=("10.0.0.5", 1234))
        async with httpx.AsyncClient(transport=transport, base_url="http://idproof") as client:
            headers = {"X-Forwarded-For": f"{spoofed}, 198.51.100.7"}  # as the proxy appends it
            return (await client.get("/v1/verifications", headers=headers)).status_code

    async def all_of_them() -> list[int]:
        return [await send(f"192.0.2.{number}") for number in range(61)]

    assert asyncio.run(all_of_them()) == [401] * 60 + [429]


def test_the_server_itself_believes_no_forwarded_address(closed: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {}
    monkeypatch.setattr(server, "application", lambda *_: None)
    monkeypatch.setattr(server.uvicorn, "run", lambda _app, **given: options.update(given))
    server.run(closed, "127.0.0.1", 0)
    assert options["proxy_headers"] is False


def test_one_client_cannot_use_every_slot(closed: Settings) -> None:
    greedy = closed.model_copy(update={"client_concurrency": 1, "queue": 8})
    one, two = bearer(key(closed, Scope.VERIFY_WRITE)), bearer(key(closed, Scope.VERIFY_WRITE))
    gate, inside = threading.Event(), threading.Event()

    def act() -> None:
        inside.set()
        assert gate.wait(60)

    with serving(greedy, FakeVerifier(act)) as (host, port), ThreadPoolExecutor(2) as pool:

        def post(who: dict[str, str]) -> int:
            return httpx.post(
                f"http://{host}:{port}/v1/verifications", files=FILES, headers=who, timeout=60
            ).status_code

        first = pool.submit(post, one)
        assert inside.wait(60)
        other = pool.submit(post, two)
        assert post(one) == 429
        gate.set()
        assert (first.result(60), other.result(60)) == (201, 201)
        assert post(one) == 201


def test_anonymous_clients_are_refused_in_production_and_on_other_addresses(tmp_path: Path) -> None:
    settings = Settings.load(**complete(tmp_path))
    assert ask(create_app(settings, FakeVerifier()), "POST", "/v1/capture-sessions").status_code == 401
    hosts = {"127.0.0.1": True, "::1": True, "localhost": True, "0.0.0.0": False, "10.0.0.7": False, "idproof": False}
    assert {host: is_loopback(host) for host in hosts} == hosts


@pytest.mark.parametrize("half", [{"oauth_issuer": "https://x"}, {"tls_cert": "cert.pem"}, {"tls_client_ca": "ca.pem"}])
def test_incomplete_issuer_settings_are_refused(half: dict[str, str]) -> None:
    with pytest.raises(SettingsInvalid, match="belong"):
        Settings.load(**half)


@contextmanager
def bounded(settings: Settings) -> Iterator[int]:
    """The port of a server as `idproof serve` sets it up for the outside."""
    with serving(settings, FakeVerifier(), http=BoundedProtocol, timeout_keep_alive=1, **_tls(settings)) as (_, port):
        yield port


def test_tls_requires_a_client_certificate_where_configured(tmp_path: Path) -> None:
    authority = certificate(tmp_path, "ca")
    for name in ("server", "client"):
        certificate(tmp_path, name, authority)
    certificate(tmp_path, "stranger")
    files = {"tls_cert": tmp_path / "server.pem", "tls_key": tmp_path / "server.key"}
    settings = Settings(data_dir=tmp_path / "data", tls_client_ca=tmp_path / "ca.pem", **files)
    with bounded(settings) as port:
        url = f"https://127.0.0.1:{port}/healthz"
        trust = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        with pytest.raises(httpx.TransportError):
            httpx.get(url, verify=trust)
        trust.load_cert_chain(tmp_path / "stranger.pem", tmp_path / "stranger.key")
        with pytest.raises(httpx.TransportError):
            httpx.get(url, verify=trust)
        trust.load_cert_chain(tmp_path / "client.pem", tmp_path / "client.key")
        answer = httpx.get(url, verify=trust)
        assert answer.status_code == 200
        assert "max-age" in answer.headers["strict-transport-security"]


def test_a_client_that_never_finishes_the_request_head_is_disconnected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedProtocol, "head_s", 0.4)
    with bounded(Settings(data_dir=tmp_path / "data")) as port:
        for sent in (b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                started = time.monotonic()
                client.sendall(sent)
                assert client.recv(100) == b""
                assert time.monotonic() - started < 5
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:  # a second request on one connection
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += client.recv(1000)
            client.sendall(b"GET /healthz HT")
            started = time.monotonic()
            assert client.recv(1000) == b""
            assert time.monotonic() - started < 0.9  # sooner than the limit between requests
