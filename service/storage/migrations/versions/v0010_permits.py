"""Permits: staff grant an applicant a challenge that asks for less."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """One new table."""
    op.create_table(
        "permits",
        sa.Column("mac", sa.LargeBinary, primary_key=True),
        sa.Column("id", sa.String(20), nullable=False),
        sa.Column("holder", sa.String(80), nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("used_ms", sa.BigInteger, nullable=True),
    )
    op.create_index("ix_permits_expires_ms", "permits", ["expires_ms"])
