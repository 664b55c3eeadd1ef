"""Connections to the database: SQLite in the data folder, or PostgreSQL by `IDPROOF_DATABASE_URL`."""

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
# Chosen by hand; no outside source: a client waits for these.
_LOCK_WAIT_S = 5  # for a lock, a connection, or the pool
_MOST_WAITING = 8  # registrations with a connection of their own while they wait; chosen by hand
_STATEMENT_TIMEOUT_MS = 10_000


class Conflict(Exception):
    """A row with this key exists already: another transaction stored it first."""


class Database:
    """A pool of connections to one database; safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Opens the database of these settings and migrates it to this version's schema; raises `StoreUnavailable`."""
        engine = _postgresql(settings) if settings.database_url is not None else _sqlite(settings.database)
        database = cls(engine)
        with database._errors_translated("The database cannot be opened."):
            migrate.upgrade(engine)
        return database

    @property
    def is_sqlite(self) -> bool:
        """True for SQLite, False for PostgreSQL."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def write(self, sentence: str = "The database cannot be changed.") -> Iterator[Connection]:
        """Opens a transaction that writes: all of it is stored, or nothing.

        Raises:
            StoreUnavailable: with this sentence, which shows nothing of the data.
            Conflict: a row with this key exists already.
        """
        with (
            self._errors_translated(sentence),
            self._engine.connect() as connection,
            connection.execution_options(writes=True).begin(),
        ):
            yield connection

    @contextmanager
    def read(self, sentence: str = "The database cannot be read.") -> Iterator[Connection]:
        """Opens a connection for reading; raises `StoreUnavailable`."""
        with self._errors_translated(sentence), self._engine.connect() as connection:
            yield connection

    def scrub(self) -> None:
        """Overwrites what SQLite leaves of deleted rows in its journal.

        PostgreSQL frees the space in its own vacuum; until then the deleted rows are sealed.
        """
        if self.is_sqlite:
            with self.read() as connection:
                connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))

    def ready(self) -> bool:
        """Returns whether a write would succeed now."""
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
        """Closes files and connections."""
        self._engine.dispose()

    @contextmanager
    def _errors_translated(self, sentence: str) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise Conflict from None
        except DBAPIError as error:
            if error.connection_invalidated:
                # The database restarted: the other connections of the pool are broken too.
                self._engine.dispose()
            raise StoreUnavailable(sentence) from None
        except SQLAlchemyError:
            raise StoreUnavailable(sentence) from None


def _sqlite(path: Path) -> Engine:
    # `hide_parameters`: the text of database errors would otherwise show the data.
    # `NullPool`: one connection per use, so that a removed file is noticed.
    engine = create_engine(URL.create("sqlite", database=str(path)), hide_parameters=True, poolclass=NullPool)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Readable by its owner only; SQLite gives its companion files the same mode.
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
            max_overflow=min(settings.queue, _MOST_WAITING) + 2,
            pool_timeout=_LOCK_WAIT_S,
            connect_args={
                "connect_timeout": _LOCK_WAIT_S,
                "options": f"-c statement_timeout={_STATEMENT_TIMEOUT_MS} -c lock_timeout={_LOCK_WAIT_S * 1000}",
            },
        )
    except (ArgumentError, NoSuchModuleError):
        raise StoreUnavailable("IDPROOF_DATABASE_URL is not the address of a database.") from None
    except ImportError:
        raise StoreUnavailable("PostgreSQL needs its driver: install idproof with the extra postgres.") from None


def _configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # `_begin` begins transactions, not the driver
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_LOCK_WAIT_S * 1000}")
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA secure_delete=ON")  # deleted rows are overwritten with zeros
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and then writes fails if another one wrote in between; BEGIN IMMEDIATE waits.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _use_wal(cursor: DBAPICursor) -> None:
    """Switches to WAL; retries, because SQLite does not wait for this lock when several processes open a new file."""
    deadline = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
