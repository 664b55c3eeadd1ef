"""Credentials as SD-JWT VC (RFC 9901, draft-ietf-oauth-sd-jwt-vc): every claim disclosable alone, bound to a key.

Ours have disclosures of members of the top level only, and no others are read.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc.jwk import ECKey

from idproof.service.credentials.certificates import Trust
from idproof.service.credentials.claims import CLAIMS, TYPE
from idproof.service.credentials.credential import SKEW_S, Audience, Checked, Format, StatusReference, Validity
from idproof.service.credentials.encoding import LAST_SECOND, from_base64url, read_json, to_base64url, write_json
from idproof.service.credentials.identity import Identity
from idproof.service.credentials.jose import Token, holder_key, open_token, public_jwk, sign
from idproof.service.errors import CredentialRefused

KIND, BINDING_KIND = "dc+sd-jwt", "kb+jwt"
_SALT_BYTES = 16  # RFC 9901, section 9.3: 128 bits
_DIGESTS = 16
"""Digests of each credential, decoys included: their number does not tell which claims a card has. Chosen by hand."""
assert len(CLAIMS) <= _DIGESTS  # noqa: S101 - of constants
_PLAIN = ("iss", "vct", "iat", "exp", "cnf", "status", "_sd", "_sd_alg")
"""Members that nobody may withhold (draft-ietf-oauth-sd-jwt-vc, section 2.2.2.2); a credential has these only."""
_MOST_DISCLOSURES = 64
_PROOF_AGE_S = 300.0
"""Seconds after which a holder's proof is too old; a request waits no longer. Chosen by hand; no outside source."""


def issue(
    claims: Mapping[str, Any], identity: Identity, holder: ECKey, validity: Validity, status: StatusReference
) -> str:
    """Returns one credential with all of its disclosures.

    Args:
        claims: to be disclosed each alone.
        identity: of the issuer.
        holder: the public key that the credential is bound to.
        validity: of the credential.
        status: place in the status list.
    """
    disclosures = [
        to_base64url(write_json([to_base64url(secrets.token_bytes(_SALT_BYTES)), name, value]))
        for name, value in claims.items()
    ]
    decoys = [to_base64url(secrets.token_bytes(hashlib.sha256().digest_size)) for _ in range(_DIGESTS - len(claims))]
    payload = {
        "iss": identity.identifier,
        "vct": TYPE,
        "iat": int(validity.begin.timestamp()),
        "exp": int(validity.end.timestamp()),
        "cnf": {"jwk": public_jwk(holder)},
        "status": status.to_json(),
        "_sd": sorted([*map(_digest, disclosures), *decoys]),  # sorted: their order says nothing
        "_sd_alg": "sha-256",
    }
    return "~".join([sign(identity, KIND, payload), *disclosures, ""])


def check(text: str, trust: Trust, now: datetime, audience: Audience | None) -> Checked:
    """Returns the credential of a presentation, or of a credential that nobody presents.

    Args:
        text: the credential, with some of its disclosures, and the holder's proof if it is presented.
        trust: roots of issuers.
        now: time of the check.
        audience: the request that is answered; None for a credential at rest, which must carry no proof.

    Raises:
        CredentialRefused: the first thing that does not hold.
    """
    issued, *disclosures, proof = text.split("~") if "~" in text else [text, ""]
    token = open_token(issued, KIND, ["x5c"])
    issuer = _issuer(token, trust, now)
    validity = _validity(token)
    claims = _disclosed(token, disclosures)
    if audience is not None:
        presented = text[: len(text) - len(proof)]
        _require_proof(proof, token, presented, audience, now)
    elif proof:
        raise CredentialRefused("credential_malformed", "It is a presentation, which answers a request.")
    validity.require(now)
    status = StatusReference.read(token.claims["status"])
    return Checked(Format.SD_JWT, issuer, claims, status, validity, bound=audience is not None)


def _issuer(token: Token, trust: Trust, now: datetime) -> str:
    if token.claims.keys() != set(_PLAIN):
        raise CredentialRefused("credential_malformed", "It has other members than a credential of this type.")
    leaf = token.signer(trust, now)
    issuer = token.claims["iss"]
    if issuer not in leaf.identifiers:
        raise CredentialRefused("credential_issuer_untrusted", "Its issuer is not the one that its certificate names.")
    if token.claims["vct"] != TYPE:
        raise CredentialRefused("credential_type_wrong", "It is a credential of another type.")
    return str(issuer)


def _validity(token: Token) -> Validity:
    times = [token.claims[name] for name in ("iat", "exp")]
    if any(not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LAST_SECOND for value in times):
        raise CredentialRefused("credential_malformed", "It does not say how long it is valid.")
    begin, end = (datetime.fromtimestamp(value, UTC) for value in times)
    return Validity(begin, end)


def _disclosed(token: Token, disclosures: Sequence[str]) -> dict[str, Any]:
    digests = token.claims["_sd"]
    if (
        token.claims["_sd_alg"] != "sha-256"
        or not isinstance(digests, list)
        or len(set(map(str, digests))) != len(digests)
    ):
        raise CredentialRefused("credential_malformed", "Its digests are not as its format demands.")
    if len(disclosures) > _MOST_DISCLOSURES:
        raise CredentialRefused("credential_malformed", "It discloses more than it can have.")
    claims: dict[str, Any] = {}
    for disclosure in disclosures:
        content = read_json(from_base64url(disclosure))
        if not isinstance(content, list) or len(content) != 3 or not all(isinstance(part, str) for part in content[:2]):
            raise CredentialRefused("credential_malformed", "A disclosure is not as its format demands.")
        if _digest(disclosure) not in digests:
            raise CredentialRefused("credential_changed", "A disclosed value is not the one that was issued.")
        _, name, value = content
        if name in claims or name in _PLAIN or name == "..." or _has_digests(value):
            raise CredentialRefused("credential_malformed", "A disclosure stands for what nobody may withhold.")
        claims[name] = value
    return claims


def _has_digests(value: object) -> bool:
    """Returns whether a value has disclosures of its own, which would be left unread."""
    if isinstance(value, dict):
        return bool({"_sd", "_sd_alg", "..."} & value.keys()) or any(map(_has_digests, value.values()))
    return isinstance(value, list) and any(map(_has_digests, value))


def _require_proof(proof: str, issued: Token, presented: str, audience: Audience, now: datetime) -> None:
    """Raises `CredentialRefused` unless the holder proved, for this request and these disclosures, to have the key."""
    if not proof:
        raise CredentialRefused("holder_proof_missing", "Its holder did not prove to have its key.")
    confirmation = issued.claims["cnf"]
    if not isinstance(confirmation, dict) or confirmation.keys() != {"jwk"}:
        raise CredentialRefused("credential_malformed", "It is not bound to a key.")
    token = open_token(proof, BINDING_KIND, [])
    token.require_signature(holder_key(confirmation["jwk"]), "holder_proof_invalid")
    nonce, client = token.claims.get("nonce"), token.claims.get("aud")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), audience.nonce.encode()):
        raise CredentialRefused("nonce_wrong", "The holder's proof answers another request.")
    if client != audience.client_id:
        raise CredentialRefused("audience_wrong", "The holder's proof is for somebody else.")
    if token.claims.get("sd_hash") != _digest(presented):
        raise CredentialRefused("holder_proof_invalid", "The holder's proof is of another presentation.")
    _require_fresh(token.claims.get("iat"), now)


def _require_fresh(issued_at: object, now: datetime) -> None:
    if isinstance(issued_at, bool) or not isinstance(issued_at, int) or not 0 <= issued_at <= LAST_SECOND:
        raise CredentialRefused("holder_proof_invalid", "The holder's proof does not say when it was made.")
    age = now - datetime.fromtimestamp(issued_at, UTC)
    if not timedelta(seconds=-SKEW_S) <= age <= timedelta(seconds=_PROOF_AGE_S + SKEW_S):
        raise CredentialRefused("holder_proof_invalid", "The holder's proof is too old, or of the future.")


def _digest(text: str) -> str:
    return to_base64url(hashlib.sha256(text.encode()).digest())
