"""Registrations on a database of each kind, with an identity core that answers."""

import pytest
from case_bench import CaseBench
from peers import IdentityCore

from idproof.service.operations.settings import Settings


@pytest.fixture
def bench(on_either: Settings, core: IdentityCore) -> CaseBench:
    return CaseBench(on_either.model_copy(update={"core_url": core.url}))
