"""Every verdict reaches the identity core: at least once, in order, whatever the core does."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from commands import Ended, idproof
from fakes import FILES, FakeVerifier, serving
from outbox_bench import Bench
from peers import IdentityCore, Peer, Reply, running, slow

from idproof.pipeline.errors import CardNotFound
from idproof.pipeline.types import Role
from idproof.service.operations.settings import Settings
from idproof.service.outbox import Delivery, DeliveryTiming, Destination, delivery
from idproof.service.signing.jws import verify


def test_a_verdict_is_delivered_signed_with_all_that_the_contract_says(bench: Bench, core: IdentityCore) -> None:
    verdict_id = bench.verdict("r1")
    bench.until_quiet()
    (event,) = core.order
    assert event == event | {"iss": "idproof", "aud": "identity-core", "verification": verdict_id, "reference": "r1"}
    assert event["verdict"] == f"jws of {verdict_id}"
    claims = verify(core.tokens[0], bench.ring.current.public(), delivery.CORE_EVENT)
    assert claims["jti"] == event["jti"]
    assert bench.outbox.counts() == {"pending": 0, "delivered": 1, "dead": 0}


def test_a_delivery_of_a_transaction_that_failed_is_not_made(bench: Bench) -> None:
    def half() -> None:
        with bench.store.database.write() as connection:
            bench.outbox.add(connection, Destination.CORE, "ver_1", "r")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        half()
    assert bench.outbox.entries() == []


def failing(first: int, reply: Reply) -> Callable[[], Reply | None]:
    left = [reply] * first
    return lambda: left.pop() if left else None


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ((500, b"no"), "status_500"),
        ((503, b"busy"), "status_503"),
        ((302, b""), "status_302"),
        ((400, b"{}"), "status_400"),
        ((200, b"<html>a proxy's page</html>"), "not_acknowledged"),
        ((200, b'{"received": "evt_another"}'), "not_acknowledged"),
        ((200, b"[" * 100_000), "not_acknowledged"),
    ],
)
def test_whatever_the_core_answers_each_verdict_arrives_once_and_in_order(
    bench: Bench, core: IdentityCore, reply: Reply, error: str
) -> None:
    core.trouble = failing(4, reply)
    ids = [bench.verdict("r1" if n % 2 else "r2") for n in range(6)]
    bench.rounds()
    assert error in {entry.error for entry in bench.outbox.entries()}
    bench.until_quiet()
    assert sorted(core.verdicts()) == sorted(ids)
    for registration in ("r1", "r2"):
        arrived = [event["verification"] for event in core.order if event["reference"] == registration]
        assert arrived == sorted(arrived)
    assert core.changed == 0


def test_a_core_that_does_not_answer_or_is_too_slow_gets_the_verdict_later(
    to_core: Settings, core: IdentityCore
) -> None:
    bench = Bench(to_core, DeliveryTiming(first_wait_s=0.01, longest_wait_s=0.02, timeout_s=0.2))
    core.stop()
    verdict_id = bench.verdict("r1")
    bench.rounds()
    assert bench.outbox.entries()[0].error == "transport_ConnectError"
    again = IdentityCore(core.port)
    with running(again):
        again.trouble = slow(0.5)
        time.sleep(0.05)
        bench.rounds()
        assert bench.outbox.entries()[0].error == "too_slow"
        again.trouble = lambda: None
        bench.until_quiet()
        assert again.verdicts() == [verdict_id]


def test_a_later_one_of_a_registration_waits_for_the_earlier_and_others_do_not(
    bench: Bench, core: IdentityCore
) -> None:
    first, second, other = bench.verdict("r1"), bench.verdict("r1"), bench.verdict("r2")
    core.trouble = failing(1, (500, b""))
    bench.rounds()
    assert second not in core.verdicts()
    bench.until_quiet()
    assert core.verdicts().index(first) < core.verdicts().index(second)
    assert other in core.verdicts()


def test_after_the_last_attempt_a_delivery_waits_for_an_operator(to_core: Settings, core: IdentityCore) -> None:
    bench = Bench(to_core.model_copy(update={"outbox_attempts": 3}), DeliveryTiming(first_wait_s=0.0))
    core.trouble = failing(3, (500, b""))
    first, second = bench.verdict("r1"), bench.verdict("r1")
    bench.rounds(6)
    dead, waiting = bench.outbox.entries()
    assert (dead.state, dead.attempts, dead.error) == ("dead", 3, "status_500")
    assert (waiting.state, waiting.attempts) == ("pending", 0)  # not ahead of the one before
    assert bench.outbox.retry("evt_none") == 0
    assert bench.outbox.retry(dead.event) == 1
    bench.until_quiet()
    assert core.verdicts() == [first, second]


def test_two_workers_do_not_claim_the_same_delivery(bench: Bench) -> None:
    for n in range(5):
        bench.verdict(f"r{n}")
    assert len(bench.outbox.claim(Destination.CORE, 16)) == 5
    assert bench.outbox.claim(Destination.CORE, 16) == []


def test_a_delivery_whose_lease_expired_is_claimed_again(bench: Bench) -> None:
    bench.verdict("r1")
    assert len(bench.outbox.claim(Destination.CORE, 16, lease_s=1.0)) == 1
    assert bench.outbox.claim(Destination.CORE, 16) == []
    time.sleep(1.1)
    assert len(bench.outbox.claim(Destination.CORE, 16)) == 1


def test_waits_double_up_to_the_longest_with_jitter(to_core: Settings) -> None:
    bench = Bench(to_core, DeliveryTiming(first_wait_s=1.0, longest_wait_s=300.0))
    waits = [bench.delivery_worker._wait(n) or 0 for n in range(30)]
    assert all(0.5 * min(300, 2**n) <= wait <= min(300, 2**n) for n, wait in enumerate(waits))
    assert bench.delivery_worker._wait(99) is None


@contextmanager
def stalled() -> Iterator[tuple[Peer, Event]]:
    """A webhook that receives requests and answers none until the event is set."""
    released = Event()

    def wait() -> None:
        released.wait(60)

    with running(IdentityCore()) as peer:
        peer.trouble = wait
        try:
            yield peer, released
        finally:
            released.set()


@contextmanager
def delivering(bench: Bench) -> Iterator[None]:
    """Runs the worker in the background."""
    with start_blocking_portal() as portal:
        future = portal.start_task_soon(bench.delivery_worker.run)
        try:
            yield
        finally:
            future.cancel()


def test_a_stalled_webhook_does_not_delay_the_core(to_core: Settings, core: IdentityCore) -> None:
    """More events than attempts run at once; the time limit is far above this test's, so that only waiting can fail."""
    with stalled() as (hook, released):
        bench = Bench(to_core.model_copy(update={"webhook_url": hook.url}), DeliveryTiming(timeout_s=30))
        hooked = [bench.verdict(f"w{n}", Destination.WEBHOOK) for n in range(40)]
        with delivering(bench):
            until(lambda: hook.attempts == 16)
            for n in range(6):
                bench.verdict("r1" if n % 2 else "r2")
            until(lambda: len(core.order) == 6)
            assert hook.attempts == 16
            released.set()
            until(lambda: len(hook.order) == 40)
        assert sorted(hook.verdicts()) == sorted(hooked)


def test_a_stalled_delivery_does_not_delay_those_of_other_registrations(to_core: Settings, core: IdentityCore) -> None:
    released = Event()
    holds = [released]
    core.trouble = lambda: holds.pop().wait(60) and None if holds else None
    bench = Bench(to_core, DeliveryTiming(timeout_s=30))
    try:
        with delivering(bench):
            first = bench.verdict("r1")
            until(lambda: core.attempts == 1)
            later, others = bench.verdict("r1"), [bench.verdict(f"r{n}") for n in range(2, 9)]
            until(lambda: len(core.order) == 7)
            assert sorted(core.verdicts()) == sorted(others)
            released.set()
            until(lambda: len(core.order) == 9)
        assert core.verdicts()[-2:] == [first, later]
    finally:
        released.set()


def until(happened: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def arrived(core: IdentityCore, count: int) -> bool:
    deadline = time.monotonic() + 10
    while len(core.order) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return len(core.order) >= count


def test_a_running_service_delivers_at_once_and_sends_asynchronous_results_to_the_webhook(
    to_core: Settings, core: IdentityCore
) -> None:
    def fail() -> None:
        raise KeyError

    def no_card() -> None:
        raise CardNotFound("There is no card.", capture=Role.CARD_TILT_LEFT)

    with running(IdentityCore()) as hook:
        settings = to_core.model_copy(update={"webhook_url": hook.url})
        verifier = FakeVerifier()
        with serving(settings, verifier) as (host, port):
            url = f"http://{host}:{port}"
            waited = httpx.post(f"{url}/v1/verifications", files=FILES).json()
            assert arrived(core, 1)
            headers = {"Prefer": "respond-async"}
            later = httpx.post(f"{url}/v1/verifications", files=FILES, headers=headers).json()["id"]
            assert arrived(core, 2)
            assert arrived(hook, 1)
            verifier.act = fail
            failed = httpx.post(f"{url}/v1/verifications", files=FILES, headers=headers).json()["id"]
            assert arrived(hook, 2)
            verifier.act = no_card
            metadata = {"metadata": (None, json.dumps({"reference": "registration-000017"}), "application/json")}
            httpx.post(f"{url}/v1/verifications", files=FILES | metadata, headers=headers).raise_for_status()
            assert arrived(hook, 3)
            httpx.delete(f"{url}/v1/verifications/{later}").raise_for_status()
            assert arrived(core, 3)
            jwks = httpx.get(f"{url}/.well-known/jwks.json").json()
        core.verified(jwks)
        hook.verified(jwks)
        assert [event["verification"] for event in core.order] == [waited["id"], later, later]
        assert "erased_at" in core.order[2]
        assert core.order[0]["verdict"] == waited["jws"]
        done, lost, unusable = hook.order
        assert (done["verification"], done["status"], done["decision"]) == (later, "done", "refer")
        assert (lost["verification"], lost["status"], lost["code"]) == (failed, "failed", "internal")
        assert (lost["capture"], lost["reference"]) == (None, None)
        assert unusable == unusable | {"status": "failed", "code": "card_not_found"}
        assert (unusable["capture"], unusable["reference"]) == ("card_tilt_left", "registration-000017")
        assert "fields" not in json.dumps(hook.order)


def test_the_outbox_commands(tmp_path: Path) -> None:
    bench = Bench(Settings(data_dir=tmp_path))

    def outbox(*arguments: str) -> Ended:
        return idproof("outbox", *arguments, "--data-dir", tmp_path)

    verdict_id = bench.verdict("r1")
    (entry,) = bench.outbox.entries()
    assert isinstance(entry, Delivery)
    bench.outbox.failed(entry, "status_500", None)
    listed = outbox("list", "--state", "dead").stdout
    assert listed.startswith(f"{entry.event}  core  dead  1 attempts  {verdict_id}")
    assert listed.endswith("status_500\n")
    assert outbox("retry").stdout == "1 to be tried again\n"
    assert outbox("retry").returncode == 1
    assert outbox("list", "--state", "dead").stdout == ""
