"""The database: SQLite in the data folder, or PostgreSQL by `IDPROOF_DATABASE_URL`."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import URL, Connection, create_engine, event, make_url, select, text
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from idproof.service.errors import StoreUnavailable
from idproof.service.operations.settings import Settings
from idproof.service.storage import migrate
from idproof.service.storage.schema import VERIFICATIONS

_POSTGRESQL = "postgresql+psycopg"
_PATIENCE_S = 5
_LONGEST_STATEMENT_MS = 10_000


class Conflict(Exception):
    """A row of this key is there already: somebody else was quicker."""


class Database:
    """Connections to the one database; safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """The database of these settings, brought to this version's schema; raises `StoreUnavailable`."""
        engine = _postgresql(settings) if settings.database_url is not None else _sqlite(settings.database)
        database = cls(engine)
        with database._told("The database cannot be opened."):
            migrate.upgrade(engine)
        return database

    @property
    def is_sqlite(self) -> bool:
        """Whether it is the embedded one."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def write(self, sentence: str = "The database cannot be changed.") -> Iterator[Connection]:
        """One transaction that changes something: all of it is there afterwards, or nothing.

        Raises:
            StoreUnavailable: with the sentence given, and nothing of what was to be stored.
            Conflict: a row of this key is there already.
        """
        with (
            self._told(sentence),
            self._engine.connect() as connection,
            connection.execution_options(writes=True).begin(),
        ):
            yield connection

    @contextmanager
    def read(self, sentence: str = "The database cannot be read.") -> Iterator[Connection]:
        """A connection to look things up with; raises `StoreUnavailable`."""
        with self._told(sentence), self._engine.connect() as connection:
            yield connection

    def scrub(self) -> None:
        """After a deletion: overwrite what SQLite would leave of it in its journal.

        PostgreSQL gives the space back in a vacuum of its own; what lies there until then is sealed.
        """
        if self.is_sqlite:
            with self.read() as connection:
                connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))

    def ready(self) -> bool:
        """Whether a write would succeed now."""
        try:
            with self._engine.connect() as connection:
                transaction = connection.execution_options(writes=True).begin()
                connection.execute(select(VERIFICATIONS.c.id).limit(1))
                if not self.is_sqlite and connection.scalar(text("SELECT pg_is_in_recovery()")):
                    return False
                transaction.rollback()
        except SQLAlchemyError:
            return False
        return True

    def close(self) -> None:
        """Let go of files and connections."""
        self._engine.dispose()

    @contextmanager
    def _told(self, sentence: str) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise Conflict from None
        except DBAPIError as error:
            if error.connection_invalidated:
                # The database went away: the other connections of the pool are of no use either.
                self._engine.dispose()
            raise StoreUnavailable(sentence) from None
        except SQLAlchemyError:
            raise StoreUnavailable(sentence) from None


def _sqlite(path: Path) -> Engine:
    # Parameters would otherwise stand in the text of database errors.
    # A connection a use, so that a file that was moved away is noticed.
    engine = create_engine(URL.create("sqlite", database=str(path)), hide_parameters=True, poolclass=NullPool)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # For its owner alone; SQLite gives its companion files the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError:
        raise StoreUnavailable("The database cannot be opened.") from None
    return engine


def _postgresql(settings: Settings) -> Engine:
    assert settings.database_url is not None  # noqa: S101 - asked by the caller
    try:
        url = make_url(settings.database_url.get_secret_value())
        if url.get_backend_name() != "postgresql":
            raise StoreUnavailable("IDPROOF_DATABASE_URL must begin with postgresql://.")
        return create_engine(
            url.set(drivername=_POSTGRESQL),
            hide_parameters=True,
            pool_pre_ping=True,
            pool_size=settings.concurrency + 2,
            max_overflow=settings.queue + 2,
            pool_timeout=_PATIENCE_S,
            connect_args={
                "connect_timeout": _PATIENCE_S,
                "options": f"-c statement_timeout={_LONGEST_STATEMENT_MS} -c lock_timeout={_PATIENCE_S * 1000}",
            },
        )
    except (ArgumentError, NoSuchModuleError):
        raise StoreUnavailable("IDPROOF_DATABASE_URL is not the address of a database.") from None
    except ImportError:
        raise StoreUnavailable("PostgreSQL needs its driver: pip install 'idproof[postgres]'.") from None


def _configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: `_begin` does
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_PATIENCE_S * 1000}")
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA secure_delete=ON")  # deleted rows are overwritten with zeros
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that reads and then writes would fail if another wrote in between; one that says so first waits.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _use_wal(cursor: DBAPICursor) -> None:
    """Several processes may do so at once on a new file, and SQLite does not wait for this lock by itself."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
