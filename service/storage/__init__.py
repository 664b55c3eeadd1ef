"""The database, SQLite or PostgreSQL: verdicts, capture sessions and verifications. Personal data in it is sealed."""

from idproof.service.storage.engine import Database
from idproof.service.storage.ledger import Ledger, Progress, Replay, Ticket
from idproof.service.storage.seal import Seal
from idproof.service.storage.sessions import CaptureSession, SessionRules, Sessions
from idproof.service.storage.verdicts import VerdictStore

__all__ = [
    "CaptureSession",
    "Database",
    "Ledger",
    "Progress",
    "Replay",
    "Seal",
    "SessionRules",
    "Sessions",
    "Ticket",
    "VerdictStore",
]
