"""A device's session without a socket, its guide, and the device's chain."""

from collections.abc import Iterator

import pytest
from device_sessions import NONCE, SECRET, FakeGuide, new_session

from idproof.service.stream.chain import Chain
from idproof.service.stream.session import DeviceSession


@pytest.fixture
def guide() -> FakeGuide:
    return FakeGuide()


@pytest.fixture
def session(guide: FakeGuide) -> Iterator[DeviceSession]:
    made = new_session(guide=guide)
    yield made
    made.end()


@pytest.fixture
def device() -> Chain:
    return Chain(SECRET, NONCE)
