"""Sealed verdicts by id and by person; also migrates databases from before the first migration."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """From nothing, or from the table as version 0.1.0 made it at first, without a person's hash."""
    found = sa.inspect(op.get_bind())
    if not found.has_table("verifications"):
        op.create_table(
            "verifications",
            sa.Column("id", sa.String(30), primary_key=True),
            sa.Column("created_at", sa.String(32), nullable=False),
            sa.Column("sealed", sa.LargeBinary, nullable=False),
            sa.Column("person", sa.LargeBinary, nullable=True),
        )
    elif "person" not in {column["name"] for column in found.get_columns("verifications")}:
        op.add_column("verifications", sa.Column("person", sa.LargeBinary, nullable=True))
    op.create_index("ix_verifications_person", "verifications", ["person"], if_not_exists=True)
