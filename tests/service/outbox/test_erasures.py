"""An erasure reaches the identity core after the verdict it is about, once, and holds nothing up."""

from datetime import UTC, datetime

import pytest
from outbox_bench import Bench
from peers import IdentityCore
from sqlalchemy import select

from idproof.service.errors import SignatureInvalid
from idproof.service.operations import retention
from idproof.service.operations.audit import AuditLog
from idproof.service.outbox import Destination, delivery
from idproof.service.signing.jws import verify
from idproof.service.storage.schema import OUTBOX


def test_an_erased_verdict_is_not_delivered(bench: Bench, core: IdentityCore) -> None:
    erased, lost = bench.verdict("r1"), bench.verdict("r2")
    bench.store.erase(erased)
    with bench.store.database.read() as connection:
        assert erased not in [row.verification for row in connection.execute(select(OUTBOX))]
    bench.rounds()
    assert core.verdicts() == [lost]


def test_an_erasure_reaches_the_core_signed_as_what_it_is(bench: Bench, core: IdentityCore, audit: AuditLog) -> None:
    erased = bench.verdict("r1")
    bench.until_quiet()
    assert retention.erase(bench.store, audit, erased, by="operator")
    assert not retention.erase(bench.store, audit, erased, by="operator")
    bench.until_quiet()
    verdict, event = core.order
    claims = {"iss": "idproof", "aud": "identity-core", "verification": erased}
    assert event == event | claims
    assert datetime.fromisoformat(event["erased_at"]) <= datetime.now(UTC)
    assert event["sequence"] > verdict["sequence"]
    assert "verdict" not in event
    assert verify(core.tokens[1], bench.ring.current.public(), delivery.ERASURE_EVENT)["jti"] == event["jti"]
    with pytest.raises(SignatureInvalid):
        verify(core.tokens[1], bench.ring.current.public(), delivery.CORE_EVENT)


def test_an_erasure_of_a_person_is_reported_once_per_verdict_and_an_expiry_is_not(
    bench: Bench, core: IdentityCore, audit: AuditLog
) -> None:
    erased = [bench.verdict(f"r{number}", number="A123456(3)") for number in range(2)]
    bench.until_quiet()
    assert retention.erase_person(bench.store, audit, "A1234563", by="operator") == 2
    bench.until_quiet()
    assert {event["verification"] for event in core.order if "erased_at" in event} == set(erased)
    bench.verdict("r3")
    bench.until_quiet()
    assert retention.expire(bench.store, audit, -1) == 1
    bench.until_quiet()
    assert len(core.order) == 5


def test_an_erasure_follows_the_delivery_that_is_on_its_way(bench: Bench, core: IdentityCore, audit: AuditLog) -> None:
    erased = bench.verdict("r1")
    (on_its_way,) = bench.outbox.claim(Destination.CORE, 16)
    retention.erase(bench.store, audit, erased, by="operator")
    assert bench.outbox.claim(Destination.CORE, 16) == []
    bench.outbox.delivered(on_its_way)
    bench.until_quiet()
    assert [event["verification"] for event in core.order] == [erased]
    assert "erased_at" in core.order[0]


def test_an_erasure_waits_for_no_dead_delivery_and_holds_up_no_verdict(
    bench: Bench, core: IdentityCore, audit: AuditLog
) -> None:
    dead, erased = bench.verdict("r1"), bench.verdict("r1")
    (claimed,) = bench.outbox.claim(Destination.CORE, 16)
    assert claimed.verification == dead
    bench.outbox.failed(claimed, "status_500", None)
    retention.erase(bench.store, audit, erased, by="operator")
    bench.until_quiet()
    assert [event["verification"] for event in core.order] == [erased]
    # A core that refuses erasures holds up no verdict of the registration.
    second = bench.verdict("r2")
    bench.until_quiet()
    retention.erase(bench.store, audit, second, by="operator")
    (claimed,) = bench.outbox.claim(Destination.CORE, 16)
    bench.outbox.failed(claimed, "status_400", None)
    later = bench.verdict("r2")
    bench.until_quiet()
    assert core.verdicts()[-1] == later


def test_no_erasure_is_reported_to_a_core_that_was_not_sent_the_verdict(bench: Bench, audit: AuditLog) -> None:
    erased = bench.verdict("r1", Destination.WEBHOOK)
    retention.erase(bench.store, audit, erased, by="operator")
    assert bench.outbox.entries() == []
