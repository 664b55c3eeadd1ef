"""The tables, as the newest migration leaves them (a test compares the two)."""

from sqlalchemy import Column, Index, LargeBinary, MetaData, String, Table

METADATA = MetaData()

FACTS = Table(
    "facts",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
"""What is known of the database itself: by which key it is sealed."""

VERIFICATIONS = Table(
    "verifications",
    METADATA,
    Column("id", String(30), primary_key=True),
    Column("created_at", String(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("person", LargeBinary, nullable=True),
    Column("client", String(64), nullable=False, server_default="anonymous"),
    Index("ix_verifications_person", "person"),
    Index("ix_verifications_client_id", "client", "id"),
    Index("ix_verifications_created_at", "created_at"),
)
