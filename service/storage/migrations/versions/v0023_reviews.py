"""Reviewers, and reviews of referred registrations."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Two new tables, and a column of the outbox."""
    op.add_column("outbox", sa.Column("review", sa.String(30), nullable=True))
    op.create_table(
        "reviewers",
        sa.Column("id", sa.String(30), primary_key=True),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("officer", sa.String(64), nullable=False),
        sa.Column("state", sa.String(7), nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_reviewers_client", "reviewers", ["client", "state"])
    op.create_index("ix_reviewers_officer", "reviewers", ["officer", "state"])
    op.create_table(
        "reviews",
        sa.Column("id", sa.String(30), primary_key=True),
        sa.Column("registration", sa.String(30), nullable=False),
        sa.Column("verification", sa.String(30), nullable=False),
        sa.Column("state", sa.String(14), nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("opened_ms", sa.BigInteger, nullable=False),
        sa.Column("claimed_by", sa.String(30), nullable=True),
        sa.Column("claim_ends_ms", sa.BigInteger, nullable=False),
        sa.Column("first_by", sa.String(30), nullable=True),
        sa.Column("seen_by", sa.String(30), nullable=True),
        sa.Column("decision", sa.String(11), nullable=True),
        sa.Column("decided_ms", sa.BigInteger, nullable=True),
        sa.Column("sealed", sa.LargeBinary, nullable=True),
    )
    op.create_index("ix_reviews_state", "reviews", ["state", "id"])
    op.create_index("ix_reviews_registration", "reviews", ["registration"])
