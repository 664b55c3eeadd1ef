"""The tables of streaming devices, and of pages that capture with a token; see `schema`."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table

from idproof.service.storage.schema import METADATA

KIOSKS = Table(
    "kiosks",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("client", String(64), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("revoked_at", String(32), nullable=True),
    Column("connection", String(32), nullable=True),
    Column("lease_ms", BigInteger, nullable=False, server_default="0"),
    Column("state", String(24), nullable=False, server_default="off"),
    Column("seen_at", String(32), nullable=True),
    Column("staff_at", String(32), nullable=True),
    Column("staff_seen_at", String(32), nullable=True),
    Column("software", String(80), nullable=True),
    Column("camera", String(200), nullable=True),
    Column("reported_at", String(32), nullable=True),
)
"""Streaming devices; their keys are derived and not stored. The server with a device's connection renews its lease."""

ATTESTED_KEYS = Table(
    "attested_keys",
    METADATA,
    Column("kiosk", String(16), primary_key=True),
    Column("credential", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("format", String(16), nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("attested_at", String(32), nullable=False),
)
"""Public keys of streaming devices whose hardware attested that it made them."""

KIOSK_COUNTS = Table(
    "kiosk_counts",
    METADATA,
    Column("kiosk", String(16), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("count", BigInteger, nullable=False),
)
"""Counts per device: sessions, decisions, retries, hints. Nothing about a person."""

KIOSK_DAYS = Table(
    "kiosk_days",
    METADATA,
    Column("kiosk", String(16), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("count", BigInteger, nullable=False),
)
"""The same counts per day of UTC, without hints; and how long sessions took, in steps. Nothing about a person."""

CAPTURE_TOKENS = Table(
    "capture_tokens",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("client", String(64), nullable=False),
    Column("origin", String(255), nullable=False),
    Column("state", String(10), nullable=False),
    Column("parent", String(16), nullable=True),
    Column("confirmed", Integer, nullable=False, server_default="0"),
    Column("registration", String(30), nullable=True),
    Column("reference", String(64), nullable=True),
    Column("binding", LargeBinary, nullable=True),
    Column("connection", String(32), nullable=True),
    Column("lease_ms", BigInteger, nullable=False, server_default="0"),
    Column("stage", String(24), nullable=False, server_default="off"),
    Column("session", String(30), nullable=True),
    Column("verification", String(30), nullable=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Index("ix_capture_tokens_client", "client", "state"),
    Index("ix_capture_tokens_parent", "parent"),
    Index("ix_capture_tokens_expires_ms", "expires_ms"),
)
"""Capture tokens; their secrets are derived and not stored. `binding` is a digest of the first handshake: it opens
nothing without the secret."""
