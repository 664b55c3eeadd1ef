"""Status lists of trusted issuers: fetched from these issuers' hosts and no other, kept as long as they allow."""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import httpx

from idproof.service.credentials import status_list
from idproof.service.credentials.certificates import Trust
from idproof.service.credentials.credential import Checked
from idproof.service.credentials.status_download import download
from idproof.service.errors import CredentialRefused
from idproof.service.presentations.origins import origin_of

_MOST = 64
"""Lists that are kept, at most 256 KiB each. Chosen by hand: one has 65,000 credentials."""
_RETRY_S = 5.0
"""Seconds for which a list that could not be fetched is not asked for again. Chosen by hand; no outside source."""
_LONGEST_ADDRESS = 512


@dataclass(frozen=True, slots=True)
class _Kept:
    """A list, or None for one that could not be fetched, and the monotonic time until which it is used."""

    token: str | None
    until: float


class StatusLists:
    """Looks up the status of credentials that passed all other checks; safe to use from several threads.

    Args:
        issuers: identifiers of the issuers whose credentials are taken.
        trust: roots of these issuers.
        client: sends the requests.
    """

    def __init__(self, issuers: Iterable[str], trust: Trust, client: httpx.Client) -> None:
        self._issuers = frozenset(issuers)
        self._trust = trust
        self._client = client
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def require_valid(self, checked: Checked, now: datetime) -> None:
        """Raises `CredentialRefused` unless a credential is of a trusted issuer, which has not revoked it.

        The list's address was read from the credential after its chain and signature held, and is followed only if it
        is of the issuer's own host.

        Args:
            checked: credential that passed all other checks.
            now: time of the check.
        """
        if checked.issuer not in self._issuers:
            raise CredentialRefused("credential_issuer_untrusted", "Its issuer is not one that is trusted here.")
        uri = checked.status.uri
        issuer = origin_of(checked.issuer, allow_query=False)
        if len(uri) > _LONGEST_ADDRESS or issuer is None or origin_of(uri, allow_query=False) != issuer:
            raise CredentialRefused("status_unavailable", "Its status list is not at its issuer's address.")
        kept = self._recall(uri)
        if kept is None:
            self._fetch(checked, now)
        elif kept.token is None:
            raise CredentialRefused("status_unavailable", "The status list could not be fetched a moment ago.")
        else:
            status_list.require_valid(checked, kept.token, self._trust, now)

    def _fetch(self, checked: Checked, now: datetime) -> None:
        """Fetches a list, keeps it if its signature and times are valid, and checks the credential with it."""
        uri = checked.status.uri
        try:
            token = download(uri, self._client)
            status_list.require_valid(checked, token, self._trust, now)
        except CredentialRefused as refused:
            if refused.code == "credential_revoked":
                self._keep(uri, _Kept(token, time.monotonic() + _seconds(token, now)))
            else:
                self._keep(uri, _Kept(None, time.monotonic() + _RETRY_S))
            raise
        self._keep(uri, _Kept(token, time.monotonic() + _seconds(token, now)))

    def _recall(self, uri: str) -> _Kept | None:
        with self._lock:
            kept = self._kept.get(uri)
            return kept if kept is not None and kept.until > time.monotonic() else None

    def _keep(self, uri: str, kept: _Kept) -> None:
        with self._lock:
            self._kept[uri] = kept
            self._kept.move_to_end(uri)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)


def _seconds(token: str, now: datetime) -> float:
    return (status_list.lapses(token, now) - now).total_seconds()
