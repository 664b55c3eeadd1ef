"""Brings a database to this version's schema, from empty or from any earlier version, under a lock.

Alembic is only imported when there is something to do: every worker opens the database, and memory counts.
"""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

HEAD = "0007"
"""The newest migration (a test holds it to the folder's)."""

_LOCK = 0x1D9700F  # any number, the same for every version


def upgrade(engine: Engine) -> None:
    """Do what is missing, all of it or nothing; several processes may call this at once."""
    with engine.connect() as connection:
        if _revision(connection) == HEAD:
            return
    with engine.connect() as connection, connection.execution_options(writes=True).begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if _revision(connection) != HEAD:
            _run(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return str(found) if found is not None else None


def _run(connection: Connection) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(__file__).parent / "migrations"))
    environment = EnvironmentContext(Config(), scripts, fn=lambda revision, _: scripts._upgrade_revs("head", revision))
    with environment:
        environment.configure(connection=connection, transactional_ddl=True)
        environment.run_migrations()
