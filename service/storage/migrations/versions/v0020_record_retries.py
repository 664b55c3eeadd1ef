"""Verdicts that the records did not answer."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """One new table."""
    op.create_table(
        "record_retries",
        sa.Column("id", sa.String(30), primary_key=True),
        sa.Column("registration", sa.String(30), nullable=False),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_record_retries_registration", "record_retries", ["registration"])
    op.create_index("ix_record_retries_due_ms", "record_retries", ["due_ms"])
