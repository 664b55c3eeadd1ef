"""Capture tokens of pages with the web component."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """A new table."""
    op.create_table(
        "capture_tokens",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("origin", sa.String(255), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("parent", sa.String(16), nullable=True),
        sa.Column("confirmed", sa.Integer, nullable=False, server_default="0"),
        sa.Column("registration", sa.String(30), nullable=True),
        sa.Column("reference", sa.String(64), nullable=True),
        sa.Column("binding", sa.LargeBinary, nullable=True),
        sa.Column("connection", sa.String(32), nullable=True),
        sa.Column("lease_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("stage", sa.String(24), nullable=False, server_default="off"),
        sa.Column("session", sa.String(30), nullable=True),
        sa.Column("verification", sa.String(30), nullable=True),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_capture_tokens_client", "capture_tokens", ["client", "state"])
    op.create_index("ix_capture_tokens_parent", "capture_tokens", ["parent"])
    op.create_index("ix_capture_tokens_expires_ms", "capture_tokens", ["expires_ms"])
