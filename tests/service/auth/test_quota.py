"""Limits of one client: requests, failures by credential and address, and registrations at once."""

import asyncio
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from access_keys import bearer, key
from fakes import FILES, FakeVerifier, ask, serving

from idproof.service.auth import quota as quota_module
from idproof.service.auth.clients import Scope
from idproof.service.auth.quota import Quota
from idproof.service.http.app import create_app
from idproof.service.operations import server
from idproof.service.operations.settings import Settings


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
