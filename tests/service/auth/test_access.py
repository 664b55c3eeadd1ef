"""Access: every route with every scope, without a key, and what each client reads."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from access_keys import bearer, key
from fakes import FILES, FakeVerifier, ask
from fastapi.routing import APIRoute
from production import complete

from idproof.service.auth.api_keys import ApiKeys
from idproof.service.auth.clients import Client, Scope
from idproof.service.http.app import create_app
from idproof.service.operations.networks import is_loopback
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import Keys
from idproof.service.storage import VerdictStore

PUBLIC = {
    "/healthz",
    "/readyz",
    "/.well-known/jwks.json",
    "/v1/privacy",
    "/v1/schemas/verdict.json",
    "/kiosk",
    "/kiosk/operators",
    "/capture",
    "/kiosk/static/{name:path}",
    "/capture/static/version.json",
    "/capture/static/{name:path}",
    "/counter",
    "/counter/static/{name:path}",
    "/review",
    "/review/static/{name:path}",
    "/docs",
    "/docs/files/{name}",
}
OF_WALLETS = ("/.well-known/o", "/v1/credential-issuance/", "/v1/credential-status/", "/v1/presentation-requests/")
"""Beginnings of paths of OpenID4VCI and OpenID4VP: they need secrets of an offer or request in place of a key."""
PLACES = {"{name:path}": "main.js", "{name}": "start.js", "{verification_id}": "ver_" + "0" * 26}


def guarded(app: Any) -> list[tuple[str, str, Scope]]:
    """Every route that is not public, with the scope that it says it needs."""
    found = []
    for route in app.routes:
        if isinstance(route, APIRoute) and route.path not in PUBLIC and not route.path.startswith(OF_WALLETS):
            scopes = [getattr(part.call, "scope", None) for part in route.dependant.dependencies]
            (scope,) = [scope for scope in scopes if scope is not None]
            found += [(method, route.path, scope) for method in sorted(route.methods)]
    return found


def test_every_route_admits_its_scope_and_no_other(closed: Settings) -> None:
    app = create_app(closed.model_copy(update={"rate_per_minute": 10_000}), FakeVerifier())
    routes = guarded(app)
    assert {path for _, path, _ in routes} >= {"/v1/capture-sessions", "/v1/verifications"}
    widening = {Scope.METRICS_READ, Scope.VERDICT_READ_ALL}  # `/metrics` is not among these routes; the other widens
    assert {scope for _, _, scope in routes} >= set(Scope) - widening
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
            place = route.path.replace("/capture/static/{name:path}", "/capture/static/idproof-capture.js")
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


def test_anonymous_clients_are_refused_in_production_and_on_other_addresses(tmp_path: Path) -> None:
    settings = Settings.load(**complete(tmp_path))
    assert ask(create_app(settings, FakeVerifier()), "POST", "/v1/capture-sessions").status_code == 401
    hosts = {"127.0.0.1": True, "::1": True, "localhost": True, "0.0.0.0": False, "10.0.0.7": False, "idproof": False}
    assert {host: is_loopback(host) for host in hosts} == hosts


def test_a_client_is_admitted_while_guesses_wait_for_the_database(
    closed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More guesses than the process has threads, and a database that answers none of them."""
    held, app = threading.Event(), create_app(closed, FakeVerifier())
    known, new = key(closed, Scope.VERDICT_READ), key(closed, Scope.VERDICT_READ)
    find = ApiKeys.find

    def slow(keys: ApiKeys, presented: str) -> Client | None:
        if "guess" in presented:
            held.wait(20)
        return find(keys, presented)

    monkeypatch.setattr(ApiKeys, "find", slow)

    async def run() -> tuple[int, int, set[int]]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=30) as client:

            async def status(token: str) -> int:
                return (await client.get("/v1/verifications", headers=bearer(token))).status_code

            assert await status(known) == 200
            flood = [asyncio.ensure_future(status(f"idp_guess{number}_x")) for number in range(60)]
            await asyncio.sleep(0.2)
            try:
                admitted = await asyncio.wait_for(status(known), 5)
            finally:
                held.set()
            return admitted, await status(new), set(await asyncio.gather(*flood))

    admitted, first_time, refused = asyncio.run(run())
    assert (admitted, first_time) == (200, 200)
    assert refused <= {401, 429}


def test_an_admitted_key_is_looked_up_again_each_time(closed: Settings) -> None:
    """Its lane is remembered, not its validity."""
    app, token = create_app(closed, FakeVerifier()), key(closed, Scope.VERDICT_READ)
    assert ask(app, "GET", "/v1/verifications", headers=bearer(token)).status_code == 200
    keys = ApiKeys(VerdictStore.open(closed, Keys.open(closed).sealing).database)
    assert keys.revoke(token.split("_")[1])
    assert ask(app, "GET", "/v1/verifications", headers=bearer(token)).status_code == 401
