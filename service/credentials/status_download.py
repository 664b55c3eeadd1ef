"""Fetches one status list: bounded in bytes and time, from the address that was asked for and no other."""

import time
from urllib.parse import urlsplit

import httpx

from idproof.service.credentials.status_list import MEDIA_TYPE
from idproof.service.errors import CredentialRefused
from idproof.service.operations.networks import is_loopback

_LARGEST = 256 * 1024
"""Bytes of a list: one of 2**20 random bits has 175 KiB as base64url. Chosen by hand."""
_TIMEOUT = httpx.Timeout(3.0)
_BUDGET_S = 6.0
"""Seconds for a whole list, so that a server that sends single bytes slowly does not block a thread. Chosen by hand."""
_OK = 200


def download(url: str, client: httpx.Client) -> str:
    """Returns the token of a list; raises `CredentialRefused`: `status_unavailable`.

    Redirects are not followed, and the body is taken as it is sent: a compressed one is refused unread.

    Args:
        url: https, or http of this machine.
        client: that sends the request.
    """
    require_address(url)
    headers = {"Accept": MEDIA_TYPE, "Accept-Encoding": "identity"}
    deadline, body = time.monotonic() + _BUDGET_S, bytearray()
    try:
        with client.stream("GET", url, headers=headers, timeout=_TIMEOUT, follow_redirects=False) as answer:
            kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            if answer.status_code != _OK or kind != MEDIA_TYPE or "content-encoding" in answer.headers:
                raise _unavailable()
            for piece in answer.iter_raw():
                body += piece
                if len(body) > _LARGEST or time.monotonic() > deadline:
                    raise _unavailable()
        return body.decode("ascii")
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeDecodeError):
        raise _unavailable() from None


def require_address(url: str) -> None:
    """Raises `CredentialRefused` unless a list may be fetched from an address: https, or http of this machine."""
    try:
        found = urlsplit(url)
        host, _ = found.hostname or "", found.port
    except ValueError:
        raise _unavailable() from None
    plain = found.scheme == "http" and is_loopback(host)
    if not host or found.username is not None or found.fragment or not (found.scheme == "https" or plain):
        raise _unavailable()


def _unavailable() -> CredentialRefused:
    return CredentialRefused("status_unavailable", "The status list cannot be fetched.")
