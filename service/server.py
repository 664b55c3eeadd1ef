"""Runs the application under uvicorn, with logs that hold no personal data."""

import json
import logging
import sys
from datetime import UTC, datetime

import cv2
import structlog
import uvicorn

from idproof.pipeline import Verifier
from idproof.service.app import create_app
from idproof.service.settings import Settings

_DRAIN_S = 30


def run(settings: Settings, host: str, port: int) -> None:
    """Load the networks, then serve until told to stop; requests under way are finished first."""
    configure_logs()
    # OpenCV would take every core for itself; one budget holds for it and the networks.
    cv2.setNumThreads(settings.threads)
    verifier = Verifier.open(profile=settings.profile, threads=settings.threads)
    app = create_app(settings, verifier)
    structlog.get_logger("idproof").info("serving", host=host, port=port, profile=settings.profile)
    uvicorn.run(
        app,
        host=host,
        port=port,
        # Access lines would repeat what callers put into addresses; ours say what happened, by id.
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=_DRAIN_S,
        server_header=False,
    )


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
