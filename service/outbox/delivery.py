"""Delivers the events of the outbox as signed JWTs over HTTP until they are acknowledged."""

import json
import random
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx
import structlog

from idproof.service.cases import history
from idproof.service.errors import log_error
from idproof.service.operations.settings import Settings
from idproof.service.operations.tls import client_context
from idproof.service.outbox.queue import Delivery, Destination, Kind, Outbox
from idproof.service.passkeys.store import Passkeys
from idproof.service.reviews.store import ReviewStore
from idproof.service.signing.jws import sign_claims, with_valid_signature
from idproof.service.signing.keys import KeyRing
from idproof.service.storage import Ledger, VerdictStore

CORE_EVENT, WEBHOOK_EVENT = "verdict-event+jwt", "verification-event+jwt"
ERASURE_EVENT, PASSKEY_EVENT = "erasure-event+jwt", "passkey-event+jwt"
REGISTRATION_EVENT, REVIEW_EVENT = "registration-event+jwt", "review-event+jwt"
_EVENT_TYPES = {
    Kind.ERASURE: ERASURE_EVENT,
    Kind.GONE: ERASURE_EVENT,
    Kind.PASSKEY: PASSKEY_EVENT,
    Kind.UNBOUND: PASSKEY_EVENT,
    Kind.STATUS: REGISTRATION_EVENT,
    Kind.REVIEW: REVIEW_EVENT,
}
POLL_S = 2.0
"""Seconds between looks for deliveries of other processes: chosen by hand; no outside source."""
_MOST_AT_ONCE = 16
"""Attempts to one destination that run at the same time in one process: chosen by hand; no outside source."""
_LONGEST_ANSWER = 4096
"""Bytes; an acknowledgement has less than a hundred."""
_MOST_DOUBLINGS = 20
"""Keeps the power finite; the longest wait is reached long before."""
_ERROR_CHARACTERS = 64
"""Length of the database's column."""
_OK = range(200, 300)

log = structlog.get_logger("idproof")


@dataclass(slots=True)
class _Queue:
    """The deliveries of one destination.

    Attributes:
        to: the destination.
        running: number of attempts that run.
        changed: set when a delivery was added or an attempt ended.
    """

    to: Destination
    running: int = 0
    changed: anyio.Event = field(default_factory=anyio.Event)


@dataclass(frozen=True, slots=True)
class DeliveryTiming:
    """Waits and timeouts of deliveries. Chosen by hand; no outside source.

    Attributes:
        first_wait_s: longest wait after the first failed attempt, in seconds; later ones double.
        longest_wait_s: limit of the doubling, in seconds.
        timeout_s: limit of one attempt, in seconds.
        connect_s: limit of opening its connection, in seconds.
    """

    first_wait_s: float = 1.0
    longest_wait_s: float = 300.0
    timeout_s: float = 10.0
    connect_s: float = 3.0


class DeliveryWorker:
    """Delivers events; each server process has one, and leases keep two from delivering the same event.

    Each destination has a queue of its own, so that one that answers slowly, or not at all, delays no other.

    Args:
        outbox: queue of deliveries.
        verdicts, ledger: content of the events.
        keys: sign the events.
        settings: addresses, and the number of attempts.
        rng: of the jitter of waits.
        observe: called after each attempt with the destination and `delivered`, `failed` or `dead`.
        timing: waits and timeouts.
        transports: carry the deliveries to some destinations in place of the network.
    """

    def __init__(
        self,
        outbox: Outbox,
        verdicts: VerdictStore,
        ledger: Ledger,
        keys: KeyRing,
        settings: Settings,
        rng: random.Random | None = None,
        observe: Callable[[str, str], None] = lambda _to, _result: None,
        timing: DeliveryTiming = DeliveryTiming(),
        transports: Mapping[Destination, httpx.AsyncBaseTransport] | None = None,
    ) -> None:
        self.outbox = outbox
        self._verdicts = verdicts
        self._ledger = ledger
        self._passkeys = Passkeys(verdicts.database, verdicts.seal)
        self._reviews = ReviewStore(verdicts.database, verdicts.seal)
        self._keys = keys
        self._settings = settings
        self._rng = rng or random.Random()  # noqa: S311 - of waits, not of secrets
        self._observe = observe
        self._timing = timing
        self._transports = transports or {}
        self._queues = [_Queue(to) for to in Destination]
        self._urls = {Destination.CORE: settings.core_url, Destination.WEBHOOK: settings.webhook_url}

    @property
    def destinations(self) -> frozenset[Destination]:
        """Destinations that the settings give an address for."""
        return frozenset(to for to, url in self._urls.items() if url is not None)

    def wake(self) -> None:
        """Makes every queue look for deliveries at once, since one was added; must be called on the event loop."""
        for queue in self._queues:
            queue.changed.set()

    async def run(self) -> None:
        """Delivers for as long as the process lives; errors are logged and deliveries tried again."""
        # On a thread: reading the system's authorities takes a second, in which the first requests would wait.
        trust = await anyio.to_thread.run_sync(self._trust)
        async with anyio.create_task_group() as tasks:
            for queue in self._queues:
                tasks.start_soon(self._run_queue, queue, trust)

    async def _run_queue(self, queue: _Queue, trust: ssl.SSLContext) -> None:
        """Starts each due delivery of one destination as soon as fewer than `_MOST_AT_ONCE` attempts run there."""
        timeout = httpx.Timeout(self._timing.timeout_s, connect=self._timing.connect_s)
        client = httpx.AsyncClient(timeout=timeout, verify=trust, transport=self._transports.get(queue.to))

        async def attempt(delivery: Delivery) -> None:
            try:
                await self.attempt(client, delivery)
            finally:
                queue.running -= 1
                queue.changed.set()  # another may start, and the next of the same registration may be due

        async with client, anyio.create_task_group() as attempts:
            while True:
                queue.changed = anyio.Event()
                for delivery in await self._claim(queue):
                    queue.running += 1
                    attempts.start_soon(attempt, delivery)
                with anyio.move_on_after(POLL_S):
                    await queue.changed.wait()

    async def _claim(self, queue: _Queue) -> list[Delivery]:
        if queue.running >= _MOST_AT_ONCE:
            return []
        try:
            return await anyio.to_thread.run_sync(self.outbox.claim, queue.to, _MOST_AT_ONCE - queue.running)
        except Exception as error:  # noqa: BLE001 - one unexpected error must not end all deliveries
            log_error(error)
            return []

    async def attempt(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        """Tries one claimed delivery and records the result; an unexpected error is logged, and its lease expires."""
        try:
            await self._deliver(client, delivery)
        except Exception as error:  # noqa: BLE001 - its lease expires, and it is tried again
            log_error(error)

    async def _deliver(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        claims = await anyio.to_thread.run_sync(self._claims, delivery)
        if claims is None:
            await anyio.to_thread.run_sync(self.outbox.discard, delivery)
            return
        error = await self._post(client, delivery, claims)
        if error is None:
            await anyio.to_thread.run_sync(self.outbox.delivered, delivery)
            self._observe(delivery.destination, "delivered")
            log.info("delivered", delivery=delivery.event, to=delivery.destination, id=delivery.verification)
            return
        wait = self._wait(delivery.attempts)
        await anyio.to_thread.run_sync(self.outbox.failed, delivery, error, wait)
        self._observe(delivery.destination, "dead" if wait is None else "failed")
        write = log.error if wait is None else log.warning
        write(
            "not delivered",
            delivery=delivery.event,
            to=delivery.destination,
            error=error,
            attempts=delivery.attempts + 1,
        )

    async def _post(self, client: httpx.AsyncClient, delivery: Delivery, claims: dict[str, Any]) -> str | None:
        """Sends the event; returns None when it was acknowledged, else a code of the failure."""
        kind = _EVENT_TYPES.get(delivery.kind)
        if kind is None:
            kind = CORE_EVENT if delivery.destination is Destination.CORE else WEBHOOK_EVENT
        url = self._urls[delivery.destination]
        if url is None:
            return "no_address"
        headers = {"Content-Type": "application/jwt", "Idempotency-Key": delivery.event}
        body = sign_claims(claims, self._keys.current, self._settings.issuer, kind)
        try:
            with anyio.fail_after(self._timing.timeout_s):
                async with client.stream("POST", url, content=body, headers=headers) as answer:
                    if answer.status_code not in _OK:
                        return f"status_{answer.status_code}"
                    answer_body = await _read_bounded(answer)
        except TimeoutError:
            return "too_slow"
        except httpx.HTTPError as error:
            return f"transport_{type(error).__name__}"[:_ERROR_CHARACTERS]
        if delivery.destination is Destination.CORE and not _acknowledges(answer_body, delivery.event):
            return "not_acknowledged"
        return None

    def _claims(self, delivery: Delivery) -> dict[str, Any] | None:
        if delivery.registration is not None:
            return self._registration_claims(delivery, delivery.registration)
        about = {"jti": delivery.event, "sequence": delivery.seq, "verification": delivery.verification}
        if delivery.kind is Kind.ERASURE:
            return about | {"aud": "identity-core", "erased_at": delivery.created_at}
        if delivery.kind in (Kind.PASSKEY, Kind.UNBOUND):
            return self._passkey_claims(delivery, about | {"aud": "identity-core", "passkey": delivery.passkey})
        verdict = self._verdicts.load(delivery.verification)
        if delivery.destination is Destination.CORE:
            if verdict is None:
                return None
            verdict = with_valid_signature(verdict, self._keys.current)
            more = {"reference": verdict["reference"], "verdict": verdict["jws"], "core_only": verdict["core_only"]}
            return about | {"aud": "identity-core"} | more
        if verdict is not None:
            shown = {name: verdict[name] for name in ("decision", "reasons", "reference")}
            return about | {"aud": "webhook", "status": "done"} | shown
        progress = self._ledger.progress(delivery.verification, None)
        if progress is None:
            return None
        shown = {"code": progress.code, "capture": progress.capture, "reference": progress.reference}
        return about | {"aud": "webhook", "status": "failed"} | shown

    def _registration_claims(self, delivery: Delivery, registration: str) -> dict[str, Any] | None:
        """Returns the claims about a registration; None for a status whose registration was erased meanwhile."""
        audience = "identity-core" if delivery.destination is Destination.CORE else "webhook"
        about: dict[str, Any] = {"jti": delivery.event, "sequence": delivery.seq, "aud": audience}
        if delivery.review is not None:
            return self._review_claims(delivery.review, about | {"registration": registration})
        if delivery.number is None:
            return about | {"registration": registration, "erased_at": delivery.created_at}
        with self._verdicts.database.read() as connection:
            registration_claims = history.claims(connection, self._verdicts.seal, registration, delivery.number)
        return None if registration_claims is None else about | registration_claims

    def _review_claims(self, review_id: str, about: dict[str, Any]) -> dict[str, Any] | None:
        """Returns the claims of a decided review; None if its registration was erased meanwhile."""
        review = self._reviews.find(review_id)
        if review is None or review.outcome is None:
            return None
        keys = self._keys.current
        statements = [with_valid_signature({"jws": statement}, keys)["jws"] for statement in review.statements]
        review_claims = {"review": review.id, "verification": review.verification, "statements": statements}
        return about | review_claims | {"decision": review.outcome.decision, "reason": review.outcome.reason}

    def _passkey_claims(self, delivery: Delivery, about: dict[str, Any]) -> dict[str, Any] | None:
        """Returns the claims about a passkey; None for a binding whose passkey was erased meanwhile."""
        passkey = self._passkeys.find(delivery.passkey or "")
        if delivery.kind is Kind.UNBOUND:
            state = "erased" if passkey is None else "revoked"
            return about | {"state": state, "unbound_at": delivery.created_at}
        if passkey is None:
            return None
        signed = with_valid_signature({"jws": passkey.statement}, self._keys.current)
        return about | {"state": "bound", "binding": signed["jws"]}

    def _wait(self, attempts: int) -> float | None:
        if attempts + 1 >= self._settings.outbox_attempts:
            return None
        doubled = self._timing.first_wait_s * 2 ** min(attempts, _MOST_DOUBLINGS)
        longest: float = min(self._timing.longest_wait_s, doubled)
        return longest * self._rng.uniform(0.5, 1.0)

    def _trust(self) -> ssl.SSLContext:
        settings = self._settings
        return client_context(settings.peers_ca, settings.peers_cert, settings.peers_key)


async def _read_bounded(answer: httpx.Response) -> bytes:
    body = b""
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > _LONGEST_ANSWER:
            break
    return body[: _LONGEST_ANSWER + 1]


def _acknowledges(body: bytes, event: str) -> bool:
    """Returns True when the core names the event that it received; a proxy's page with status 200 does not."""
    try:
        return bool(json.loads(body)["received"] == event)
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
