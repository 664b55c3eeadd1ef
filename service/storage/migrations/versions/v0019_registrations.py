"""Registrations above their verifications, and their deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Three new tables, and columns of capture sessions and of the outbox."""
    op.add_column("sessions", sa.Column("registration", sa.String(30), nullable=True))
    op.add_column("outbox", sa.Column("registration", sa.String(30), nullable=True))
    op.add_column("outbox", sa.Column("number", sa.Integer, nullable=True))
    _registrations()
    op.create_table(
        "registration_attempts",
        sa.Column("verification", sa.String(30), primary_key=True),
        sa.Column("registration", sa.String(30), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("decision", sa.String(6), nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("step", sa.String(8), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_registration_attempts_registration", "registration_attempts", ["registration", "attempt"])
    op.create_table(
        "registration_events",
        sa.Column("registration", sa.String(30), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("event", sa.String(24), nullable=False),
        sa.Column("status", sa.String(17), nullable=False),
        sa.Column("verification", sa.String(30), nullable=True),
        sa.Column("statement", sa.String(64), nullable=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )


def _registrations() -> None:
    op.create_table(
        "registrations",
        sa.Column("id", sa.String(30), primary_key=True),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("status", sa.String(17), nullable=False),
        sa.Column("reference", sa.LargeBinary, nullable=True),
        sa.Column("sealed", sa.LargeBinary, nullable=True),
        sa.Column("person", sa.LargeBinary, nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("most_attempts", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("operation", sa.String(30), nullable=True),
        sa.Column("verification", sa.String(30), nullable=True),
        sa.Column("decision", sa.String(6), nullable=True),
        sa.Column("opened_ms", sa.BigInteger, nullable=False),
        sa.Column("changed_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_registrations_client_id", "registrations", ["client", "id"])
    op.create_index("ix_registrations_reference", "registrations", ["reference"])
    op.create_index("ix_registrations_person", "registrations", ["person"])
    op.create_index("ix_registrations_status", "registrations", ["status", "expires_ms"])
