"""Runs the application under uvicorn, with logs that hold no personal data."""

import asyncio.constants
import gc
import json
import logging
import os
import ssl
import sys
import tempfile
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import cv2
import structlog
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from idproof.pipeline import Verifier
from idproof.pipeline.executors import processors
from idproof.pipeline.vault import hardening
from idproof.service.errors import SettingsInvalid, log_error
from idproof.service.http import connection_limit
from idproof.service.http.app import create_app
from idproof.service.http.connection_limit import ACCEPTED_AT_ONCE
from idproof.service.http.connections import BoundedProtocol
from idproof.service.http.web_sockets import BoundedWebSocket
from idproof.service.operations import cluster, hardware, process, production, telemetry
from idproof.service.operations.metrics import SHARED_FOLDER
from idproof.service.operations.networks import is_loopback, parse_proxies
from idproof.service.operations.policy import build_policy
from idproof.service.operations.settings import Settings
from idproof.service.operations.workers import serve_workers
from idproof.service.presentations.app import create_presentation_app
from idproof.service.records import open_records
from idproof.service.stream.chain import HEAD_BYTES, STILL_BYTES

# Times in seconds, chosen by hand; no outside source.
_DRAIN_S = 30
_KEEP_ALIVE_S = 15
_HEALTH_CHECK_S = 60  # a worker that loads its networks on a busy machine answers late, and must not be killed for it
_PING_S, _PONG_S = 4, 8
_TLS_HANDSHAKE_S = 10.0
_HEAD_BYTES = 16 * 1024
"""Of a request: twice the longest token. Chosen by hand; each connection may hold as many."""
WEBSOCKET_OPTIONS: dict[str, Any] = {
    "ws": BoundedWebSocket,
    "ws_max_size": STILL_BYTES + HEAD_BYTES,
    "ws_ping_interval": _PING_S,
    "ws_ping_timeout": _PONG_S,
    # Encoded pictures do not shrink, and a compressor would keep a window of them in memory.
    "ws_per_message_deflate": False,
}
"""uvicorn's options for devices that stream."""
_SETTINGS, _HOST, _PORT = "IDPROOF_WORKER_SETTINGS", "IDPROOF_WORKER_HOST", "IDPROOF_WORKER_PORT"


def run(settings: Settings, host: str, port: int, workers: int = 1) -> None:
    """Loads the networks and serves until a signal stops it; running requests are finished first.

    Args:
        settings: of the service.
        host: address to listen on.
        port: to listen on.
        workers: number of server processes, each with networks of its own; one that dies is replaced.
    """
    production.require_complete(settings, host)
    _require_keys(settings, host)
    if settings.sandbox and find_spec("skimage") is None:
        raise SettingsInvalid("The sandbox renders its applicants, which needs idproof with the extra specimen.")
    _warn_without_tls(settings, host)
    _warn_of_unattested_devices(settings)
    settings = _with_host_names(settings, host).on_processors(processors.available(), workers)
    if workers > 1 and settings.executor == "ray" and settings.ray_address is None:
        raise SettingsInvalid("Several server processes share a cluster only by its address; name it.")
    if workers > 1 and settings.review_pictures == "sealed":
        raise SettingsInvalid("Sealed pictures lie in the memory of one server process: serve with one.")
    if workers > 1 and settings.keeps_face_templates:
        raise SettingsInvalid("Face templates wait in the memory of one server process: serve with one.")
    options: dict[str, Any] = {
        "host": host,
        "port": port,
        # Access lines would repeat what callers put into addresses; our own log lines name ids only.
        "access_log": False,
        "log_config": None,
        "http": BoundedProtocol,
        **WEBSOCKET_OPTIONS,
        # uvloop, where it is installed, receives into a buffer that it keeps, and pieces of pictures would stay in it.
        "loop": "asyncio",
        "backlog": ACCEPTED_AT_ONCE,
        "h11_max_incomplete_event_size": _HEAD_BYTES,
        "timeout_keep_alive": _KEEP_ALIVE_S,
        "timeout_graceful_shutdown": _DRAIN_S,
        "timeout_worker_healthcheck": _HEALTH_CHECK_S,
        "server_header": False,
        # uvicorn believes `X-Forwarded-For` from loopback unasked; `create_app` believes the proxies of the settings.
        "proxy_headers": False,
        **_tls(settings),
    }
    if workers == 1:
        uvicorn.run(application(settings, host, port), **options)
        return
    with tempfile.TemporaryDirectory(prefix="idproof-metrics-") as shared:
        os.environ |= {SHARED_FOLDER: shared, _SETTINGS: _settings_for_workers(settings), _HOST: host, _PORT: str(port)}
        serve_workers("idproof.service.operations.server:worker", workers, options)


def worker() -> FastAPI:
    """Returns the application of one of several server processes; its settings come from the parent's environment."""
    hardening.silence_crashes()
    try:
        settings = Settings.load(**json.loads(os.environ[_SETTINGS]))
        process.enforce_guards(settings)
        return application(settings, os.environ[_HOST], int(os.environ[_PORT]))
    except Exception as error:  # noqa: BLE001 - the parent would print the text of the error
        log_error(error)
        sys.exit(process.EXIT_INTERNAL)


def application(settings: Settings, host: str, port: int) -> FastAPI:
    """Returns the application with its networks loaded."""
    configure_logs()
    telemetry.configure(settings)
    connection_limit.raise_descriptor_limit()
    connection_limit.trust(parse_proxies(settings.trusted_proxies))
    # asyncio waits for 60 s, and such a connection is not counted before its handshake is done.
    asyncio.constants.SSL_HANDSHAKE_TIMEOUT = _TLS_HANDSHAKE_S
    if settings.only == "presentations":
        app = create_presentation_app(settings)
        structlog.get_logger("idproof").info("serving", host=host, port=port, only=settings.only)
        return app
    # OpenCV takes every core by default; it shares the networks' budget of threads.
    cv2.setNumThreads(settings.threads)
    settings = cluster.with_cluster_concurrency(settings)
    if settings.sandbox:
        app, networks_on = _sandbox(_with_names(settings, host, port)), None
    else:
        verifier = _verifier(settings)
        hardware.warn_of_fallback(settings, verifier)
        app, networks_on = create_app(settings, verifier), hardware.word_for(verifier)
    # Loaded objects stay for ever: a garbage collection that skips them takes milliseconds after a stream, not 0.1 s.
    gc.freeze()
    facts = {"host": host, "port": port, "profile": settings.profile, "networks_on": networks_on}
    structlog.get_logger("idproof").info("serving", **facts)
    return app


def _verifier(settings: Settings) -> Verifier:
    records = open_records(settings)
    if settings.executor == "ray":
        return cluster.open_cluster_verifier(settings, records)
    return Verifier.open(
        profile=settings.profile,
        document=settings.document,
        policy=build_policy(settings),
        threads=settings.threads,
        branches=settings.branches,
        records=records,
        provider=hardware.wanted_provider(settings),
    )


def _sandbox(settings: Settings) -> FastAPI:
    """Returns the sandbox with keys, database and issuer of its own, so that its verdicts cannot pass for real ones."""
    from idproof.service import sandbox
    from idproof.service.sandbox.core import CORE_URL, MockedCore

    core = MockedCore()
    mocked = settings.core_url is None
    app = create_app(
        settings.for_sandbox().model_copy(update={"core_url": CORE_URL} if mocked else {}),
        cast("Verifier", sandbox.SandboxVerifier()),
        core_transport=core.transport() if mocked else None,
    )
    sandbox.install(app, core, next(iter(settings.passkey_origin_list), None), settings.credential_issuer)
    return app


def _with_names(settings: Settings, host: str, port: int) -> Settings:
    """Returns a sandbox's settings with an issuer and a verifier of credentials, and a page of passkeys.

    By default each has the sandbox's own address.
    """
    names = {}
    if settings.credential_issuer is None and is_loopback(host):
        names["credential_issuer"] = f"http://{host}:{port}"
    if settings.presentation_verifier is None and is_loopback(host):
        names["presentation_verifier"] = f"http://{host}:{port}"
    if settings.passkey_rp_id is None and is_loopback(host):  # browsers take no address for a domain
        names |= {"passkey_rp_id": "localhost", "passkey_origins": f"http://localhost:{port}"}
    return settings.model_copy(update=names)


def _require_keys(settings: Settings, host: str) -> None:
    """Raises `SettingsInvalid` for callers without a key in production or from other machines."""
    if settings.anonymous and (settings.production or not is_loopback(host)):
        raise SettingsInvalid(
            "IDPROOF_ANONYMOUS (--anonymous) serves callers without a key on the machine's own address, and never in "
            "production: make keys with idproof key create."
        )


def _with_host_names(settings: Settings, host: str) -> Settings:
    """Returns the settings with the names under which the service answers; production has required them before."""
    if settings.allowed_hosts:
        return settings
    if is_loopback(host):
        return settings.model_copy(update={"allowed_hosts": "localhost"})
    structlog.get_logger("idproof").warning("any host name", host=host, settings=["IDPROOF_ALLOWED_HOSTS"])
    return settings


def _warn_without_tls(settings: Settings, host: str) -> None:
    """Warns of pictures that would cross a network in the clear; production has required TLS before."""
    if not is_loopback(host) and settings.tls_cert is None and not settings.tls_by_proxy:
        chosen = ["IDPROOF_TLS_CERT", "IDPROOF_TLS_BY_PROXY"]
        structlog.get_logger("idproof").warning("no tls", host=host, settings=chosen)


def _warn_of_unattested_devices(settings: Settings) -> None:
    """Warns in production, at each start, where computed pictures of a device's key can be accepted."""
    if settings.production and settings.accept_from != "attested" and settings.only is None:
        chosen = ["IDPROOF_ACCEPT_FROM", "IDPROOF_ACCEPT_UNATTESTED_BECAUSE"]
        structlog.get_logger("idproof").warning("computed pictures can be accepted", settings=chosen)


def _settings_for_workers(settings: Settings) -> str:
    """Returns every setting as JSON, since any may come from the command line, except those that hold secrets.

    Secrets are read by each process from their own place: a type for secrets, or a file of `IDPROOF_SECRETS_DIR`.
    """
    secret = {name for name, value in settings if isinstance(value, SecretStr) or _is_mounted(name, value)}
    return settings.model_dump_json(exclude=secret)


def _is_mounted(name: str, value: object) -> bool:
    """Returns True for the value that a file of `IDPROOF_SECRETS_DIR` holds."""
    folder = os.environ.get("IDPROOF_SECRETS_DIR")
    file = Path(folder, f"idproof_{name}") if folder else None
    return file is not None and file.is_file() and file.read_text(encoding="utf-8").strip() == str(value)


def _tls(settings: Settings) -> dict[str, Any]:
    if settings.tls_cert is None:
        return {}
    chosen: dict[str, Any] = {"ssl_certfile": settings.tls_cert, "ssl_keyfile": settings.tls_key}
    if settings.tls_client_ca is not None:
        chosen |= {"ssl_ca_certs": str(settings.tls_client_ca), "ssl_cert_reqs": ssl.CERT_REQUIRED}
    return chosen


def configure_logs() -> None:
    """Writes JSON lines to standard error, also for other libraries; exceptions by name only, never with their text."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(True)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"logger": record.name, "event": record.getMessage(), "level": record.levelname.lower()}
        if record.exc_info and record.exc_info[0]:
            # asyncio repeats the exception's text after the first line.
            line["event"] = line["event"].split("\n", 1)[0]
            line["kind"] = record.exc_info[0].__name__
        return json.dumps(line | {"timestamp": datetime.now(UTC).isoformat()})
