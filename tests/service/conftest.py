"""Fixtures for the service's tests: a running server, an empty database of each kind, an identity core, a browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from migrated import copied_to_empty_files, upgrade_from_empty
from peers import IdentityCore, running
from postgres import Cluster, cluster
from server_process import Server, start, stop
from sqlalchemy import Engine

from idproof.service.operations.settings import Settings
from idproof.service.storage import Database, migrate

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session", autouse=True)
def _callers_need_no_key() -> Iterator[None]:
    """As for an operator who tries the service out; tests of access say otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDPROOF_ANONYMOUS", "1")
        yield


@pytest.fixture(scope="session", autouse=True)
def _databases_begin_migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with copied_to_empty_files(tmp_path_factory.mktemp("migrated")):
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
    """Settings with a database without rows, once of each kind."""
    url = request.getfixturevalue("postgresql").database() if request.param == "postgresql" else None
    return Settings(data_dir=tmp_path / "data", database_url=url)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_on_either(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with a database without tables, once of each kind."""
    monkeypatch.setattr(migrate, "upgrade", upgrade_from_empty)
    url = request.getfixturevalue("postgresql").database(empty=True) if request.param == "postgresql" else None
    return Settings(data_dir=tmp_path / "data", database_url=url)


@pytest.fixture
def core() -> Iterator[IdentityCore]:
    with running(IdentityCore()) as peer:
        yield peer


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    """A browser for the tests of one module."""
    from kiosk_page import browser  # only tests of pages need the browser's driver

    with browser() as opened:
        yield opened


@pytest.fixture(autouse=True)
def _connections_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Closes every connection at the end of a test: drivers warn of forgotten ones, and warnings are errors here."""
    opened: list[Database] = []
    begin = Database.__init__

    def remember(database: Database, engine: Engine) -> None:
        begin(database, engine)
        opened.append(database)

    monkeypatch.setattr(Database, "__init__", remember)
    yield
    for database in opened:
        database.close()
