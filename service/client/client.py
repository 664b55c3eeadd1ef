"""The synchronous client; change the other file.

`python .ci/generate_client.py` writes `client.py` from `async_client.py`; a test compares the two.
"""

import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from idproof.client import protocol
from idproof.client.protocol import FIRST_WAIT_S, TIMEOUT, TRIES, Request, RequestBuilder, RetrySchedule
from idproof.client.types import Answer, Session, VerdictView


class Client:
    """Waits for each answer. Safe to use from several threads.

    Args:
        url: of the service.
        token: an API key or a bearer token; None where the service needs none.
        language: of sentences, `en` or `zh-Hant`.
        tries: maximum number of times that one request is sent.
        first_wait_s: longest wait before the second try, in seconds; later waits double.
        options: for httpx, such as `verify` or `cert`.

    Use it in a `with` block, or call `close` at the end.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        language: str = "en",
        tries: int = TRIES,
        first_wait_s: float = FIRST_WAIT_S,
        **options: Any,
    ) -> None:
        self._requests = RequestBuilder(token, language)
        self._tries = tries
        self._first_wait_s = first_wait_s
        chosen: dict[str, Any] = {"base_url": url, "timeout": TIMEOUT} | options
        self._http = httpx.Client(**chosen)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections; no request can be sent after it."""
        self._http.close()

    def open_session(
        self, options: Mapping[str, bool] | None = None, device: str | None = None, *, planned: bool = False
    ) -> Session:
        """Opens a capture session.

        Args:
            options: what the applicant cannot do, such as `{"cannot_turn": True}`.
            device: your own name of the device, so that it is locked after too many failures.
            planned: ask for the card in poses drawn for this session; its captures must then show them.

        Raises:
            Problem: refused, such as `device_locked`.
            Unreachable: no answer came.
        """
        return protocol.parse_session(self._send(self._requests.open_session(options, device, planned=planned)))

    def challenge(self, session: str) -> Mapping[str, Any]:
        """Asks for another challenge of a session; earlier ones are no longer valid."""
        return protocol.parse_body(self._send(self._requests.challenge(session)))

    def verify(
        self,
        captures: Mapping[str, bytes],
        answer: Answer | None = None,
        *,
        session: str | None = None,
        reference: str | None = None,
        key: str | None = None,
    ) -> VerdictView:
        """Returns one verdict for one registration, however often it must be sent.

        Args:
            captures: `card_front`, `card_tilt_left`, `card_tilt_right` and `selfie`, encoded.
            answer: frames that answer the session's challenge; without them liveness is not performed.
            session: id of the capture session.
            reference: your own reference; not personal data.
            key: your own idempotency key, if you want the verdict even after your process ended in between.

        Raises:
            Problem: refused; `capture` names the capture to take again.
            Unreachable: no answer came.
        """
        request = self._requests.verify(captures, answer, session, reference, key, wait=True)
        found = protocol.parse_verdict(self._send(request))
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
        """Sends a registration without waiting for its verdict; returns its id, for `get`."""
        request = self._requests.verify(captures, answer, session, reference, key, wait=False)
        return str(protocol.parse_body(self._send(request))["id"])

    def get(self, verification: str) -> VerdictView | None:
        """Returns a verdict, or None while the verification runs; raises `Problem` or `Unreachable`."""
        return protocol.parse_verdict(self._send(self._requests.get(verification)))

    def erase(self, verification: str) -> None:
        """Erases a verdict and everything that was read from the card."""
        protocol.parse_body(self._send(self._requests.erase(verification)))

    def summaries(self) -> Iterator[dict[str, Any]]:
        """Yields summaries of your verdicts, newest first; reads page after page."""
        cursor = None
        while True:
            page = protocol.parse_body(self._send(self._requests.page(cursor)))
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def _send(self, request: Request) -> httpx.Response:
        schedule = RetrySchedule(self._tries, self._first_wait_s)
        while True:
            response, error = None, None
            try:
                response = self._http.request(**request.to_httpx())
            except httpx.TransportError as caught:
                error = caught
            wait = schedule.wait_after(response, error)
            if wait is None:
                return protocol.final_response(response, error)
            time.sleep(wait)
