"""Two processes on one database, killed again and again: one verifies and decides, one delivers the events.

What people decide goes through the same code as their requests: two officers' opinions of a review, and an officer's
decision at a counter, after a ticket, its opening, and captures that were taken there.

Run as a program it is the parent of both: it has imported everything, so that a fork is quick. It reads `folder`,
`core`, `seed`, `events` and the longest time between kills from its arguments, and ends when so many things were
acknowledged, or the time is over.
"""

import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx
from case_bench import CLIENT
from fakes import FakeVerifier, a_verdict
from sqlalchemy import Engine, event, select, update

from idproof.pipeline import Decision, Outcome, Status, Verdict
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.types import CheckResult
from idproof.pipeline.verdict import to_json
from idproof.service.cases.counter import CounterChoice
from idproof.service.cases.states import CAPTURING, UNFINISHED, RegistrationStatus
from idproof.service.errors import ServiceProblem
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.outbox import DeliveryTiming, DeliveryWorker, Destination, Outbox
from idproof.service.registrations import records_again
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.reviews.decisions import REASONS as REVIEW_REASONS
from idproof.service.reviews.decisions import ReviewDecision
from idproof.service.reviews.opening import open_reviews
from idproof.service.reviews.reviews import WantedDecision
from idproof.service.reviews.rules import ReviewRules
from idproof.service.signing.jws import payload_hash, sign
from idproof.service.signing.keys import KeyRing
from idproof.service.storage import Ledger, Ticket, VerdictStore, ledger
from idproof.service.storage.schema import OUTBOX
from idproof.service.storage.schema_registrations import RECORD_RETRIES, REGISTRATIONS

LEAST_KILLS = 2
"""Kills of every run, however quickly it made its events."""
LEASE_S = 0.3
"""Seconds of every lease, so that what a killed process held is free again soon."""
REASONS: dict[Decision, tuple[tuple[str, ...], ...]] = {
    Decision.ACCEPT: ((),),
    Decision.REFER: (("selfie_blurred",), ("records_unavailable",), ("face_similarity_low",), ("captures_injectable",)),
    Decision.REJECT: (("face_mismatch",), ("card_lost_or_invalid",)),
}
OFFICERS = {"client:anna": "HK-0421", "client:ben": "HK-0422", "client:cara": "HK-0423"}
COUNTER, NUMBER = "client:counter", "A123456(3)"
OPINIONS = {  # most officers agree, so that enough reviews end with an accept
    ReviewDecision.ACCEPT: 6,
    ReviewDecision.REFUSE: 2,
    ReviewDecision.NEW_CAPTURE: 1,
    ReviewDecision.COUNTER: 1,
}
OF_OTHERS = (
    "request_in_progress",  # a lease of the dead
    "registration_closed",
    "review_unavailable",
    "review_not_claimed",  # a slow machine: the claim is over
    "second_officer_needed",
    "counter_verdict_unsuitable",
)
"""Refusals that an honest caller meets here: somebody else came first, or the captures allow no accept."""
PASSED = CheckResult("face_comparison", Status.ASSESSED, Outcome.PASS, 0.6, "cosine", 0.8, None, 0.4)


def open_intake(settings: Settings) -> RegistrationIntake:
    """Everything between a verdict and its events, without a server."""
    ledger.LEASE_S = LEASE_S
    # Processes are killed here, not machines: what was written is there without waiting for the disk.
    os.fsync = lambda _: None
    event.listen(Engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    ring = KeyRing(settings)
    store = VerdictStore.open(settings, ring.current.sealing)
    book, outbox = Ledger(store), Outbox(store.database, store.seal)
    timing = DeliveryTiming(first_wait_s=0.01, longest_wait_s=0.05)
    worker = DeliveryWorker(outbox, store, book, ring, settings, random.Random(1), timing=timing)
    verifier = FakeVerifier()
    verifier.records = answered
    audit = AuditLog.open(settings, ring)
    intake = RegistrationIntake(settings, verifier, ring, store, book, audit, worker)  # type: ignore[arg-type]
    intake.reviews = open_reviews(intake)
    assert intake.reviews is not None
    intake.reviews.rules = ReviewRules(claim_s=LEASE_S, confirmed=False)
    return intake


def enrol(intake: RegistrationIntake) -> None:
    assert intake.reviews is not None
    for client, officer in OFFICERS.items():
        intake.reviews.reviewers.enrol(client, officer, None)


def answered(earlier: Verdict) -> Verdict:
    """The records answer every other time."""
    if random.random() < 0.5:
        return earlier
    record = CheckResult("records", Status.ASSESSED, Outcome.PASS)
    return replace(earlier, decision=Decision.ACCEPT, reasons=(), checks=(PASSED, record))


class Actor:
    """Verifies and decides at random, and notes what it was told is stored."""

    def __init__(self, folder: Path, settings: Settings, seed: int) -> None:
        self.intake = open_intake(settings)
        self.rng = random.Random(seed)
        self.notes = os.open(folder / "acknowledged", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def run(self) -> None:
        while True:
            self.step()

    def step(self) -> None:
        row = self._unfinished()
        if row is None or self.rng.random() < 0.2:
            self._note(self.intake.cases.open(CLIENT, f"r-{self.rng.randrange(1000)}").id, 1)
            return
        try:
            if RegistrationStatus(row.status) in CAPTURING and self.rng.random() < 0.9:
                self._verify(row.id)
            elif row.status == RegistrationStatus.IN_REVIEW:
                self._review(row.id)
            elif row.status == RegistrationStatus.AT_COUNTER:
                self._decide_at_counter(row.id)
            self._ask_records()
        except ServiceProblem as problem:
            if problem.code not in OF_OTHERS:
                raise

    def _unfinished(self) -> Any:
        with self.intake.store.database.read() as connection:
            rows = connection.execute(select(REGISTRATIONS).where(REGISTRATIONS.c.status.in_(UNFINISHED)).limit(30))
            found = rows.all()
        return self.rng.choice(found) if found else None

    def _verify(self, registration: str, client: str = CLIENT) -> None:
        intake = self.intake
        ticket = intake.ledger.begin(client, None, None, registration)
        assert isinstance(ticket, Ticket)
        decision = self.rng.choice(list(Decision))
        reasons = self.rng.choice(REASONS[decision])
        silent = CheckResult.not_assessed("records", "records_unavailable")
        found = replace(a_verdict(), decision=decision, reasons=reasons, checks=(PASSED, silent))
        level = CaptureLevel.DEVICE if client == COUNTER else CaptureLevel.UPLOAD
        found = replace(found, form={"number": NUMBER}, capture_level=level.value)
        response = to_json(found) | {"id": ticket.id, "reference": None, "session": None, "guardian": None}
        response |= {"registration": registration, "core_only": None}
        response |= {"jws": sign(response, intake.keys.current, intake.settings.issuer)}

        def follow(connection: Any) -> None:
            intake.consequences.store(connection, ticket, response, found, [Destination.CORE])

        intake.ledger.finish(ticket, response, None, follow, NUMBER)
        self._note(ticket.id, 0)

    def _review(self, registration: str) -> None:
        """One officer claims the review and gives an opinion; the last one decides."""
        reviews = self.intake.reviews
        assert reviews is not None
        client = self.rng.choice(list(OFFICERS))
        with self.intake.store.database.read() as connection:
            found = reviews.store.of_registration(connection, registration)
        if not found:
            return  # decided meanwhile
        reviews.claim(client, found[0])
        (decision,) = self.rng.choices(list(OPINIONS), list(OPINIONS.values()))
        wanted = WantedDecision(OFFICERS[client], decision, REVIEW_REASONS[decision][0])
        decided = reviews.decide(client, registration, wanted)
        if decided["outcome"] is not None:
            self._note(payload_hash(decided["statement"]), 0)

    def _decide_at_counter(self, registration: str) -> None:
        desk = self.intake.counter
        code = desk.issue(registration, CLIENT).code
        desk.open(code, COUNTER)
        if self.rng.random() < 0.7:
            self._verify(registration, COUNTER)
        choice = self.rng.choice(list(CounterChoice))
        self._note(payload_hash(desk.decide(code, COUNTER, choice, "officer-7").statement), 0)

    def _ask_records(self) -> None:
        with self.intake.store.database.write() as connection:
            connection.execute(update(RECORD_RETRIES).values(due_ms=0))
        records_again.ask_next(self.intake)

    def _note(self, what: str, number: int) -> None:
        os.write(self.notes, f"{what} {number}\n".encode())


def deliver(settings: Settings) -> None:
    """Delivers for as long as it lives."""
    worker = open_intake(settings).delivery_worker

    async def go() -> None:
        async with httpx.AsyncClient() as client:
            while True:
                async with anyio.create_task_group() as attempts:
                    for due in worker.outbox.claim(Destination.CORE, 16, LEASE_S):
                        attempts.start_soon(worker.attempt, client, due)
                await anyio.sleep(0.005)

    anyio.run(go)


def fork(work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException:  # noqa: BLE001 - the parent says that a child ended by itself
        traceback.print_exc()
    os._exit(1)


def waiting(settings: Settings) -> int:
    store = VerdictStore.open(settings, KeyRing(settings).current.sealing)
    with store.database.read() as connection:
        left = connection.execute(select(OUTBOX.c.seq).where(OUTBOX.c.state != "delivered")).all()
    store.close()
    return len(left)


def main(folder: Path, core: str, seed: int, events: int, longest_s: float) -> None:
    """Kills and starts anew until the notes say enough, then lets the last deliverer finish."""
    settings = Settings(data_dir=folder / "data", core_url=core, review_referred=True, reviewers_confirmed=False)
    intake = open_intake(settings)  # makes the keys and the tables
    enrol(intake)
    intake.store.close()
    rng, kills, deadline = random.Random(seed), 0, time.monotonic() + 3600
    works: list[Callable[[int], int]] = [
        lambda n: fork(lambda: Actor(folder, settings, n).run()),
        lambda _: fork(lambda: deliver(settings)),
    ]
    children = [work(rng.getrandbits(32)) for work in works]
    while (count(folder) < events or kills < LEAST_KILLS) and time.monotonic() < deadline:
        time.sleep(rng.uniform(0.2, longest_s))
        which = rng.randrange(2)
        os.kill(children[which], signal.SIGKILL)
        if not os.WIFSIGNALED(os.waitpid(children[which], 0)[1]):
            os.kill(children[1 - which], signal.SIGKILL)
            raise SystemExit("a child ended by itself")
        kills += 1
        children[which] = works[which](rng.getrandbits(32))
    os.kill(children[0], signal.SIGKILL)
    os.waitpid(children[0], 0)
    while waiting(settings) and time.monotonic() < deadline:
        time.sleep(0.2)
    os.kill(children[1], signal.SIGKILL)
    sys.stdout.write(f"\n{kills}\n")


def count(folder: Path) -> int:
    notes = folder / "acknowledged"
    return notes.read_bytes().count(b"\n") if notes.exists() else 0


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
