"""Delivers what is in the outbox, as signed JWTs over HTTP, until it is acknowledged."""

import json
import random
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx
import structlog

from idproof.service.errors import log_error
from idproof.service.operations.settings import Settings
from idproof.service.operations.tls import client_context
from idproof.service.outbox.queue import Destination, Entry, Outbox
from idproof.service.signing.jws import sign_claims
from idproof.service.signing.keys import KeyRing
from idproof.service.storage import Ledger, VerdictStore

CORE_EVENT, WEBHOOK_EVENT = "verdict-event+jwt", "verification-event+jwt"
POLL_S = 2.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 300.0
_LONGEST_ANSWER = 4096
_TIMEOUT = httpx.Timeout(10.0, connect=3.0)
_OK = range(200, 300)

log = structlog.get_logger("idproof")


class DeliveryWorker:
    """One for each server process; leases keep them out of each other's way.

    Args:
        outbox: what is to be delivered.
        verdicts, ledger: what it is about.
        keys: sign the events.
        settings: where to, and how often to try.
        rng: of the waits' jitter.
        observe: told of each attempt: to whom, and `delivered`, `failed` or `dead`.
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
    ) -> None:
        self.outbox = outbox
        self._verdicts = verdicts
        self._ledger = ledger
        self._keys = keys
        self._settings = settings
        self._rng = rng or random.Random()  # noqa: S311 - of waits, not of secrets
        self._observe = observe
        self._wake = anyio.Event()
        self._urls = {Destination.CORE: settings.core_url, Destination.WEBHOOK: settings.webhook_url}

    @property
    def destinations(self) -> frozenset[Destination]:
        """Who is told at all."""
        return frozenset(to for to, url in self._urls.items() if url is not None)

    def wake(self) -> None:
        """Something was added; call it on the event loop."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver for as long as the process lives; what goes wrong is noted and tried again."""
        async with httpx.AsyncClient(timeout=_TIMEOUT, verify=self._trust(), follow_redirects=False) as client:
            while True:
                self._wake = anyio.Event()
                try:
                    busy = await self.once(client)
                except Exception as error:  # noqa: BLE001 - what is owed must not end with one surprise
                    busy = False
                    log_error(error)
                if not busy:
                    with anyio.move_on_after(POLL_S):
                        await self._wake.wait()

    async def once(self, client: httpx.AsyncClient) -> bool:
        """One round; whether there was anything to do."""
        entries = await anyio.to_thread.run_sync(self.outbox.claim)
        async with anyio.create_task_group() as tasks:
            for entry in entries:
                tasks.start_soon(self._guarded, self._deliver, client, entry)
        return bool(entries)

    async def _guarded(
        self, deliver: Callable[[httpx.AsyncClient, Entry], Awaitable[None]], client: httpx.AsyncClient, entry: Entry
    ) -> None:
        try:
            await deliver(client, entry)
        except Exception as error:  # noqa: BLE001 - the lease lapses, and it is tried again
            log_error(error)

    async def _deliver(self, client: httpx.AsyncClient, entry: Entry) -> None:
        claims = await anyio.to_thread.run_sync(self._claims, entry)
        if claims is None:
            await anyio.to_thread.run_sync(self.outbox.forget, entry)
            return
        error = await self._post(client, entry, claims)
        if error is None:
            await anyio.to_thread.run_sync(self.outbox.delivered, entry)
            self._observe(entry.destination, "delivered")
            log.info("delivered", delivery=entry.event, to=entry.destination, id=entry.verification)
            return
        wait = self._wait(entry.attempts)
        await anyio.to_thread.run_sync(self.outbox.failed, entry, error, wait)
        self._observe(entry.destination, "dead" if wait is None else "failed")
        tell = log.error if wait is None else log.warning
        tell("not delivered", delivery=entry.event, to=entry.destination, error=error, attempts=entry.attempts + 1)

    async def _post(self, client: httpx.AsyncClient, entry: Entry, claims: dict[str, Any]) -> str | None:
        """None when it was acknowledged, else a code of what went wrong."""
        kind = CORE_EVENT if entry.destination is Destination.CORE else WEBHOOK_EVENT
        url = self._urls[entry.destination]
        if url is None:
            return "no_address"
        headers = {"Content-Type": "application/jwt", "Idempotency-Key": entry.event}
        body = sign_claims(claims, self._keys.current, self._settings.issuer, kind)
        try:
            with anyio.fail_after(_TIMEOUT.read or 0):
                async with client.stream("POST", url, content=body, headers=headers) as answer:
                    if answer.status_code not in _OK:
                        return f"status_{answer.status_code}"
                    said = await _beginning(answer)
        except TimeoutError:
            return "too_slow"
        except httpx.HTTPError as error:
            return f"transport_{type(error).__name__}"[:64]
        if entry.destination is Destination.CORE and not _acknowledges(said, entry.event):
            return "not_acknowledged"
        return None

    def _claims(self, entry: Entry) -> dict[str, Any] | None:
        verdict = self._verdicts.load(entry.verification)
        about = {"jti": entry.event, "sequence": entry.seq, "verification": entry.verification}
        if entry.destination is Destination.CORE:
            if verdict is None:
                return None
            more = {"reference": verdict["reference"], "verdict": verdict["jws"], "core_only": verdict["core_only"]}
            return about | {"aud": "identity-core"} | more
        if verdict is not None:
            shown = {name: verdict[name] for name in ("decision", "reasons", "reference")}
            return about | {"aud": "webhook", "status": "done"} | shown
        progress = self._ledger.progress(entry.verification, None)
        return None if progress is None else about | {"aud": "webhook", "status": "failed", "code": progress.code}

    def _wait(self, attempts: int) -> float | None:
        if attempts + 1 >= self._settings.outbox_attempts:
            return None
        longest: float = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** min(attempts, 20))
        return longest * self._rng.uniform(0.5, 1.0)

    def _trust(self) -> ssl.SSLContext:
        settings = self._settings
        return client_context(settings.peers_ca, settings.peers_cert, settings.peers_key)


async def _beginning(answer: httpx.Response) -> bytes:
    said = b""
    async for piece in answer.aiter_bytes():
        said += piece
        if len(said) > _LONGEST_ANSWER:
            break
    return said[: _LONGEST_ANSWER + 1]


def _acknowledges(said: bytes, event: str) -> bool:
    """A proxy's page with status 200 is no acknowledgement: the core names what it received."""
    try:
        return bool(json.loads(said)["received"] == event)
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
