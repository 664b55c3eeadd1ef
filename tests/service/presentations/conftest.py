"""A department's verifier and a holder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from presentation_desk import Counter, opened
from presenting_wallets import PresentingWallet


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with opened(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    """One for tests that look at single presentations."""
    with opened(tmp_path_factory.mktemp("shared")) as found:
        yield found


@pytest.fixture(scope="module")
def holder(shared: Counter) -> PresentingWallet:
    return shared.wallet()


@pytest.fixture
def wallet(counter: Counter) -> PresentingWallet:
    return counter.wallet()
