"""Requests that a page of another site could make a visitor's browser send, and callers without a key."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import FILES, FakeVerifier, ask
from sqlalchemy import select

from idproof.service.auth import Scope
from idproof.service.auth.api_keys import ApiKeys
from idproof.service.errors import SettingsInvalid
from idproof.service.http.app import create_app
from idproof.service.http.origins import host_name
from idproof.service.operations import server
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import Keys
from idproof.service.storage import VerdictStore
from idproof.service.storage.schema import SESSIONS

OPEN_SESSION = "/v1/capture-sessions"
FOREIGN = "https://attacker.example"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", session_required=False, allowed_hosts="idproof.example, 10.1.2.3")


@pytest.fixture
def app(settings: Settings) -> Any:
    return create_app(settings, FakeVerifier())


def sessions(settings: Settings) -> int:
    store = VerdictStore.open(settings, Keys.open(settings).sealing)
    with store.database.read() as connection:
        return len(connection.execute(select(SESSIONS.c.id)).all())


def code(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        # What a page of another site can send without asking.
        ({"origin": FOREIGN, "content-type": "text/plain"}, b"{}", (403, "origin_foreign")),
        ({"origin": FOREIGN}, b"", (403, "origin_foreign")),
        ({"origin": "null", "content-type": "text/plain"}, b"{}", (403, "origin_foreign")),
        ({"origin": "http://127.0.0.1.attacker.example"}, b"", (403, "origin_foreign")),
        ({"origin": "http://127.0.0.1:9999"}, b"", (403, "origin_foreign")),  # another service of this machine
        ({"origin": "http://[bad"}, b"", (403, "origin_foreign")),
        ({"origin": "http://[127.0.0.1]"}, b"", (403, "origin_foreign")),
        ({"origin": "file://127.0.0.1"}, b"", (403, "origin_foreign")),
        ({"sec-fetch-site": "cross-site"}, b"", (403, "origin_foreign")),
        ({"content-type": "text/plain"}, b"{}", (415, "content_type_unsupported")),
        ({"content-type": "text/plain;charset=application/json"}, b"{}", (415, "content_type_unsupported")),
        ({"content-type": "application/x-www-form-urlencoded"}, b"{}", (415, "content_type_unsupported")),
        ({"content-type": "multipart/form-data; boundary=x"}, b"{}", (415, "content_type_unsupported")),
        ({"content-type": "text/plain"}, b"", (415, "content_type_unsupported")),
        ({}, b"{}", (415, "content_type_unsupported")),
        # The service's own page, and programs.
        ({"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"}, b"", (201, None)),
        ({"origin": "https://idproof.example", "content-type": "application/json"}, b"{}", (201, None)),
        ({"content-type": "application/json; charset=utf-8"}, b"{}", (201, None)),
        ({}, b"", (201, None)),
    ],
)
def test_no_page_of_another_site_opens_a_session(
    app: Any, settings: Settings, headers: dict[str, str], body: bytes, expected: tuple[int, str | None]
) -> None:
    assert code(ask(app, "POST", OPEN_SESSION, headers=headers, content=body)) == expected
    assert sessions(settings) == (expected[0] == 201)


def test_no_page_of_another_site_sends_captures_or_erases(app: Any) -> None:
    headers = {"origin": FOREIGN}
    assert code(ask(app, "POST", "/v1/verifications", files=FILES, headers=headers)) == (403, "origin_foreign")
    assert code(ask(app, "DELETE", "/v1/verifications/x", headers=headers)) == (403, "origin_foreign")
    assert ask(app, "GET", "/v1/verifications", headers=headers).status_code == 200  # its page cannot read it
    assert ask(app, "POST", "/v1/verifications", files=FILES).status_code == 201


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("attacker.example", "/v1/verifications", 421),
        ("attacker.example:8000", "/kiosk", 421),
        ("127.0.0.1.attacker.example", "/v1/verifications", 421),
        ("idproof.example.attacker.example", "/v1/verifications", 421),
        ("", "/v1/verifications", 421),
        ("10.1.2.4", "/v1/verifications", 421),
        ("10.1.2.4", "/healthz", 200),  # an orchestrator asks by address
        ("10.1.2.4", "/readyz", 200),
        ("10.1.2.3:8443", "/v1/privacy", 200),
        ("IDPROOF.example.", "/v1/privacy", 200),
        ("localhost:8000", "/v1/privacy", 200),
        ("[::1]:8000", "/v1/privacy", 200),
    ],
)
def test_the_service_answers_under_its_own_names_only(app: Any, host: str, path: str, status: int) -> None:
    assert ask(app, "GET", path, headers={"host": host}).status_code == status


def test_an_absolute_target_names_the_host_too(app: Any) -> None:
    async def send() -> int:
        sent: list[Any] = []
        scope = {
            "type": "http",
            "method": "GET",
            "path": "http://attacker.example/v1/privacy",
            "raw_path": b"http://attacker.example/v1/privacy",
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "scheme": "http",
            "http_version": "1.1",
        }

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def remember(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, remember)
        return int(sent[0]["status"])

    assert asyncio.run(send()) == 421


@pytest.mark.parametrize("wrong", ["*", "https://idproof.example", "idproof.example:443", "*.example", "a b"])
def test_names_of_hosts_are_names(wrong: str) -> None:
    with pytest.raises(SettingsInvalid, match="IDPROOF_ALLOWED_HOSTS"):
        Settings.load(allowed_hosts=wrong)


@pytest.mark.parametrize(
    ("host", "name"), [("a.b:1", "a.b"), ("[::1]:8", "::1"), ("[::1", "::1"), ("A.", "a"), ("", ""), (":80", "")]
)
def test_the_name_of_a_host(host: str, name: str) -> None:
    assert host_name(host) == name


def reached(app: Any, peer: str = "127.0.0.1", **headers: str) -> int:
    async def send() -> int:
        transport = httpx.ASGITransport(app, client=(peer, 1234))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return (await client.get("/v1/verifications", headers=named)).status_code

    return asyncio.run(send())


def test_callers_without_a_key_are_served_only_when_the_operator_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IDPROOF_ANONYMOUS")
    assert reached(create_app(Settings(data_dir=tmp_path / "one"), FakeVerifier())) == 401
    assert reached(create_app(Settings(data_dir=tmp_path / "two", anonymous=True), FakeVerifier())) == 200


@pytest.mark.parametrize(
    "header",
    ["x_forwarded_for", "forwarded", "x_real_ip", "x_forwarded_proto", "x_forwarded_host", "via", "cf_connecting_ip"],
)
def test_a_forwarded_request_needs_a_key(app: Any, header: str) -> None:
    assert reached(app) == 200
    assert reached(app, **{header: "127.0.0.1"}) == 401


def test_a_request_from_another_machine_or_to_another_name_needs_a_key(app: Any) -> None:
    assert reached(app, "10.1.2.3") == 401
    assert reached(app, host="idproof.example") == 401
    assert reached(app, "::1", host="[::1]:8000") == 200


def test_nobody_is_served_without_a_key_once_one_exists(app: Any, settings: Settings) -> None:
    assert reached(app) == 200
    keys = ApiKeys(VerdictStore.open(settings, Keys.open(settings).sealing).database)
    made = keys.create("backend", [Scope.VERDICT_READ])  # by another process
    assert reached(app) == 401
    assert reached(app, authorization=f"Bearer {made}") == 200
    assert keys.revoke(made.split("_")[1])
    assert reached(app) == 401
    assert reached(create_app(settings, FakeVerifier())) == 401


def test_an_issuer_of_tokens_is_as_good_as_a_key(tmp_path: Path) -> None:
    issuer = {"oauth_issuer": "https://issuer", "oauth_audience": "idproof", "oauth_jwks_url": "https://issuer/jwks"}
    assert reached(create_app(Settings(data_dir=tmp_path, **issuer), FakeVerifier())) == 401  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("host", "more", "named"),
    [
        ("0.0.0.0", {"anonymous": True}, "IDPROOF_ANONYMOUS"),
        ("127.0.0.1", {"anonymous": True, "production": True}, "IDPROOF_ANONYMOUS"),
        ("0.0.0.0", {"production": True, "tls_by_proxy": True}, "IDPROOF_ALLOWED_HOSTS"),
    ],
)
def test_a_service_that_would_admit_too_many_does_not_start(
    tmp_path: Path, host: str, more: dict[str, Any], named: str
) -> None:
    settings = Settings(data_dir=tmp_path, **({"anonymous": False} | more))
    with pytest.raises(SettingsInvalid, match=named):
        server.run(settings, host, 0)


def test_a_service_of_one_machine_answers_under_the_names_of_that_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    monkeypatch.setattr(server, "application", lambda settings, *_: names.append(settings.allowed_hosts))
    monkeypatch.setattr(server.uvicorn, "run", lambda *_, **__: None)
    server.run(Settings(data_dir=tmp_path), "127.0.0.1", 0)
    server.run(Settings(data_dir=tmp_path, anonymous=False, tls_by_proxy=True), "0.0.0.0", 0)
    server.run(Settings(data_dir=tmp_path, allowed_hosts="idproof.example"), "127.0.0.1", 0)
    assert names == ["localhost", "", "idproof.example"]


def test_threads_that_ask_at_once_agree(app: Any, settings: Settings) -> None:
    """The memory of whether a key exists is shared by all requests."""
    ApiKeys(VerdictStore.open(settings, Keys.open(settings).sealing).database).create("backend", [Scope.VERDICT_READ])
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(reached(app))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [401] * 4
