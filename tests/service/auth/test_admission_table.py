"""Route × scope × proxy: who is admitted where, tried on every route and held to the table in docs/http.md."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import FakeVerifier
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from idproof.service.auth import Scope
from idproof.service.auth.api_keys import ApiKeys
from idproof.service.auth.clients import FOR_STAFF
from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import Keys
from idproof.service.storage import VerdictStore

PAGE = Path(__file__).parents[3] / "docs" / "http.md"
HEADER = (
    "| request | scope | no key, `--anonymous` | no key, forwarded | no key, trusted proxy | another scope |"
    " its scope |\n"
    "| --- | --- | --- | --- | --- | --- | --- |\n"
)
NOT_HTTP = {"/v1/stream", "/openapi.json"}
"""The stream has keys of its own; the description is public and the framework's own route."""
WAYS: Mapping[str, tuple[str, str, dict[str, str]]] = {
    # Address of the peer, trusted proxies, headers.
    "direct": ("127.0.0.1", "", {}),
    "forwarded": ("127.0.0.1", "", {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https"}),
    "trusted": ("127.0.0.1", "127.0.0.1", {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}),
}
PLACES = {"{name:path}": "kiosk.css", "{name}": "start.js", "{verification_id}": "ver_" + "0" * 26}
_CLASSES = {401: "401", 403: "403"}


def scope_of(route: APIRoute) -> Scope | None:
    scopes = [scope for part in route.dependant.dependencies if (scope := getattr(part.call, "scope", None))]
    return scopes[0] if scopes else None


def requests(routes: list[BaseRoute]) -> list[tuple[str, str, Scope | None]]:
    """Method, path and scope of every route."""
    http = [route for route in routes if isinstance(route, APIRoute)]
    assert {getattr(route, "path", "") for route in routes if route not in http} == NOT_HTTP
    return [(method, route.path, scope_of(route)) for route in http for method in sorted(route.methods)]


def answers(folder: Path, way: str, *, with_keys: bool) -> dict[tuple[str, str], list[str]]:
    """Answers to each request: without a key, or with the keys of another and of its own scope."""
    peer, trusted, headers = WAYS[way]
    settings = Settings(
        data_dir=folder / f"{way}-{with_keys}", anonymous=True, trusted_proxies=trusted, rate_per_minute=100_000
    )
    app: Any = create_app(settings, FakeVerifier())
    keys: dict[Scope, str] = {}
    if with_keys:
        made = ApiKeys(VerdictStore.open(settings, Keys.open(settings).sealing).database)
        keys = {scope: made.create(scope.value, [scope]) for scope in Scope}

    async def run() -> dict[tuple[str, str], list[str]]:
        found: dict[tuple[str, str], list[str]] = {}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=(peer, 1234)), base_url="http://127.0.0.1"
        ) as client:
            for method, path, scope in requests(app.routes):
                place = path
                for name, value in PLACES.items():
                    place = place.replace(name, value)
                wanted = [None] if not with_keys else [[key for key in Scope if key is not scope], [scope]]
                for scopes in wanted:
                    seen = set()
                    for entry in scopes or [None]:
                        credential = {} if entry is None else {"Authorization": f"Bearer {keys[entry]}"}
                        answer = await client.request(method, place, headers=headers | credential)
                        seen.add(_CLASSES.get(answer.status_code, "admitted"))
                    assert len(seen) == 1, (method, path, scopes, seen)
                    found.setdefault((method, path), []).append(seen.pop())
        return found

    return asyncio.run(run())


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], list[str]]:
    """Five answers of each request: the columns of the table."""
    folder = tmp_path_factory.mktemp("admission")
    without = [answers(folder, way, with_keys=False) for way in WAYS]
    direct, *others = (answers(folder, way, with_keys=True) for way in WAYS)
    assert others == [direct, direct], "with a key the way makes no difference"
    return {request: [*(way[request][0] for way in without), *direct[request]] for request in direct}


def table(measured: Mapping[tuple[str, str], list[str]], scopes: Mapping[tuple[str, str], Scope | None]) -> str:
    rows = []
    for (method, path), cells in sorted(measured.items(), key=lambda entry: (entry[0][1], entry[0][0])):
        scope = scopes[method, path]
        rows.append(f"| `{method} {path}` | {f'`{scope}`' if scope else 'public'} | {' | '.join(cells)} |")
    return HEADER + "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def scopes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Scope | None]:
    app = create_app(Settings(data_dir=tmp_path_factory.mktemp("routes")), FakeVerifier())  # type: ignore[arg-type]
    return {(method, path): scope for method, path, scope in requests(app.routes)}


def test_every_route_admits_its_scope_and_nobody_else_by_any_way(
    measured: dict[tuple[str, str], list[str]], scopes: dict[tuple[str, str], Scope | None]
) -> None:
    for request, cells in measured.items():
        scope = scopes[request]
        if scope is None:
            expected = ["admitted"] * 5
        else:
            # Permits, counters and reviews are for staff, who have keys.
            alone = "403" if scope in FOR_STAFF else "admitted"
            expected = [alone, "401", "401", "403", "admitted"]
        assert cells == expected, request
    assert len(measured) >= 15


def test_the_page_has_the_table(
    measured: dict[tuple[str, str], list[str]], scopes: dict[tuple[str, str], Scope | None]
) -> None:
    wanted = table(measured, scopes)
    assert wanted in PAGE.read_text(encoding="utf-8"), wanted
