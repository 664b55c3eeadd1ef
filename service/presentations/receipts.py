"""Consent receipts: verifier, client, names of claims, purpose and times, without values and without the holder."""

from datetime import datetime
from typing import Any

from idproof.service.credentials.certificates import READER, Trust
from idproof.service.credentials.credential import Checked
from idproof.service.credentials.jose import open_token, sign
from idproof.service.errors import CredentialRefused
from idproof.service.presentations.asked import Asked
from idproof.service.presentations.request_objects import Party
from idproof.service.presentations.store import Presentation, receipt_id

KIND = "consent-receipt+jwt"


def make_receipt(party: Party, presentation: Presentation, asked: Asked, checked: Checked, now: datetime) -> str:
    """Returns the signed receipt of a presentation that passed every check.

    Args:
        party: that asked.
        presentation: that was answered.
        asked: of the holder.
        checked: what was shown; its values, key and place in the status list are left out.
        now: time of the answer.
    """
    claims = {
        "iss": party.identity.identifier,
        "jti": receipt_id(presentation.id),
        "iat": int(now.timestamp()),
        "verifier": {"client_id": party.client_id, "names": dict(party.names)},
        "client": presentation.client,
        "asked_at": presentation.asked_at,
        "claims": list(asked.claims),
        "purpose": dict(asked.purpose),
        "keeps_days": asked.keeps_days,
        "credential": {"format": checked.format.value, "issuer": checked.issuer},
    }
    return sign(party.identity, KIND, claims)


def read_receipt(token: str) -> dict[str, Any]:
    """Returns the claims of a receipt whose signature was not checked; raises `CredentialRefused`."""
    return open_token(token.strip(), KIND, ["x5c"]).claims


def check_receipt(token: str, trust: Trust, now: datetime) -> dict[str, Any]:
    """Returns the claims of a receipt that a verifier of a trusted root signed.

    Args:
        token: the receipt.
        trust: roots of verifiers.
        now: time at which the certificates must be valid.

    Raises:
        CredentialRefused: the receipt does not hold.
    """
    opened = open_token(token.strip(), KIND, ["x5c"])
    leaf = opened.certificate(trust, now)
    if READER.dotted_string not in leaf.purposes or opened.claims.get("iss") not in leaf.identifiers:
        raise CredentialRefused("credential_issuer_untrusted", "Its certificate is not the one of its verifier.")
    opened.require_signature(leaf.key)
    return opened.claims
