"""The client of each verdict, and the fingerprint of the key that seals the database."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Verdicts from before belong to the anonymous client."""
    op.create_table(
        "facts",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    op.add_column("verifications", sa.Column("client", sa.String(64), nullable=False, server_default="anonymous"))
    op.create_index("ix_verifications_client_id", "verifications", ["client", "id"])
    op.create_index("ix_verifications_created_at", "verifications", ["created_at"])
