"""Records over HTTP, under the contract that `docs/peers.md` describes."""

import json
from dataclasses import asdict
from typing import Any, Self

import httpx
import structlog
import tenacity

from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.fields.records import RecordAnswer, RecordStatus, Sink
from idproof.service.operations.settings import Settings
from idproof.service.operations.tls import client_context
from idproof.service.records.circuit_breaker import CircuitBreaker, CircuitBreakerError

# Times and counts are chosen by hand; no outside source. A look-up ends within 12 s, since an applicant waits for it.
_TIMEOUT = httpx.Timeout(4.0, connect=2.0)
_TRIES = 3
_BUDGET_S = 12.0
_FIRST_WAIT_S, _LONGEST_WAIT_S, _JITTER_S = 0.1, 1.0, 0.2
_FAILURES, _OPEN_S = 5, 30.0
_LONGEST_ANSWER = 64 * 1024
"""Bytes; the documented answer has less than one kilobyte."""
_UNAVAILABLE = RecordAnswer(RecordStatus.UNAVAILABLE)

log = structlog.get_logger("idproof")


class _UnusableAnswer(Exception):
    """The answer is not as documented; another try may give one that is."""


class _PortraitInterrupted(Exception):
    """The connection broke after a part of the portrait had arrived."""


_FAILURE_KINDS = (httpx.HTTPError, _UnusableAnswer, _PortraitInterrupted)


def default_breaker(failures: int = _FAILURES, open_s: float = _OPEN_S) -> CircuitBreaker:
    """Returns a breaker that counts what `RemoteRecords` calls a failure."""
    return CircuitBreaker(failures, open_s, _FAILURE_KINDS)


class RemoteRecords:
    """Asks the department's service. Answers `unavailable` rather than raise. Safe to use from several threads.

    Args:
        client: sends the requests.
        url: of the department's service.
        breaker: of this service; None for one with the default limits.
    """

    def __init__(self, client: httpx.Client, url: str, breaker: CircuitBreaker | None = None) -> None:
        self._client = client
        self._url = url
        self._breaker = breaker or default_breaker()
        self._retry = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((httpx.TransportError, _UnusableAnswer)),
            stop=tenacity.stop_after_attempt(_TRIES) | tenacity.stop_after_delay(_BUDGET_S),
            wait=tenacity.wait_exponential_jitter(multiplier=_FIRST_WAIT_S, max=_LONGEST_WAIT_S, jitter=_JITTER_S),
            reraise=True,
        )

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Opens a client with the settings' address and certificates; raises `SettingsInvalid`."""
        trust = client_context(settings.peers_ca, settings.peers_cert, settings.peers_key)
        return cls(httpx.Client(timeout=_TIMEOUT, verify=trust, follow_redirects=False), settings.records_url or "")

    def look_up(self, form: CardData) -> RecordAnswer:
        """Compares a card's fields with the department's record."""
        try:
            with self._breaker.calling():
                answer: RecordAnswer = self._retry(self._ask, form)
        except CircuitBreakerError:
            return _UNAVAILABLE
        except (httpx.HTTPError, _UnusableAnswer) as error:
            log.warning("records unavailable", kind=type(error).__name__)
            return _UNAVAILABLE
        return answer

    def portrait(self, form: CardData, into: Sink) -> None:
        """Streams the holder's portrait into the vault; raises `httpx.HTTPError` or another when it cannot be had."""
        try:
            with self._breaker.calling():
                self._retry(self._stream, form, into)
        except CircuitBreakerError:
            raise _UnusableAnswer from None

    def _stream(self, form: CardData, into: Sink) -> None:
        url = self._url.rstrip("/") + "/portrait"
        with self._client.stream("POST", url, json={"card": asdict(form)}) as answer:
            if answer.status_code != httpx.codes.OK:
                raise _UnusableAnswer
            try:
                for chunk in answer.iter_raw():
                    into.write(chunk)
            except httpx.HTTPError as error:
                # The first part is in the vault already, so a second try cannot begin again.
                raise _PortraitInterrupted from error

    def _ask(self, form: CardData) -> RecordAnswer:
        with self._client.stream("POST", self._url, json={"card": asdict(form)}) as answer:
            if answer.status_code != httpx.codes.OK:
                raise _UnusableAnswer
            body = b""
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > _LONGEST_ANSWER:
                    raise _UnusableAnswer
        return _parse_answer(body)


def _parse_answer(text: bytes) -> RecordAnswer:
    """Reads the documented form; anything else is no answer, and never a match. Raises `_UnusableAnswer`."""
    try:
        body: dict[str, Any] = json.loads(text)
        status, differing = RecordStatus(body["status"]), body.get("differing", [])
        if not isinstance(differing, list) or not set(differing) <= set(CardData.__slots__):
            raise _UnusableAnswer
        portrait = body.get("portrait", False)
        if not isinstance(portrait, bool):
            raise _UnusableAnswer
        return RecordAnswer(status, tuple(differing), portrait)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _UnusableAnswer from None
