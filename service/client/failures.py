"""Causes for which no answer came, by the errors beneath httpx's."""

import socket
import ssl
from collections.abc import Iterator

import httpx

from idproof.client.types import FailureCode, Unreachable

LASTING = frozenset({FailureCode.CERTIFICATE_UNTRUSTED, FailureCode.TLS_FAILED, FailureCode.REQUEST_UNSENDABLE})
"""Failures that another try cannot mend."""


def failure_code(error: httpx.TransportError) -> FailureCode:
    """Returns the code of the cause."""
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return FailureCode.REQUEST_UNSENDABLE
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return FailureCode.CERTIFICATE_UNTRUSTED
        if isinstance(cause, ssl.SSLError) and _is_refusal(cause, error):
            return FailureCode.TLS_FAILED
        if isinstance(cause, socket.gaierror):
            return FailureCode.NAME_UNKNOWN
        if isinstance(cause, ConnectionRefusedError):
            return FailureCode.CONNECTION_REFUSED
    return FailureCode.TIMED_OUT if isinstance(error, httpx.TimeoutException) else FailureCode.CONNECTION_LOST


def unreachable(error: httpx.TransportError) -> Unreachable:
    """Returns the error that the clients raise, with the cause in its sentence and as `__cause__`."""
    code = failure_code(error)
    raised = Unreachable(code, _SENTENCES[code].format(detail=_detail(error)))
    # Of a request that HTTP does not allow, httpx's error may hold the token.
    raised.__cause__ = None if isinstance(error, httpx.LocalProtocolError) else error
    return raised


_SENTENCES = {
    FailureCode.CERTIFICATE_UNTRUSTED: "The service's certificate is not trusted: {detail}.",
    FailureCode.TLS_FAILED: "TLS failed; the service has none, or needs a client certificate: {detail}.",
    FailureCode.REQUEST_UNSENDABLE: "The request cannot be sent: {detail}.",
    FailureCode.NAME_UNKNOWN: "The service's name was not found: {detail}.",
    FailureCode.CONNECTION_REFUSED: "Nothing listens at the service's address: {detail}.",
    FailureCode.TIMED_OUT: "No answer came in time: {detail}.",
    FailureCode.CONNECTION_LOST: (
        "The connection ended before an answer; perhaps the service needs https or a client certificate: {detail}."
    ),
}


def _is_refusal(cause: ssl.SSLError, error: httpx.TransportError) -> bool:
    """Returns False where a TLS connection was only cut off."""
    if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return False
    return isinstance(error, httpx.ConnectError) or "ALERT" in (cause.reason or "")


def _detail(error: httpx.TransportError) -> str:
    """Returns the words of the error that caused this one; they hold nothing of the request."""
    if isinstance(error, httpx.LocalProtocolError):
        return "HTTP does not allow one of its headers"
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message.rstrip(".")
    return (str(error) or type(error).__name__).rstrip(".")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yields an error and the errors that it came of, those of several attempted addresses included."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        found = waiting.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        waiting += [found.__cause__, found.__context__]
        if isinstance(found, BaseExceptionGroup):
            waiting += found.exceptions
