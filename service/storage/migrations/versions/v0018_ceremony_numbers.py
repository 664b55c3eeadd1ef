"""Numbers of ceremonies, by which an answer that was held back is told from one of a copied passkey."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """One new column in each of two tables, with an index."""
    op.add_column("ceremonies", sa.Column("number", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("passkeys", sa.Column("counted_number", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("ix_ceremonies_number", "ceremonies", ["number"])
    op.create_index("ix_passkeys_counted_number", "passkeys", ["counted_number"])
