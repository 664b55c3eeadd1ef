"""Tickets for counters, and wrong codes."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Two new tables."""
    op.create_table(
        "counter_tickets",
        sa.Column("registration", sa.String(30), primary_key=True),
        sa.Column("mac", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("client", sa.String(64), nullable=True),
        sa.Column("verification", sa.String(30), nullable=True),
        sa.Column("statement", sa.Text, nullable=True),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_counter_tickets_expires_ms", "counter_tickets", ["expires_ms"])
    op.create_table(
        "counter_guesses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("device", sa.LargeBinary, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_counter_guesses_device", "counter_guesses", ["device", "at_ms"])
    op.create_index("ix_counter_guesses_at_ms", "counter_guesses", ["at_ms"])
