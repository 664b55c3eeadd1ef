"""The deliveries: references to verdicts, never a copy."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """One new table."""
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("event", sa.String(30), nullable=False, unique=True),
        sa.Column("destination", sa.String(8), nullable=False),
        sa.Column("stream", sa.LargeBinary, nullable=False),
        sa.Column("verification", sa.String(30), nullable=False),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=False),
        sa.Column("lease_ms", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("error", sa.String(64), nullable=True),
    )
    op.create_index("ix_outbox_due", "outbox", ["state", "due_ms"])
    op.create_index("ix_outbox_stream", "outbox", ["destination", "stream", "seq"])
    op.create_index("ix_outbox_verification", "outbox", ["verification"])
