"""Brings a database to this version's schema, from empty or from any earlier version, under a lock.

Alembic is imported only when there is something to do: every worker opens the database, and memory counts.
"""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

HEAD = "0026"
"""The newest migration; a test compares it with the folder's."""

MIGRATIONS = Path(__file__).with_name("migrations")

_WAIT_S = 120
"""Seconds that a process waits for another one's migration of a PostgreSQL database, and that one statement may take.
The usual limit is for requests: on a busy machine all migrations of an empty database take longer. Chosen by hand."""
_LOCK = 0x1D9700F
"""PostgreSQL's advisory lock of a migration: any number, as long as every version uses the same."""


def upgrade(engine: Engine) -> None:
    """Run the missing migrations, all of them or none; several processes may call this at once."""
    with engine.connect() as connection:
        if _revision(connection) == HEAD:
            return
    with engine.connect() as connection, connection.execution_options(writes=True).begin():
        if engine.dialect.name == "postgresql":
            for limit in ("lock_timeout", "statement_timeout"):
                connection.execute(text(f"SET LOCAL {limit} = '{_WAIT_S}s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if _revision(connection) != HEAD:
            _run_migrations(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return str(found) if found is not None else None


def _run_migrations(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
