"""Step-ups by face."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """One new table."""
    op.create_table(
        "step_ups",
        sa.Column("id", sa.String(29), primary_key=True),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("verification", sa.String(30), nullable=False),
        sa.Column("passkey", sa.String(29), nullable=False),
        sa.Column("login", sa.String(30), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("challenge", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("lease_ms", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=True),
    )
    op.create_index("ix_step_ups_verification", "step_ups", ["verification", "state", "created_ms"])
    op.create_index("ix_step_ups_expires_ms", "step_ups", ["expires_ms"])
