"""Credentials: claims that wait for a wallet, offers, nonces of proofs, and places in status lists."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Four new tables."""
    op.create_table(
        "credential_claims",
        sa.Column("id", sa.String(30), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("offers", sa.Integer, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_credential_claims_expires_ms", "credential_claims", ["expires_ms"])
    op.create_table(
        "credential_offers",
        sa.Column("code", sa.LargeBinary, primary_key=True),
        sa.Column("verification", sa.String(30), nullable=False),
        sa.Column("transaction_code", sa.LargeBinary, nullable=False),
        sa.Column("guesses", sa.Integer, nullable=False),
        sa.Column("token", sa.LargeBinary, nullable=True),
        sa.Column("issued", sa.String(64), nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_credential_offers_verification", "credential_offers", ["verification"])
    op.create_index("ix_credential_offers_token", "credential_offers", ["token"])
    op.create_index("ix_credential_offers_expires_ms", "credential_offers", ["expires_ms"])
    op.create_table(
        "used_nonces",
        sa.Column("mac", sa.LargeBinary, primary_key=True),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_used_nonces_expires_ms", "used_nonces", ["expires_ms"])
    op.create_table(
        "credential_status",
        sa.Column("list", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("verification", sa.String(30), nullable=True),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.String(32), nullable=True),
    )
    op.create_index("ix_credential_status_verification", "credential_status", ["verification"])
    op.create_index("ix_credential_status_expires_ms", "credential_status", ["expires_ms"])
