"""An identity core that answers, and an outbox that delivers to it."""

import pytest
from outbox_bench import Bench
from peers import IdentityCore

from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings


@pytest.fixture
def to_core(on_either: Settings, core: IdentityCore) -> Settings:
    return on_either.model_copy(update={"core_url": core.url, "session_required": False})


@pytest.fixture
def audit(to_core: Settings, bench: Bench) -> AuditLog:
    return AuditLog.open(to_core, bench.ring)


@pytest.fixture
def bench(to_core: Settings) -> Bench:
    return Bench(to_core)
