"""Passkeys end with their registration, by request or after their own time, and the core is told as of a verdict."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import httpx
import pytest
from outbox_bench import QUICK
from passkey_bench import CARD, PasskeyBench, passkey_settings
from peers import IdentityCore, Reply
from soft_passkeys import Authenticator
from sqlalchemy import update

from idproof.service.errors import PasskeyRefused
from idproof.service.operations import retention
from idproof.service.operations.settings import Settings
from idproof.service.outbox import DeliveryWorker, Destination, delivery
from idproof.service.passkeys.binding import TYPE
from idproof.service.passkeys.erasure import BoundPasskeys
from idproof.service.signing.jws import verify
from idproof.service.signing.keys import KeyRing, Keys
from idproof.service.storage import VerdictStore
from idproof.service.storage.resealing import reseal_all
from idproof.service.storage.schema import PASSKEYS


@pytest.fixture
def bench(tmp_path: Path, core: IdentityCore) -> PasskeyBench:
    return PasskeyBench(passkey_settings(Settings(data_dir=tmp_path), core_url=core.url))


def deliver(bench: PasskeyBench) -> None:
    worker = DeliveryWorker(
        bench.outbox, bench.store, bench.ledger, bench.ring, bench.settings, random.Random(1), timing=QUICK
    )

    async def go() -> None:
        async with httpx.AsyncClient() as client:
            for _ in range(8):
                for due in bench.outbox.claim(Destination.CORE, 16):
                    await worker.attempt(client, due)
                await anyio.sleep(0.02)

    anyio.run(go)


def test_the_binding_reaches_the_core_signed_as_what_it_is(bench: PasskeyBench, core: IdentityCore) -> None:
    made = bench.bound(Authenticator())
    deliver(bench)
    (event,) = core.order
    claims = {"aud": "identity-core", "verification": made["verification"], "passkey": made["id"], "state": "bound"}
    assert event == event | claims | {"binding": made["binding"]}
    assert verify(core.tokens[0], bench.ring.current.public(), delivery.PASSKEY_EVENT)["jti"] == event["jti"]
    assert verify(event["binding"], bench.ring.current.public(), TYPE)["jti"] == made["id"]


def test_the_binding_follows_its_verdict_however_often_that_fails(bench: PasskeyBench, core: IdentityCore) -> None:
    verdict = bench.verdict()
    with bench.store.database.write() as connection:
        bench.outbox.add(connection, Destination.CORE, verdict["id"], f"one\0{verdict['id']}")
    bench.bound(Authenticator(), verdict)
    replies: list[Reply] = [(503, b""), (503, b"")]
    core.trouble = lambda: replies.pop() if replies else None
    deliver(bench)
    assert [("verdict" in event, event.get("state")) for event in core.order] == [(True, None), (False, "bound")]


def test_a_binding_is_delivered_with_a_valid_signature_after_its_key_was_revoked(
    bench: PasskeyBench, core: IdentityCore
) -> None:
    made = bench.bound(Authenticator())
    old = bench.ring.current.signing.kid
    Keys.rotate(bench.settings)
    Keys.revoke(bench.settings, old)
    bench.ring = KeyRing(bench.settings)
    deliver(bench)
    claims = verify(core.order[0]["binding"], bench.ring.current.public(), TYPE)
    assert claims["jti"] == made["id"]


@pytest.mark.parametrize("by", ["id", "person"])
def test_an_erased_registration_takes_its_passkeys_along(bench: PasskeyBench, core: IdentityCore, by: str) -> None:
    authenticator = Authenticator()
    made = bench.bound(authenticator)
    other = bench.bound(Authenticator(), bench.verdict(form={"number": "B234567(4)"}))
    deliver(bench)
    if by == "id":
        assert retention.erase(bench.store, bench.audit, made["verification"], by="operator")
    else:
        assert retention.erase_person(bench.store, bench.audit, CARD["number"], by="operator") == 1
    assert [each.id for each in bench.passkeys.entries()] == [other["id"]]
    with pytest.raises(PasskeyRefused):
        bench.logged_in(authenticator)
    deliver(bench)
    assert [event["passkey"] for event in core.order if event.get("state") == "erased"] == [made["id"]]
    assert made["id"] in [entry["passkey"] for entry in bench.audit_events() if entry["event"] == "passkey_erased"]


def test_a_passkey_outlives_its_verdicts_retention_and_is_erased_all_the_same(bench: PasskeyBench) -> None:
    authenticator = Authenticator()
    made = bench.bound(authenticator)
    assert retention.expire(bench.store, bench.audit, -1) == 1
    bench.logged_in(authenticator)
    assert retention.erase(bench.store, bench.audit, made["verification"], by="operator")
    assert not retention.erase(bench.store, bench.audit, made["verification"], by="operator")
    by_number = bench.bound(Authenticator())
    retention.expire(bench.store, bench.audit, -1)
    assert bench.passkeys.find(by_number["id"]) is not None
    retention.erase_person(bench.store, bench.audit, CARD["number"], by="operator")
    assert bench.passkeys.entries() == []


def test_a_passkey_ends_after_its_own_time(bench: PasskeyBench, core: IdentityCore) -> None:
    old, fresh = bench.bound(Authenticator()), bench.bound(Authenticator())
    deliver(bench)
    before = (datetime.now(UTC) - timedelta(days=366)).isoformat(timespec="seconds")
    with bench.store.database.write() as connection:
        connection.execute(update(PASSKEYS).where(PASSKEYS.c.id == old["id"]).values(created_at=before))
    BoundPasskeys(bench.store, bench.audit).clean(bench.settings.passkey_days)
    assert [each.id for each in bench.passkeys.entries()] == [fresh["id"]]
    deliver(bench)
    assert core.order[-1] == core.order[-1] | {"state": "erased", "passkey": old["id"]}


def test_a_dead_binding_does_not_hold_the_unbinding_back(bench: PasskeyBench, core: IdentityCore) -> None:
    made = bench.bound(Authenticator())
    (due,) = bench.outbox.claim(Destination.CORE, 1)
    bench.outbox.failed(due, "status_503", None)
    assert bench.registrations.revoke(made["id"], "one", "one")
    deliver(bench)
    assert [event["state"] for event in core.order] == ["revoked"]


def test_a_passkey_that_the_core_was_not_told_of_is_not_reported(tmp_path: Path) -> None:
    bench = PasskeyBench(passkey_settings(Settings(data_dir=tmp_path)), core=False)
    made = bench.bound(Authenticator())
    assert retention.erase(bench.store, bench.audit, made["verification"], by="operator")
    assert bench.outbox.entries() == []


def test_passkeys_are_sealed_anew_with_the_newest_key(bench: PasskeyBench) -> None:
    authenticator = Authenticator()
    bench.bound(authenticator)
    newest = Keys.rotate_sealing(bench.settings)
    store = VerdictStore.open(bench.settings, newest.sealing, lambda: newest.newer_sealing)
    assert reseal_all(store) == 2
    assert reseal_all(store) == 0
    with store.database.read() as connection:
        row = connection.execute(PASSKEYS.select()).one()
    assert store.seal.resealed(row.id, row.sealed) is None
    assert CARD["surname"].encode() not in bytes(row.sealed)
