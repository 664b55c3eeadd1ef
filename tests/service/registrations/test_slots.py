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


def test_a_registration_that_would_wait_too_long_is_refused_by_the_measured_time() -> None:
    slots = Slots(100, at_once=2, wait_s=3.0)
    with ExitStack() as held:
        for number in range(8):
            held.enter_context(slots.hold(str(number)))  # nothing is measured: only the slots bound
        slots.record(1.0)
        assert slots.waiting_s == 3.5  # the seventh of those that wait, two at a time
        with pytest.raises(ServiceProblem) as refused, slots.hold("late"):
            pass
        assert (refused.value.code, refused.value.retry_after) == ("busy", 1)
        slots.record(11.0)  # a fifth of its weight
        assert slots.service_s == pytest.approx(3.0)
        with pytest.raises(ServiceProblem) as refused, slots.hold("late"):
            pass
        assert refused.value.retry_after == 8  # 7 × 3 / 2 s to wait, of which 3 are bearable
    for _ in range(30):
        slots.record(0.5)
    assert slots.service_s == pytest.approx(0.5, abs=0.01)
    assert slots.waiting_s == 0


def test_a_full_server_says_when_the_next_one_is_done() -> None:
    slots = Slots(2, at_once=2)
    slots.record(9.0)
    with slots.hold("one"), slots.hold("other"), pytest.raises(ServiceProblem) as refused, slots.hold("third"):
        pass
    assert (refused.value.code, refused.value.retry_after) == ("busy", 5)
