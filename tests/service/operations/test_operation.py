"""Metrics, traces, readiness, several workers, and the files for deployment."""

import asyncio
import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import FILES, FakeVerifier, ask
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from production import complete
from server_process import start, stop

from idproof.service.auth import Scope
from idproof.service.auth.api_keys import ApiKeys
from idproof.service.errors import SettingsInvalid, StoreUnavailable
from idproof.service.http.app import create_app
from idproof.service.operations import telemetry
from idproof.service.operations.metrics import Metrics
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import KeyRing
from idproof.service.storage import Database, VerdictStore

ROOT = Path(__file__).parents[3]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", session_required=False)


def values(text: str) -> dict[str, float]:
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_metrics_count_by_code_and_never_by_person(settings: Settings) -> None:
    app = create_app(settings, FakeVerifier())
    for _ in range(2):
        ask(app, "POST", "/v1/verifications", files=FILES)
    ask(app, "GET", "/v1/verifications/A123456(3)")
    ask(app, "GET", "/A123456(3)")
    text = ask(app, "GET", "/metrics").text
    found = values(text)
    assert found['idproof_decisions_total{decision="refer"}'] == 2
    assert found['idproof_reasons_total{reason="face_similarity_low"}'] == 2
    assert found['idproof_stage_seconds_count{stage="capture"}'] == 2
    assert found['idproof_requests_total{method="POST",route="/v1/verifications",status="201"}'] == 2
    assert found['idproof_requests_total{method="any",route="none",status="404"}'] == 1
    assert (found["idproof_places_taken"], found["idproof_places"]) == (0, 33)
    assert found['idproof_outbox{state="dead"}'] == 0
    assert 'idproof_guard{guard="no_core_dumps"}' in found
    assert "A123456" not in text
    assert "ver_" not in text


def test_a_client_adds_no_numbers_with_methods_and_paths_of_its_own(settings: Settings) -> None:
    app = create_app(settings, FakeVerifier())

    async def flood() -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            for number in range(200):
                for path in ("/healthz", "/v1/verifications", f"/{number}", f"/v1/verifications/{number}/x"):
                    await client.request(f"M{number}", path)

    asyncio.run(flood())
    text = ask(app, "GET", "/metrics").text
    requests = [line for line in text.splitlines() if line.startswith("idproof_requests_total")]
    assert len(requests) == 3, requests
    assert values(text)['idproof_requests_total{method="other",route="/healthz",status="405"}'] == 200
    assert len(text) < 64 * 1024


def test_metrics_are_rendered_off_the_event_loop(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    render = Metrics.render

    def recorded(*arguments: Any) -> bytes:
        threads.append(threading.current_thread())
        return render(*arguments)

    monkeypatch.setattr(Metrics, "render", recorded)
    assert ask(create_app(settings, FakeVerifier()), "GET", "/metrics").status_code == 200
    assert [thread is threading.main_thread() for thread in threads] == [False]


def test_every_metric_of_the_dashboard_exists(settings: Settings) -> None:
    app = create_app(settings, FakeVerifier())
    ask(app, "POST", "/v1/verifications", files=FILES)
    text = ask(app, "GET", "/metrics").text
    known = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE)) | {"idproof_deliveries", "idproof_deliveries_total"}
    board = json.loads((ROOT / "service" / "operations" / "grafana.json").read_text())
    asked = {
        name for panel in board["panels"] for t in panel["targets"] for name in re.findall(r"idproof_\w+", t["expr"])
    }
    assert len(asked) >= 8
    assert {re.sub("_bucket$", "", name) for name in asked} <= known


def test_metrics_are_readable_while_the_database_is_down(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = settings.model_copy(update={"anonymous": False})
    app = create_app(strict, FakeVerifier())
    keys = ApiKeys(VerdictStore.open(strict, KeyRing(strict).current.sealing).database)
    key, unused = (keys.create(name, [Scope.METRICS_READ, Scope.VERDICT_READ]) for name in ("scraper", "unused"))

    def get(path: str, with_key: str) -> httpx.Response:
        return ask(app, "GET", path, headers={"X-API-Key": with_key})

    assert "idproof_database_up 1.0" in get("/metrics", key).text

    @contextmanager
    def unreachable(*_: object) -> Iterator[None]:
        raise StoreUnavailable("The database cannot be read.")
        yield

    monkeypatch.setattr(Database, "read", unreachable)
    during = get("/metrics", key)
    assert during.status_code == 200
    assert "idproof_database_up 0.0" in during.text
    assert 'idproof_requests_total{method="GET",route="/metrics",status="200"}' in during.text
    assert get("/metrics", unused).status_code == 503  # never confirmed by the database
    assert get("/v1/verifications", key).status_code == 503
    monkeypatch.setattr("idproof.service.auth.access._CONFIRMED_S", 0.0)
    assert get("/metrics", key).status_code == 503


def test_a_revoked_key_reads_no_metrics_in_a_later_outage(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = settings.model_copy(update={"anonymous": False})
    app = create_app(strict, FakeVerifier())
    keys = ApiKeys(VerdictStore.open(strict, KeyRing(strict).current.sealing).database)
    headers = {"X-API-Key": keys.create("scraper", [Scope.METRICS_READ])}
    assert ask(app, "GET", "/metrics", headers=headers).status_code == 200
    assert keys.revoke(keys.entries()[0].id)
    assert ask(app, "GET", "/metrics", headers=headers).status_code == 401

    def unreachable(*_: object) -> None:
        raise StoreUnavailable("The database cannot be read.")

    monkeypatch.setattr(Database, "read", unreachable)
    assert ask(app, "GET", "/metrics", headers=headers).status_code == 503


def test_a_trace_has_stages_and_a_decision_and_no_payload(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(telemetry.trace, "get_tracer", provider.get_tracer)
    app = create_app(settings, FakeVerifier())
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    given = ask(app, "POST", "/v1/verifications", files=FILES, headers=headers).json()
    made = {span.name: span for span in spans.get_finished_spans()}
    assert made.keys() == {"verification", *given["timings_ms"]}
    whole = made["verification"]
    assert f"{whole.context.trace_id:032x}" == trace_id
    assert dict(whole.attributes or {}) == {"idproof.verification": given["id"], "idproof.decision": "refer"}
    for stage in given["timings_ms"]:
        assert made[stage].parent.span_id == whole.context.span_id  # type: ignore[union-attr]
        assert not made[stage].attributes


def test_an_endpoint_for_traces_without_the_sdk_is_an_error_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry.configure(Settings())
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingsInvalid, match="telemetry"):
        telemetry.configure(Settings(otlp_endpoint="http://127.0.0.1:1/v1/traces"))


def test_a_service_without_audit_log_or_guard_is_not_ready(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(settings, FakeVerifier())
    assert ask(app, "GET", "/readyz").json()["status"] == "ready"
    settings.audit_head.rename(settings.audit_head.with_suffix(".moved"))
    answer = ask(app, "GET", "/readyz")
    assert (answer.status_code, answer.json()["checks"]["audit"]) == (503, False)
    settings.audit_head.with_suffix(".moved").rename(settings.audit_head)
    strict = create_app(Settings.load(**complete(settings.data_dir.parent)), FakeVerifier())
    monkeypatch.setattr("idproof.service.http.app.guards.missing", lambda: ("no_core_dumps",))
    answer = ask(strict, "GET", "/readyz")
    assert (answer.status_code, answer.json()["checks"]["guards"]) == (503, False)


def test_a_killed_worker_is_replaced_while_the_other_serves(tmp_path: Path) -> None:
    running, process = start(tmp_path, more=("--workers", "2"))
    try:
        first, second = wait_for_workers(2, process.pid)
        assert httpx.post(f"{running.url}/v1/capture-sessions").status_code == 201
        os.kill(first, signal.SIGKILL)
        assert second in wait_for_workers(2, process.pid, without=first)
        assert httpx.post(f"{running.url}/v1/capture-sessions").status_code == 201
        text = httpx.get(f"{running.url}/metrics").text
        assert 'route="/v1/capture-sessions"' in text
    finally:
        stop(process)


def wait_for_workers(wanted: int, parent: int, without: int | None = None) -> list[int]:
    """The server processes, once so many live; a single reading of the kernel's list may miss one."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        living = [worker for worker in workers(parent) if worker != without]
        if len(living) == wanted:
            return living
        time.sleep(0.2)
    raise AssertionError(f"{wanted} workers were wanted, and {workers(parent)} are there")


def workers(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in _command(child)]


def _command(process: str) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def test_the_compose_file_names_existing_files_and_settings() -> None:
    from yaml import safe_load

    described: dict[str, Any] = safe_load((ROOT / "compose.yaml").read_text())
    service = described["services"]["idproof"]
    assert (ROOT / "Dockerfile").exists()
    assert service["environment"] == {"IDPROOF_SECRETS_DIR": "/run/secrets"}
    assert service["secrets"] == ["idproof_database_url"]
    assert "secrets/" in (ROOT / ".gitignore").read_text().split()
