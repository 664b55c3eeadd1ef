"""Slots of registrations: the bound of all, the share of one client, and what is given back."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from idproof.service.errors import ServiceProblem
from idproof.service.operations.settings import Settings
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.registrations.slots import Slots
from idproof.service.storage.verdicts import ANONYMOUS


@pytest.mark.parametrize(("concurrency", "queue", "share"), [(1, 0, 1), (1, 1, 1), (1, 2, 2), (2, 2, 3), (1, 8, 6)])
def test_the_share_of_one_client(tmp_path: Path, concurrency: int, queue: int, share: int) -> None:
    settings = Settings(data_dir=tmp_path, concurrency=concurrency, queue=queue)
    intake = RegistrationIntake(settings, *(None,) * 6)  # type: ignore[arg-type]
    assert (intake.slots.total, intake.slots.per_client) == (concurrency + queue, share)


def refusal(slots: Slots, client: str) -> str:
    with pytest.raises(ServiceProblem) as refused, slots.hold(client):
        pass
    return refused.value.code


def test_one_client_leaves_slots_to_others_and_all_come_back() -> None:
    slots = Slots(8)
    with ExitStack() as held:
        for _ in range(6):
            held.enter_context(slots.hold("one"))
        assert refusal(slots, "one") == "too_many_at_once"
        for _ in range(2):
            held.enter_context(slots.hold("another"))
        assert refusal(slots, "third") == "busy"
        assert slots.used == 8
    with pytest.raises(RuntimeError), slots.hold("one"):
        raise RuntimeError
    assert slots.used == 0


def test_callers_without_a_key_are_one_client_and_use_every_slot() -> None:
    slots = Slots(4)
    with ExitStack() as held:
        for _ in range(4):
            held.enter_context(slots.hold(ANONYMOUS))
        assert refusal(slots, ANONYMOUS) == "busy"
