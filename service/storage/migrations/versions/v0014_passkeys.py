"""Passkeys bound to accepted registrations, their ceremonies, and their deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Two new tables, and a column of the outbox."""
    op.add_column("outbox", sa.Column("passkey", sa.String(29), nullable=True))
    op.create_table(
        "passkeys",
        sa.Column("id", sa.String(29), primary_key=True),
        sa.Column("verification", sa.String(30), nullable=False),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("person", sa.LargeBinary, nullable=True),
        sa.Column("credential", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("backed_up", sa.Integer, nullable=False),
        sa.Column("reported", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("used_at", sa.String(32), nullable=True),
    )
    op.create_index("ix_passkeys_verification", "passkeys", ["verification"])
    op.create_index("ix_passkeys_person", "passkeys", ["person"])
    op.create_index("ix_passkeys_created_at", "passkeys", ["created_at"])
    op.create_table(
        "ceremonies",
        sa.Column("id", sa.String(30), primary_key=True),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("challenge", sa.LargeBinary, nullable=False),
        sa.Column("origin", sa.String(255), nullable=False),
        sa.Column("verification", sa.String(30), nullable=True),
        sa.Column("passkey", sa.String(29), nullable=True),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_ceremonies_client", "ceremonies", ["client", "kind", "state", "created_ms"])
    op.create_index("ix_ceremonies_expires_ms", "ceremonies", ["expires_ms"])
