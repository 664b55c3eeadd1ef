"""Captures that were used, by keyed hashes of their bytes."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """One new table."""
    op.create_table(
        "used_captures",
        sa.Column("mac", sa.LargeBinary, primary_key=True),
        sa.Column("operation", sa.String(30), nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_used_captures_operation", "used_captures", ["operation"])
    op.create_index("ix_used_captures_expires_ms", "used_captures", ["expires_ms"])
