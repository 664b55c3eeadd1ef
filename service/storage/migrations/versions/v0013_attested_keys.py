"""Keys of streaming devices that their hardware attested."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """One new table."""
    op.create_table(
        "attested_keys",
        sa.Column("kiosk", sa.String(16), primary_key=True),
        sa.Column("credential", sa.LargeBinary, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("format", sa.String(16), nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("attested_at", sa.String(32), nullable=False),
    )
