"""Runs the application under uvicorn, with logs that hold no personal data."""

import json
import logging
import ssl
import sys
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import cv2
import structlog
import uvicorn

from idproof.pipeline import Verifier
from idproof.service.app import create_app
from idproof.service.connections import BoundedProtocol
from idproof.service.records import authority
from idproof.service.settings import Settings

_DRAIN_S = 30
_KEEP_ALIVE_S = 15


def run(settings: Settings, host: str, port: int) -> None:
    """Load the networks, then serve until told to stop; requests under way are finished first."""
    configure_logs()
    # OpenCV would take every core for itself; one budget holds for it and the networks.
    cv2.setNumThreads(settings.threads)
    if settings.anonymous and (settings.production or not _is_loopback(host)):
        settings = settings.model_copy(update={"anonymous": False})
    verifier = Verifier.open(profile=settings.profile, threads=settings.threads, records=authority(settings))
    app = create_app(settings, verifier)
    structlog.get_logger("idproof").info("serving", host=host, port=port, profile=settings.profile)
    uvicorn.run(
        app,
        host=host,
        port=port,
        # Access lines would repeat what callers put into addresses; ours say what happened, by id.
        access_log=False,
        log_config=None,
        http=BoundedProtocol,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_DRAIN_S,
        **_tls(settings),
        server_header=False,
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _tls(settings: Settings) -> dict[str, Any]:
    if settings.tls_cert is None:
        return {}
    chosen: dict[str, Any] = {"ssl_certfile": settings.tls_cert, "ssl_keyfile": settings.tls_key}
    if settings.tls_client_ca is not None:
        chosen |= {"ssl_ca_certs": str(settings.tls_client_ca), "ssl_cert_reqs": ssl.CERT_REQUIRED}
    return chosen


def configure_logs() -> None:
    """JSON lines on standard error, other libraries' too; their exceptions by name only, never with their text."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(True)


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"logger": record.name, "event": record.getMessage(), "level": record.levelname.lower()}
        if record.exc_info and record.exc_info[0]:
            # asyncio puts the exception itself into the lines that follow the first.
            line["event"] = line["event"].split("\n", 1)[0]
            line["kind"] = record.exc_info[0].__name__
        return json.dumps(line | {"timestamp": datetime.now(UTC).isoformat()})
