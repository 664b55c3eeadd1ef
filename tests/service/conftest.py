"""Fixtures for the service's tests: a running server and an empty database of each kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres import Cluster, cluster
from server_process import Server, start, stop
from sqlalchemy import Engine

from idproof.service.operations.settings import Settings
from idproof.service.storage import Database


@pytest.fixture(scope="session", autouse=True)
def _callers_need_no_key() -> Iterator[None]:
    """As for an operator who tries the service out; tests of access say otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDPROOF_ANONYMOUS", "1")
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running, process = start(tmp_path_factory.mktemp("server"))
    yield running
    stop(process)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def on_either(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with an empty database, once of each kind."""
    url = request.getfixturevalue("postgresql").database() if request.param == "postgresql" else None
    return Settings(data_dir=tmp_path / "data", database_url=url)


@pytest.fixture(autouse=True)
def _connections_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """However a test ends: the drivers warn of connections that are forgotten, and warnings are errors here."""
    opened: list[Database] = []
    begin = Database.__init__

    def remember(database: Database, engine: Engine) -> None:
        begin(database, engine)
        opened.append(database)

    monkeypatch.setattr(Database, "__init__", remember)
    yield
    for database in opened:
        database.close()
