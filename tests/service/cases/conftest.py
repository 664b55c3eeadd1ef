"""Registrations on a database of each kind, with an identity core that answers."""

from collections.abc import Iterator

import pytest
from case_bench import CaseBench
from peers import IdentityCore, running

from idproof.service.operations.settings import Settings


@pytest.fixture
def core() -> Iterator[IdentityCore]:
    with running(IdentityCore()) as peer:
        yield peer


@pytest.fixture
def bench(on_either: Settings, core: IdentityCore) -> CaseBench:
    return CaseBench(on_either.model_copy(update={"core_url": core.url}))
