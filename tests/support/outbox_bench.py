"""An outbox with its verdicts and its delivery worker, without a server."""

import random
import time
from typing import Any

import anyio
import httpx

from idproof.service.operations.settings import Settings
from idproof.service.outbox import DeliveryTiming, DeliveryWorker, Destination, Outbox
from idproof.service.signing.keys import KeyRing
from idproof.service.storage import Ledger, VerdictStore

QUICK = DeliveryTiming(first_wait_s=0.01, longest_wait_s=0.02)


class Bench:
    """An outbox, its verdicts and its delivery worker, without a server."""

    def __init__(self, settings: Settings, timing: DeliveryTiming = QUICK) -> None:
        self.settings = settings
        self.ring = KeyRing(settings)
        self.store = VerdictStore.open(settings, self.ring.current.sealing)
        self.ledger = Ledger(self.store)
        self.outbox = Outbox(self.store.database, self.store.seal)
        self.delivery_worker = DeliveryWorker(
            self.outbox, self.store, self.ledger, self.ring, settings, random.Random(1), timing=timing
        )

    def verdict(self, registration: str, to: Destination = Destination.CORE, number: str | None = None) -> str:
        ticket = self.ledger.begin("one", None, None)
        document = {"reference": registration, "jws": f"jws of {ticket.id}", "core_only": None}
        document |= {"decision": "accept", "reasons": []}

        def also(connection: Any) -> None:
            self.outbox.add(connection, to, ticket.id, registration)

        self.ledger.finish(ticket, document, None, also, number)  # type: ignore[arg-type]
        return ticket.id

    def rounds(self, count: int = 1) -> None:
        async def go() -> None:
            async with httpx.AsyncClient() as client:
                for _ in range(count):
                    async with anyio.create_task_group() as attempts:
                        for due in self.outbox.claim(Destination.CORE, 16):
                            attempts.start_soon(self.delivery_worker.attempt, client, due)

        anyio.run(go)

    def until_quiet(self, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while self.outbox.counts()["pending"] and time.monotonic() < deadline:
            self.rounds()
