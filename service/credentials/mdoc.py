"""Credentials as mobile documents (ISO/IEC 18013-5): the second format, with the same claims.

`pymdoccbor` writes them as well; it is not used, since its signatures come from a library that is open to timing
attacks (ecdsa) and others that rest. cbor2 and cryptography are left, and the structures of sections 8.3.2 and 9.1.2.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import cbor2
from joserfc.jwk import ECKey

from idproof.service.credentials import cose
from idproof.service.credentials.certificates import Trust
from idproof.service.credentials.claims import CLAIMS, DOCUMENT_TYPE
from idproof.service.credentials.credential import Audience, Checked, Format, StatusReference, Validity
from idproof.service.credentials.encoding import (
    DATE_TIME,
    FULL_DATE,
    embedded,
    embedded_bytes,
    from_base64url,
    read_cbor,
    to_base64url,
    write_cbor,
)
from idproof.service.credentials.identity import Identity
from idproof.service.errors import CredentialRefused

_RANDOM_BYTES = 32  # ISO/IEC 18013-5, section 9.1.2.5: 16 at least
_DIGESTS = 16
"""Digests of each document, decoys included, as in `sd_jwt`."""
_DAYS = ("birthdate", "document_issue_date")
_VERSION = "1.0"
_MSO = ("version", "digestAlgorithm", "valueDigests", "deviceKeyInfo", "docType", "validityInfo", "status")


def issue(
    claims: Mapping[str, Any], identity: Identity, holder: ECKey, validity: Validity, status: StatusReference
) -> str:
    """Returns one document (`IssuerSigned`) as base64url; arguments as in `sd_jwt.issue`."""
    ids = secrets.SystemRandom().sample(range(_DIGESTS), _DIGESTS)  # so that an id does not tell its element
    items = [
        embedded({"digestID": number, "random": secrets.token_bytes(_RANDOM_BYTES)} | _element(name, value))
        for number, (name, value) in zip(ids, claims.items(), strict=False)
    ]
    digests = {number: secrets.token_bytes(hashlib.sha256().digest_size) for number in ids[len(items) :]}
    digests |= {number: _digest(item) for number, item in zip(ids, items, strict=False)}
    security = {
        "version": _VERSION,
        "digestAlgorithm": "SHA-256",
        "valueDigests": {DOCUMENT_TYPE: dict(sorted(digests.items()))},
        "deviceKeyInfo": {"deviceKey": cose.to_cose_key(holder)},
        "docType": DOCUMENT_TYPE,
        "validityInfo": {
            "signed": _time(validity.begin),
            "validFrom": _time(validity.begin),
            "validUntil": _time(validity.end),
        },
        "status": status.to_json(),
    }
    payload = write_cbor(embedded(security))
    signed = cose.sign(identity.private, payload, x5chain=identity.x5chain, detached=False)
    return to_base64url(write_cbor({"nameSpaces": {DOCUMENT_TYPE: items}, "issuerAuth": signed}))


def check(text: str, trust: Trust, now: datetime, audience: Audience | None) -> Checked:
    """Returns the credential of a presentation (`DeviceResponse`), or of a document at rest (`IssuerSigned`).

    Args:
        text: base64url.
        trust: roots of issuers.
        now: time of the check.
        audience: the request that is answered; None for a document at rest.

    Raises:
        CredentialRefused: the first thing that does not hold.
    """
    content = read_cbor(from_base64url(text))
    document = {"issuerSigned": content} if audience is None else _document(content)
    issuer_signed = _members(document["issuerSigned"], ("nameSpaces", "issuerAuth"))
    issuer, security = _security(issuer_signed["issuerAuth"], trust, now)
    validity = _validity(security["validityInfo"])
    claims = _disclosed(issuer_signed["nameSpaces"], security["valueDigests"])
    if audience is not None:
        _require_proof(document, security, audience)
    validity.require(now)
    status = StatusReference.read(security["status"])
    return Checked(Format.MDOC, issuer, claims, status, validity, bound=audience is not None)


def session_transcript(audience: Audience) -> list[Any]:
    """Returns the `SessionTranscript` of a request by redirects (OpenID4VP 1.0, annex B.2.6.1)."""
    info = [audience.client_id, audience.nonce, audience.key_thumbprint, audience.response_uri]
    return [None, None, ["OpenID4VPHandover", hashlib.sha256(write_cbor(info)).digest()]]


def device_authentication(audience: Audience, name_spaces: cbor2.CBORTag) -> bytes:
    """Returns `DeviceAuthenticationBytes`, which the holder signs (ISO/IEC 18013-5, section 9.1.3.4)."""
    content = ["DeviceAuthentication", session_transcript(audience), DOCUMENT_TYPE, name_spaces]
    return write_cbor(embedded(content))


def _document(response: object) -> dict[str, Any]:
    outer = _members(response, ("version", "documents", "status"))
    documents = outer["documents"]
    if outer["version"] != _VERSION or outer["status"] != 0 or not isinstance(documents, list) or len(documents) != 1:
        raise _malformed()
    document = _members(documents[0], ("docType", "issuerSigned", "deviceSigned"))
    if document["docType"] != DOCUMENT_TYPE:
        raise CredentialRefused("credential_type_wrong", "It is a document of another type.")
    return document


def _security(signed: object, trust: Trust, now: datetime) -> tuple[str, dict[str, Any]]:
    """Returns the issuer and the mobile security object, once the issuer's certificates and signature hold."""
    payload = cose.payload_of(signed)
    leaf = trust.leaf(cose.x5chain_of(signed), now)
    cose.require_signature(signed, leaf.key, payload, "credential_signature_invalid")
    leaf.require_document_signer()
    security = _members(read_cbor(embedded_bytes(read_cbor(payload))), _MSO)
    if security["version"] != _VERSION or security["digestAlgorithm"] != "SHA-256":
        raise _malformed()
    if security["docType"] != DOCUMENT_TYPE:
        raise CredentialRefused("credential_type_wrong", "It is a document of another type.")
    return leaf.identifiers[0], security


def _disclosed(name_spaces: object, digests: object) -> dict[str, Any]:
    expected = _members(digests, (DOCUMENT_TYPE,))[DOCUMENT_TYPE]
    items = _members(name_spaces, (DOCUMENT_TYPE,))[DOCUMENT_TYPE]
    if not isinstance(expected, dict) or not isinstance(items, list) or len(items) > len(expected):
        raise _malformed()
    claims: dict[str, Any] = {}
    for item in items:
        names = ("digestID", "random", "elementIdentifier", "elementValue")
        content = _members(read_cbor(embedded_bytes(item)), names)
        number, name = content["digestID"], content["elementIdentifier"]
        if not isinstance(number, int) or isinstance(number, bool) or not isinstance(name, str):
            raise _malformed()
        digest = expected.get(number)
        if not isinstance(digest, bytes) or not hmac.compare_digest(digest, _digest(item)):
            raise CredentialRefused("credential_changed", "A disclosed value is not the one that was issued.")
        if name in claims or name not in CLAIMS:
            raise _malformed()
        claims[name] = _plain(content["elementValue"])
    return claims


def _require_proof(document: Mapping[str, Any], security: Mapping[str, Any], audience: Audience) -> None:
    """Raises `CredentialRefused` unless the holder signed this request.

    The transcript holds the request's nonce and the verifier, so a proof of another request looks like a wrong key.
    """
    signed = _members(document["deviceSigned"], ("nameSpaces", "deviceAuth"))
    if read_cbor(embedded_bytes(signed["nameSpaces"])) != {}:
        raise CredentialRefused("credential_malformed", "Its holder adds claims of their own.")
    authentication = _members(signed["deviceAuth"], ("deviceSignature",))["deviceSignature"]
    key = cose.from_cose_key(_members(security["deviceKeyInfo"], ("deviceKey",))["deviceKey"])
    _require_detached(authentication)
    payload = device_authentication(audience, signed["nameSpaces"])
    cose.require_signature(authentication, key, payload, "holder_proof_invalid")


def _require_detached(signed: object) -> None:
    if not isinstance(signed, list) or len(signed) != 4 or signed[1] != {} or signed[2] is not None:
        raise _malformed()


def _validity(info: object) -> Validity:
    times = _members(info, ("signed", "validFrom", "validUntil"))
    begin, end = _read_time(times["validFrom"]), _read_time(times["validUntil"])
    return Validity(max(begin, _read_time(times["signed"])), end)


def _element(name: str, value: Any) -> dict[str, Any]:
    known = cbor2.CBORTag(FULL_DATE, value) if name in _DAYS else value
    return {"elementIdentifier": name, "elementValue": known}


def _plain(value: object) -> Any:
    if isinstance(value, cbor2.CBORTag):
        if value.tag != FULL_DATE or not isinstance(value.value, str):
            raise _malformed()
        return value.value
    return value


def _time(moment: datetime) -> cbor2.CBORTag:
    return cbor2.CBORTag(DATE_TIME, moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def _read_time(value: object) -> datetime:
    if not isinstance(value, cbor2.CBORTag) or value.tag != DATE_TIME or not isinstance(value.value, str):
        raise _malformed()
    try:
        return datetime.strptime(value.value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _malformed() from None


def _digest(item: cbor2.CBORTag) -> bytes:
    return hashlib.sha256(write_cbor(item)).digest()


def _members(value: object, names: tuple[str, ...]) -> dict[str, Any]:
    """Returns a map that has exactly these members; raises `CredentialRefused`."""
    if not isinstance(value, dict) or value.keys() != set(names):
        raise _malformed()
    return value


def _malformed() -> CredentialRefused:
    return CredentialRefused("credential_malformed", "It is not a document as its format demands.")
