"""The reference of a failed verification, and the kind of a delivery: a verdict or its erasure."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Two new columns; the deliveries from before carry verdicts."""
    op.add_column("operations", sa.Column("sealed", sa.LargeBinary, nullable=True))
    op.add_column("outbox", sa.Column("kind", sa.String(8), nullable=False, server_default="verdict"))
