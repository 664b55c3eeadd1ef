"""Checks a credential or a presentation of either format without the service that issued it, or is asked for it."""

from datetime import datetime
from pathlib import Path

import httpx

from idproof.service.credentials import mdoc, sd_jwt, status_list
from idproof.service.credentials.certificates import Trust
from idproof.service.credentials.credential import Audience, Checked
from idproof.service.credentials.status_download import download
from idproof.service.errors import CredentialRefused


def check(text: str, trust: Trust, now: datetime, audience: Audience | None) -> Checked:
    """Returns the credential of a text, whose format it recognises; raises `CredentialRefused` as either format does.

    An SD-JWT has points and tildes, which base64url of a mobile document lacks.

    Args:
        text: a credential at rest, or a presentation.
        trust: roots of issuers.
        now: time of the check.
        audience: the request that a presentation answers; None for a credential at rest.
    """
    format_check = sd_jwt.check if "." in text or "~" in text else mdoc.check
    return format_check(text, trust, now, audience)


def require_status(checked: Checked, place: str, trust: Trust, now: datetime) -> None:
    """Raises `CredentialRefused` unless the status list at a place says that a credential is valid.

    Args:
        checked: credential that passed all other checks.
        place: file or URL of the list, as the caller names it; the address within the credential is compared with the
            list's own, and not followed.
        trust: roots of issuers.
        now: time of the check.
    """
    if place.startswith(("http://", "https://")):
        with httpx.Client() as client:
            token = download(place, client)
    else:
        try:
            token = Path(place).read_text("ascii")
        except (OSError, ValueError):
            raise CredentialRefused("status_unavailable", "The status list cannot be read.") from None
    status_list.require_valid(checked, token.strip(), trust, now)
