"""Responses of wallets (OpenID4VP 1.0, section 8): read, decrypted where they are encrypted, and checked.

One credential answers a request. Whatever else is in a response is not read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from joserfc import jwe
from joserfc.errors import JoseError

from idproof.service.credentials import mdoc, sd_jwt
from idproof.service.credentials.certificates import Trust
from idproof.service.credentials.credential import Audience, Checked, Format
from idproof.service.credentials.encoding import from_base64url, read_json
from idproof.service.credentials.jose import holder_key
from idproof.service.errors import CredentialRefused
from idproof.service.presentations.asked import QUERIES, Asked
from idproof.service.presentations.request_objects import CONTENT_ALGORITHMS, KEY_ALGORITHM, Transaction

LONGEST = 64 * 1024
"""Bytes of a response. Chosen by hand: a credential with every claim and four certificates has 20 KiB encrypted."""
_HEADER, _OPTIONAL = {"alg", "enc", "kid", "epk"}, {"apu", "apv", "typ", "cty"}
"""Header parameters of a response. `zip` would let a small response become a large one, `crit` changes what it means,
and a parameter that names a key elsewhere is never followed."""
_PARTS = 5  # of a compact JWE, RFC 7516, section 7.1
_NONCE_BYTES, _TAG_BYTES = 12, 16  # RFC 7518, section 5.3


@dataclass(frozen=True, slots=True)
class Response:
    """A response as it came, before anything in it is believed.

    Attributes:
        vp_token: presentations by the id of their query; None if the holder declined.
        state: that the request had.
    """

    vp_token: object = field(repr=False)
    state: object = field(repr=False)


class _Registry(jwe.JWERegistry):
    max_protected_header_length = 4 * 1024
    """Bytes of the base64url of a header with a key and two parties' names. Chosen by hand."""
    max_ciphertext_length = LONGEST


_REGISTRY = _Registry(algorithms=[KEY_ALGORITHM, *CONTENT_ALGORITHMS])


def read_response(form: Mapping[str, str], transaction: Transaction) -> Response:
    """Returns the response of a form; raises `CredentialRefused`.

    Args:
        form: parameters, each once.
        transaction: of the request; with a key, only an encrypted response holds.
    """
    if "error" in form and not {"response", "vp_token"} & form.keys():
        # Section 8.5: a wallet that cannot encrypt an error sends it in the clear. It says nothing about anybody.
        return Response(None, form.get("state"))
    if transaction.key is None:
        if "response" in form or "vp_token" not in form:
            raise _malformed()
        return Response(read_json(form["vp_token"]), form.get("state"))
    if "vp_token" in form or "response" not in form:
        raise CredentialRefused("credential_malformed", "The response is not encrypted.")
    body = _decrypted(form["response"], transaction)
    if "error" in body and "vp_token" not in body:
        return Response(None, body.get("state"))
    return Response(body.get("vp_token"), body.get("state"))


def check_token(vp_token: object, asked: Asked, audience: Audience, trust: Trust, now: datetime) -> Checked:
    """Returns the one credential of a response, with the claims that were asked for and no others.

    Args:
        vp_token: of the response.
        asked: of the holder.
        audience: of the request.
        trust: roots of issuers.
        now: time of the check.

    Raises:
        CredentialRefused: the first thing that does not hold.
    """
    if not isinstance(vp_token, dict) or len(vp_token) != 1:
        raise CredentialRefused("credential_malformed", "The response does not hold one credential.")
    ((query, shown),) = vp_token.items()
    kind = QUERIES.get(query)
    if kind not in asked.formats or not isinstance(shown, list) or len(shown) != 1 or not isinstance(shown[0], str):
        raise CredentialRefused("credential_malformed", "The response does not hold one credential.")
    check = sd_jwt.check if kind is Format.SD_JWT else mdoc.check
    checked = check(shown[0], trust, now, audience)
    if not asked.claims or not set(asked.claims) <= checked.claims.keys():
        raise CredentialRefused("credential_claim_missing", "A claim that was asked for was not disclosed.")
    kept = {name: checked.claims[name] for name in asked.claims}
    _require_plain(kept)
    return Checked(checked.format, checked.issuer, kept, checked.status, checked.validity, checked.bound)


def _require_plain(claims: Mapping[str, Any]) -> None:
    """Raises `CredentialRefused` for a value that JSON does not have, such as bytes of a mobile document."""
    try:
        json.dumps(claims, allow_nan=False)
    except (TypeError, ValueError):
        raise CredentialRefused("credential_malformed", "A disclosed value is none that JSON has.") from None


def _decrypted(text: str, transaction: Transaction) -> dict[str, Any]:
    assert transaction.key is not None  # noqa: S101 - asked by the caller
    parts = text.split(".")
    if len(text) > LONGEST or len(parts) != _PARTS:
        raise _malformed()
    head, key, nonce, _, tag = (from_base64url(part) for part in parts)
    header = read_json(head)
    if not isinstance(header, dict) or not _HEADER <= header.keys() <= _HEADER | _OPTIONAL:
        raise _malformed()
    if header["alg"] != KEY_ALGORITHM or header["enc"] not in CONTENT_ALGORITHMS or header["kid"] != transaction.key_id:
        raise _malformed()
    if key or (len(nonce), len(tag)) != (_NONCE_BYTES, _TAG_BYTES):
        raise _malformed()
    if not isinstance(header["epk"], dict) or header["epk"].keys() != {"kty", "crv", "x", "y"}:
        raise _malformed()
    holder_key(header["epk"])  # a point on the curve
    try:
        opened = jwe.decrypt_compact(text, transaction.key, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, KeyError):
        raise CredentialRefused("credential_malformed", "The response cannot be decrypted.") from None
    body = read_json(opened.plaintext or b"")
    if not isinstance(body, dict):
        raise _malformed()
    return body


def _malformed() -> CredentialRefused:
    return CredentialRefused("credential_malformed", "The response is not as its format demands.")
