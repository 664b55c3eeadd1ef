"""Capture sessions, running verifications, and idempotency keys."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Three new tables."""
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(29), primary_key=True),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("nonce", sa.String(43), nullable=False),
        sa.Column("challenge", sa.Text, nullable=True),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("operation", sa.String(30), nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
    )
    op.create_index("ix_sessions_expires_ms", "sessions", ["expires_ms"])
    op.create_table(
        "operations",
        sa.Column("id", sa.String(30), primary_key=True),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("owner", sa.String(32), nullable=False),
        sa.Column("lease_ms", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("code", sa.String(64), nullable=True),
        sa.Column("status", sa.Integer, nullable=True),
        sa.Column("sentence", sa.Text, nullable=True),
        sa.Column("capture", sa.String(32), nullable=True),
    )
    op.create_index("ix_operations_created_at", "operations", ["created_at"])
    op.create_index("ix_operations_owner", "operations", ["owner", "state"])
    op.create_table(
        "idempotency",
        sa.Column("mac", sa.LargeBinary, primary_key=True),
        sa.Column("operation", sa.String(30), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=True),
        sa.Column("created_at", sa.String(32), nullable=False),
    )
    op.create_index("ix_idempotency_operation", "idempotency", ["operation"])
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"])
