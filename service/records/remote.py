"""The records over HTTP, as `docs/peers.md` describes the contract."""

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
from idproof.service.records.breaker import Breaker

_TIMEOUT = httpx.Timeout(4.0, connect=2.0)
_TRIES = 3
_BUDGET_S = 12.0
_FAILURES, _OPEN_S = 5, 30.0
_LONGEST_ANSWER = 64 * 1024
_SERVER_ERROR = 500
_UNAVAILABLE = RecordAnswer(RecordStatus.UNAVAILABLE)

log = structlog.get_logger("idproof")


class _Unusable(Exception):
    """An answer that says nothing: worth another try."""


class _Torn(Exception):
    """A portrait that ended on its way."""


class RemoteRecords:
    """Asks the department's service. Answers `unavailable` rather than raise. Safe from several threads."""

    def __init__(self, client: httpx.Client, url: str, breaker: Breaker | None = None) -> None:
        self._client = client
        self._url = url
        self._breaker = breaker or Breaker(_FAILURES, _OPEN_S)
        self._retry = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((httpx.TransportError, _Unusable)),
            stop=tenacity.stop_after_attempt(_TRIES) | tenacity.stop_after_delay(_BUDGET_S),
            wait=tenacity.wait_exponential_jitter(multiplier=0.1, max=1.0, jitter=0.2),
            reraise=True,
        )

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """With the settings' address and certificates; raises `SettingsInvalid`."""
        trust = client_context(settings.peers_ca, settings.peers_cert, settings.peers_key)
        return cls(httpx.Client(timeout=_TIMEOUT, verify=trust, follow_redirects=False), settings.records_url or "")

    def look_up(self, form: CardData) -> RecordAnswer:
        """Compare a card's fields with the department's record."""
        if not self._breaker.allows():
            return _UNAVAILABLE
        try:
            answer: RecordAnswer = self._retry(self._ask, form)
        except (httpx.HTTPError, _Unusable) as error:
            self._breaker.failed()
            log.warning("records unavailable", kind=type(error).__name__)
            return _UNAVAILABLE
        self._breaker.succeeded()
        return answer

    def portrait(self, form: CardData, into: Sink) -> None:
        """Stream the holder's portrait into the vault; raises httpx.HTTPError or another when it cannot be had."""
        if not self._breaker.allows():
            raise _Unusable
        try:
            self._retry(self._stream, form, into)
        except (httpx.HTTPError, _Unusable, _Torn):
            self._breaker.failed()
            raise
        self._breaker.succeeded()

    def _stream(self, form: CardData, into: Sink) -> None:
        place = self._url.rstrip("/") + "/portrait"
        with self._client.stream("POST", place, json={"card": asdict(form)}) as answer:
            if answer.status_code != httpx.codes.OK:
                raise _Unusable
            try:
                for piece in answer.iter_raw():
                    into.write(piece)
            except httpx.HTTPError as error:
                raise _Torn from error  # what came lies in the vault already: it cannot begin anew

    def _ask(self, form: CardData) -> RecordAnswer:
        with self._client.stream("POST", self._url, json={"card": asdict(form)}) as answer:
            if answer.status_code != httpx.codes.OK:
                raise _Unusable
            said = b""
            for piece in answer.iter_bytes():
                said += piece
                if len(said) > _LONGEST_ANSWER:
                    raise _Unusable
        return _understood(said)


def _understood(said: bytes) -> RecordAnswer:
    """Exactly the documented form; anything else is no answer, and never a match."""
    try:
        body: dict[str, Any] = json.loads(said)
        status, differing = RecordStatus(body["status"]), body.get("differing", [])
        if not isinstance(differing, list) or not set(differing) <= set(CardData.__slots__):
            raise _Unusable
        portrait = body.get("portrait", False)
        if not isinstance(portrait, bool):
            raise _Unusable
        return RecordAnswer(status, tuple(differing), portrait)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _Unusable from None
