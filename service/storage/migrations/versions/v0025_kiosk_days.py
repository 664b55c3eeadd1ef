"""Counts of streaming devices by day; what a device reports of itself; acknowledgement of calls for staff."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """One new table, and four columns that are empty for devices of before."""
    op.create_table(
        "kiosk_days",
        sa.Column("kiosk", sa.String(16), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
    op.add_column("kiosks", sa.Column("staff_seen_at", sa.String(32), nullable=True))
    op.add_column("kiosks", sa.Column("software", sa.String(80), nullable=True))
    op.add_column("kiosks", sa.Column("camera", sa.String(200), nullable=True))
    op.add_column("kiosks", sa.Column("reported_at", sa.String(32), nullable=True))
