"""Streaming devices and their counts."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Two new tables."""
    op.create_table(
        "kiosks",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("revoked_at", sa.String(32), nullable=True),
        sa.Column("connection", sa.String(32), nullable=True),
        sa.Column("lease_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("state", sa.String(24), nullable=False, server_default="off"),
        sa.Column("seen_at", sa.String(32), nullable=True),
        sa.Column("staff_at", sa.String(32), nullable=True),
    )
    op.create_table(
        "kiosk_counts",
        sa.Column("kiosk", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
