"""Devices of capture sessions, and the times of failed liveness on them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """One new column, one new table."""
    op.add_column("sessions", sa.Column("device", sa.LargeBinary, nullable=True))
    op.create_table(
        "failures",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("device", sa.LargeBinary, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_failures_device", "failures", ["device", "at_ms"])
    op.create_index("ix_failures_at_ms", "failures", ["at_ms"])
