"""A PostgreSQL server of the tests' own, from the distribution's packages, run by a user without privileges."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from idproof.service.operations.settings import Settings
from idproof.service.storage import Database

_MIGRATED = "migrated"
"""The database that others are copies of."""


class Cluster:
    """One server in a folder of its own, reached through a socket in that folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._programs = _programs()
        self._migrated = False
        # initdb and the server refuse to be root.
        self._user: dict[str, Any] = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
        if self._user:
            shutil.chown(folder, "nobody", "nogroup")

    def make(self) -> None:
        self._run("initdb", "--pgdata", "data", "--username", "idproof", "--auth", "trust", "--no-sync", "-E", "UTF8")

    def start(self) -> None:
        # Without fsync: what a power cut would do to the server is not what is tested here.
        options = f"-k {self.folder} -c listen_addresses='' -c fsync=off -c max_connections=60"
        self._run("pg_ctl", "--pgdata", "data", "--log", "log", "--wait", "--options", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "--pgdata", "data", "--mode", mode, "--wait", "stop")

    def database(self, *, empty: bool = False) -> str:
        """The address of a new database without rows.

        Args:
            empty: without tables too; otherwise it has this version's.
        """
        name = f"t{uuid4().hex}"
        if empty:
            self._create(name)
        else:
            if not self._migrated:
                self._create(_MIGRATED)
                Database.open(Settings(data_dir=self.folder, database_url=self._address(_MIGRATED))).close()
                self._migrated = True
            self._create(f"{name} TEMPLATE {_MIGRATED}")
        return self._address(name)

    def _create(self, name: str) -> None:
        with psycopg.connect(f"host={self.folder} user=idproof dbname=postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]

    def _address(self, name: str) -> str:
        return f"postgresql://idproof@/{name}?host={self.folder}"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # the server that is left running would hold a pipe open
            stderr=subprocess.DEVNULL,
            timeout=120,
            **self._user,
        )
        assert done.returncode == 0, f"{program}: {(self.folder / 'log').read_text() if program == 'pg_ctl' else done}"


@contextmanager
def cluster() -> Iterator[Cluster]:
    # Not below pytest's folder, which belongs to its user alone; and a socket's path may have 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="idproof-pg-"))
    made = Cluster(folder)
    made.make()
    made.start()
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)


def _programs() -> Path:
    found = [Path(where).parent] if (where := shutil.which("initdb")) else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    assert found, "these tests need PostgreSQL: sudo apt-get install -y postgresql (`make test` does)"
    return found[0]
