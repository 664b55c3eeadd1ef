"""Sessions and challenges by those who asked for them."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """One new table."""
    op.create_table(
        "asked",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("asker", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.String(6), nullable=False),
        sa.Column("session", sa.String(29), nullable=False),
        sa.Column("what", sa.String(9), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_asked_asker", "asked", ["asker", "what", "at_ms"])
    op.create_index("ix_asked_session", "asked", ["session"])
    op.create_index("ix_asked_at_ms", "asked", ["at_ms"])
