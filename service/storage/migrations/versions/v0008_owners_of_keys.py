"""Clients apart from their API keys: a client may have several keys, and keeps its verdicts when a key is replaced."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Each key from before gets a client of its own, under the name that owns the key's verdicts already.

    Keys of the same name are not joined: nothing says that they belong to the same party, and joined keys read each
    other's verdicts. `idproof client merge` joins them.
    """
    op.create_table(
        "clients",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
    )
    op.create_index("ix_clients_name", "clients", ["name"])
    op.execute("INSERT INTO clients (id, name, created_at) SELECT 'key:' || id, name, created_at FROM api_keys")
    op.add_column("api_keys", sa.Column("client", sa.String(64), nullable=True))
    op.execute("UPDATE api_keys SET client = 'key:' || id")
    with op.batch_alter_table("api_keys") as api_keys:
        api_keys.alter_column("client", existing_type=sa.String(64), nullable=False)
    op.create_index("ix_api_keys_client", "api_keys", ["client"])
