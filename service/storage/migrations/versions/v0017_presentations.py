"""Presentations of credentials, and consent receipts."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Two new tables."""
    op.create_table(
        "presentations",
        sa.Column("id", sa.String(30), primary_key=True),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("code", sa.String(32), nullable=True),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("response", sa.LargeBinary, nullable=True),
        sa.Column("response_code", sa.LargeBinary, nullable=True),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=True),
    )
    op.create_index("ix_presentations_request", "presentations", ["request"])
    op.create_index("ix_presentations_response", "presentations", ["response"])
    op.create_index("ix_presentations_expires_ms", "presentations", ["expires_ms"])
    op.create_table(
        "consent_receipts",
        sa.Column("id", sa.String(30), primary_key=True),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("made_ms", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_consent_receipts_made_ms", "consent_receipts", ["made_ms"])
