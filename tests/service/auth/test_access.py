"""Access: every route with every scope, without a key, and what each client reads."""

from pathlib import Path
from typing import Any

from access_keys import bearer, key
from fakes import FILES, FakeVerifier, ask
from fastapi.routing import APIRoute
from production import complete

from idproof.service.auth.clients import Scope
from idproof.service.http.app import create_app
from idproof.service.operations.networks import is_loopback
from idproof.service.operations.settings import Settings

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


def test_anonymous_clients_are_refused_in_production_and_on_other_addresses(tmp_path: Path) -> None:
    settings = Settings.load(**complete(tmp_path))
    assert ask(create_app(settings, FakeVerifier()), "POST", "/v1/capture-sessions").status_code == 401
    hosts = {"127.0.0.1": True, "::1": True, "localhost": True, "0.0.0.0": False, "10.0.0.7": False, "idproof": False}
    assert {host: is_loopback(host) for host in hosts} == hosts
