"""Face templates for step-ups."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """One new table."""
    op.create_table(
        "face_templates",
        sa.Column("id", sa.String(29), primary_key=True),
        sa.Column("verification", sa.String(30), nullable=False),
        sa.Column("person", sa.LargeBinary, nullable=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.String(25), nullable=False),
    )
    op.create_index("ix_face_templates_verification", "face_templates", ["verification"])
    op.create_index("ix_face_templates_person", "face_templates", ["person"])
