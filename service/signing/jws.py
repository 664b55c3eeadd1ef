"""Verdicts as compact JWS (RFC 7515) with Ed25519 signatures (RFC 8037)."""

import hashlib
import json
import re
import time
import warnings
from typing import Any, cast

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import KeySet, KeySetSerialization

from idproof.service.errors import SignatureInvalid, SigningKeyRevoked
from idproof.service.signing.keys import Keys

ALGORITHM = "EdDSA"
TYPE = "verdict+jwt"
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
ACCEPTED = [ALGORITHM, "Ed25519"]

# RFC 9864 prefers the name Ed25519, but most verifiers know only EdDSA. Tokens are signed with that name, and both
# names are accepted.
warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)


def sign(verdict: dict[str, Any], keys: Keys, issuer: str, **more: Any) -> str:
    """Returns the compact JWS of a verdict: claims `iss`, `iat`, `jti` (its id), `verdict`, and the given ones."""
    return sign_claims({"jti": verdict["id"], "verdict": verdict} | more, keys, issuer, TYPE)


def sign_claims(claims: dict[str, Any], keys: Keys, issuer: str, kind: str) -> str:
    """Returns the compact JWS of claims under a type (`typ`); adds `iss` and `iat`."""
    claims = {"iss": issuer, "iat": int(time.time())} | claims
    header = {"alg": ALGORITHM, "kid": keys.signing.kid, "typ": kind}
    payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":"))
    return jws.serialize_compact(header, payload, keys.signing, algorithms=ACCEPTED)


def payload_hash(token: str) -> str:
    """Returns the SHA-256 of a JWS's payload, in hex: the same after it was signed anew with another key."""
    return hashlib.sha256(jws.extract_compact(token.encode()).payload).hexdigest()


def with_valid_signature(document: dict[str, Any], keys: Keys) -> dict[str, Any]:
    """Returns a verdict of the database, signed anew if its key was revoked since.

    The database is sealed with another key: what it holds was issued here, whoever has the revoked key.
    """
    token = document.get("jws")
    if token is None or not keys.revoked or _kid(token) not in keys.revoked:
        return document
    stored = jws.extract_compact(token.encode())
    header = stored.headers() | {"kid": keys.signing.kid}
    return document | {"jws": jws.serialize_compact(header, stored.payload, keys.signing, algorithms=ACCEPTED)}


def _kid(token: str) -> str | None:
    try:
        kid = jws.extract_compact(token.encode()).headers().get("kid")
    except (JoseError, ValueError, KeyError, TypeError):
        return None
    return kid if isinstance(kid, str) else None


def _revoked_at(token: str, jwks: dict[str, Any]) -> str | None:
    """Returns the time at which the key of a token was revoked, as the key set says; None if it was not."""
    revoked, kid = jwks.get("revoked"), _kid(token)
    entries = revoked if isinstance(revoked, list) else []
    found = (entry for entry in entries if isinstance(entry, dict) and kid is not None and entry.get("kid") == kid)
    return next((str(entry.get("revoked_at", "an unknown day")) for entry in found), None)


def verify(token: str, jwks: dict[str, Any], kind: str = TYPE) -> dict[str, Any]:
    """Returns the claims of a token of this type that one of the keys signed.

    Raises:
        SigningKeyRevoked: the key set names the token's key as revoked.
        SignatureInvalid: none of the keys signed it, or it is of another type.
    """
    if (revoked_at := _revoked_at(token, jwks)) is not None:
        raise SigningKeyRevoked(f"The key that signs this was revoked at {revoked_at}: others may have signed with it.")
    try:
        keys = KeySet.import_key_set(cast("KeySetSerialization", jwks))
        opened = jws.deserialize_compact(token, keys, algorithms=ACCEPTED)
        claims = json.loads(opened.payload)
    except (JoseError, ValueError, KeyError, TypeError):
        raise SignatureInvalid(_cause(token, jwks)) from None
    if opened.headers().get("typ") != kind or not isinstance(claims, dict):
        raise SignatureInvalid(f"The token is not a {kind}.")
    return claims


def _cause(token: str, jwks: dict[str, Any]) -> str:
    """Returns the sentence for a token that does not verify: its key is not among the given ones, or it was changed."""
    try:
        kid = str(jws.extract_compact(token.encode()).headers()["kid"])
        known = {str(key.get("kid")) for key in jwks["keys"]}
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        return "The signature does not hold."
    if kid in known or not _KEY_ID.fullmatch(kid):
        return "The signature does not hold."
    return f"None of the given keys has the id {kid}, which the signature names; read the issuer's public keys again."
