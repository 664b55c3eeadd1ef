"""Guardians who joined capture sessions, and registrations of adults."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Two new columns."""
    op.add_column("sessions", sa.Column("guardian", sa.Text, nullable=True))
    op.add_column("registrations", sa.Column("adult", sa.Integer, nullable=True))
