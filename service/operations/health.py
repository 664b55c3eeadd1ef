"""Readiness of a service on this machine, asked over HTTP or TLS as its settings say."""

import http.client
import json
import ssl
from dataclasses import dataclass

from idproof.service.operations.settings import Settings

_LONGEST_ANSWER = 64 * 1024
"""Bytes; an answer of `/readyz` has a few hundred."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer of `/readyz`, or the reason for having none.

    Attributes:
        ready: whether a registration sent now would be verified and its verdict stored.
        sentence: in English, for the log of whoever asks.
    """

    ready: bool
    sentence: str


def ask_readiness(settings: Settings, host: str, port: int, timeout_s: float) -> Readiness:
    """Asks a running service for `/readyz`.

    Any certificate of the service is accepted: it is issued for a public name, not for an address of this machine, and
    the request holds no secret and changes nothing. Where clients need a certificate (`tls_client_ca`), the request
    shows `health_cert`, or without one the service's own.

    Args:
        settings: those that the service runs with.
        host: address of the service.
        port: of the service.
        timeout_s: limit of each wait, in seconds.
    """
    secure = settings.tls_cert is not None
    try:
        connection = _connection(settings, host, port, timeout_s)
        try:
            connection.request("GET", "/readyz", headers={"Host": f"{host}:{port}"})
            response = connection.getresponse()
            status, body = response.status, response.read(_LONGEST_ANSWER)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        return Readiness(False, f"No answer by {'HTTPS' if secure else 'HTTP'}: {_reason(settings, error)}.")
    if status == http.client.OK:
        return Readiness(True, "Ready.")
    return Readiness(False, f"Not ready, status {status}; failing: {', '.join(_failing(body)) or 'unknown'}.")


def _connection(settings: Settings, host: str, port: int, timeout_s: float) -> http.client.HTTPConnection:
    if settings.tls_cert is None:
        return http.client.HTTPConnection(host, port, timeout=timeout_s)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if settings.tls_client_ca is not None:
        own = (settings.tls_cert, settings.tls_key)
        certificate, key = own if settings.health_cert is None else (settings.health_cert, settings.health_key)
        context.load_cert_chain(certificate, key)
    return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)


def _reason(settings: Settings, error: Exception) -> str:
    text = getattr(error, "reason", None) or type(error).__name__
    if settings.tls_client_ca is None or isinstance(error, ConnectionRefusedError | TimeoutError):
        return f"{text}"
    return f"{text}; the service may refuse the client certificate, and IDPROOF_HEALTH_CERT names another"


def _failing(body: bytes) -> list[str]:
    """Returns the names of the checks that failed; none when the answer is not the service's."""
    try:
        return [str(name) for name, passed in json.loads(body)["checks"].items() if not passed]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
