"""A mocked identity core that accepts every event."""

import json
from collections import deque
from typing import Any

import httpx
from joserfc import jws
from joserfc.errors import JoseError

CORE_PATH = "/sandbox/core"
CORE_URL = f"http://sandbox.invalid{CORE_PATH}"
"""Address of the core within the process; no name server resolves it (RFC 6761)."""
# Chosen by hand; no outside source.
_MOST_EVENTS = 100
LONGEST_EVENT = 256 * 1024
"""Bytes."""


class MockedCore:
    """Acknowledges events as the contract asks, and shows the latest of them."""

    def __init__(self) -> None:
        self._received: deque[dict[str, Any]] = deque(maxlen=_MOST_EVENTS)

    def receive(self, body: bytes) -> str | None:
        """Returns the id of an event; None when the body is no event."""
        try:
            opened = jws.extract_compact(body)
            claims = json.loads(opened.payload)
            event = str(claims["jti"])
        except (JoseError, ValueError, KeyError, TypeError):
            return None
        if event not in [entry["claims"]["jti"] for entry in self._received]:
            self._received.append({"header": opened.headers(), "claims": claims})
        return event

    def events(self) -> list[dict[str, Any]]:
        """Returns the events, newest first."""
        return list(reversed(self._received))

    def transport(self) -> httpx.AsyncBaseTransport:
        """Returns a transport that hands events over within the process, whatever the service listens on.

        Deliveries by the service's own port would need a certificate that this process trusts, and one to show where
        clients need one.
        """

        def answer(request: httpx.Request) -> httpx.Response:
            event = self.receive(request.content)
            return httpx.Response(422) if event is None else httpx.Response(200, json={"received": event})

        return httpx.MockTransport(answer)
