"""The two clients: one waits, one awaits; they do the same."""

import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import anyio
import httpx

from idproof.client import calls
from idproof.client.calls import Answer, Call, Session, Unreachable, VerdictView, Waits

_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_TRIES = 6


class _Requests:
    """What to send; how it is sent is the clients' own.

    Args:
        url: of the service.
        token: an API key or a bearer token; None where none is needed.
        language: of sentences, `en` or `zh-Hant`.
        tries: of each request, at most.
        options: for httpx, such as `verify` or `cert`.
    """

    def __init__(
        self, url: str, token: str | None = None, *, language: str = "en", tries: int = _TRIES, **options: Any
    ) -> None:
        self._tries = tries
        self._options: dict[str, Any] = {"base_url": url, "timeout": _TIMEOUT} | options
        self._headers = {"Accept-Language": language} | ({"Authorization": f"Bearer {token}"} if token else {})

    def _open_session(self, options: Mapping[str, bool] | None, device: str | None) -> Call:
        wanted = {"options": dict(options or {}), "device": device}
        return Call("POST", "/v1/capture-sessions", self._headers, json=wanted)

    def _challenge(self, session: str) -> Call:
        return Call("POST", f"/v1/capture-sessions/{session}/challenges", self._headers)

    def _verify(
        self,
        captures: Mapping[str, bytes],
        answer: Answer | None,
        session: str | None,
        reference: str | None,
        key: str | None,
        wait: bool,
    ) -> Call:
        headers = self._headers | {"Idempotency-Key": key or str(uuid4())}
        if session is not None:
            headers["Capture-Session"] = session
        if not wait:
            headers["Prefer"] = "respond-async"
        parts = [*captures.items(), *(("frames", frame.data) for frame in (answer.frames if answer else ()))]
        files = [(name, (name, data, "application/octet-stream")) for name, data in parts]
        told = {"reference": reference, "liveness": None if answer is None else answer.told()}
        return Call("POST", "/v1/verifications", headers, files=files, data={"metadata": json.dumps(told)})

    def _get(self, verification: str) -> Call:
        return Call("GET", f"/v1/verifications/{verification}", self._headers)

    def _erase(self, verification: str) -> Call:
        return Call("DELETE", f"/v1/verifications/{verification}", self._headers)

    def _page(self, cursor: str | None) -> Call:
        return Call("GET", "/v1/verifications", self._headers, params={} if cursor is None else {"cursor": cursor})


class Client(_Requests):
    """Waits for each answer. Safe to use from several threads."""

    def __enter__(self) -> Self:
        self._http = httpx.Client(**self._options)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def open_session(self, options: Mapping[str, bool] | None = None, device: str | None = None) -> Session:
        """Open a capture session.

        Args:
            options: what the applicant cannot do, such as `{"cannot_turn": True}`.
            device: your own name of the device, to lock it after too many failures.

        Raises:
            Problem: refused, such as `device_locked`.
            Unreachable: no answer came.
        """
        return calls.session(self._send(self._open_session(options, device)))

    def challenge(self, session: str) -> Mapping[str, Any]:
        """Ask the applicant something else; what was asked before no longer counts."""
        return calls.understood(self._send(self._challenge(session)))

    def verify(
        self,
        captures: Mapping[str, bytes],
        answer: Answer | None = None,
        *,
        session: str | None = None,
        reference: str | None = None,
        key: str | None = None,
    ) -> VerdictView:
        """One verdict for one registration, however often it must be sent.

        Args:
            captures: `card_front`, `card_tilt_left`, `card_tilt_right` and `selfie`, encoded.
            answer: frames that answer the session's challenge; without them liveness is not performed.
            session: id of the capture session.
            reference: your own; not personal data.
            key: your own idempotency key, if you want the verdict even after your own process ended in between.

        Raises:
            Problem: it was refused; `capture` says which one to take again.
            Unreachable: no answer came.
        """
        found = calls.verdict(self._send(self._verify(captures, answer, session, reference, key, wait=True)))
        assert found is not None  # noqa: S101 - only asynchronous answers have none
        return found

    def submit(
        self,
        captures: Mapping[str, bytes],
        answer: Answer | None = None,
        *,
        session: str | None = None,
        reference: str | None = None,
        key: str | None = None,
    ) -> str:
        """Send a registration without waiting for its verdict; its id, for `get`."""
        taken = self._send(self._verify(captures, answer, session, reference, key, wait=False))
        return str(calls.understood(taken)["id"])

    def get(self, verification: str) -> VerdictView | None:
        """A verdict, or None while it is under way; raises `Problem` or `Unreachable`."""
        return calls.verdict(self._send(self._get(verification)))

    def erase(self, verification: str) -> None:
        """Erase a verdict and all that was read from the card."""
        calls.understood(self._send(self._erase(verification)))

    def summaries(self) -> Iterator[dict[str, Any]]:
        """Your verdicts from the newest on, page by page."""
        cursor = None
        while True:
            page = calls.understood(self._send(self._page(cursor)))
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def _send(self, call: Call) -> httpx.Response:
        waits = Waits(self._tries)
        while True:
            answer = None
            with suppress(httpx.TransportError):
                answer = self._http.request(**call.arguments())
            wait = waits.after(answer)
            if wait is None:
                return _final(answer)
            time.sleep(wait)


class AsyncClient(_Requests):
    """Awaits each answer, under asyncio or trio. The methods are those of `Client`."""

    async def __aenter__(self) -> Self:
        self._http = httpx.AsyncClient(**self._options)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def open_session(self, options: Mapping[str, bool] | None = None, device: str | None = None) -> Session:
        """As `Client.open_session`."""
        return calls.session(await self._send(self._open_session(options, device)))

    async def challenge(self, session: str) -> Mapping[str, Any]:
        """As `Client.challenge`."""
        return calls.understood(await self._send(self._challenge(session)))

    async def verify(
        self,
        captures: Mapping[str, bytes],
        answer: Answer | None = None,
        *,
        session: str | None = None,
        reference: str | None = None,
        key: str | None = None,
    ) -> VerdictView:
        """As `Client.verify`."""
        found = calls.verdict(await self._send(self._verify(captures, answer, session, reference, key, wait=True)))
        assert found is not None  # noqa: S101 - only asynchronous answers have none
        return found

    async def submit(
        self,
        captures: Mapping[str, bytes],
        answer: Answer | None = None,
        *,
        session: str | None = None,
        reference: str | None = None,
        key: str | None = None,
    ) -> str:
        """As `Client.submit`."""
        taken = await self._send(self._verify(captures, answer, session, reference, key, wait=False))
        return str(calls.understood(taken)["id"])

    async def get(self, verification: str) -> VerdictView | None:
        """As `Client.get`."""
        return calls.verdict(await self._send(self._get(verification)))

    async def erase(self, verification: str) -> None:
        """As `Client.erase`."""
        calls.understood(await self._send(self._erase(verification)))

    async def summaries(self) -> AsyncIterator[dict[str, Any]]:
        """As `Client.summaries`."""
        cursor = None
        while True:
            page = calls.understood(await self._send(self._page(cursor)))
            for item in page["items"]:
                yield item
            cursor = page["next"]
            if cursor is None:
                return

    async def _send(self, call: Call) -> httpx.Response:
        waits = Waits(self._tries)
        while True:
            answer = None
            with suppress(httpx.TransportError):
                answer = await self._http.request(**call.arguments())
            wait = waits.after(answer)
            if wait is None:
                return _final(answer)
            await anyio.sleep(wait)


def _final(answer: httpx.Response | None) -> httpx.Response:
    if answer is None:
        raise Unreachable("The service did not answer.")
    return answer
