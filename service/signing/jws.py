"""Verdicts as compact JWS (RFC 7515) with Ed25519 signatures (RFC 8037)."""

import json
import time
import warnings
from typing import Any, cast

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import KeySet, KeySetSerialization

from idproof.service.errors import SignatureInvalid
from idproof.service.signing.keys import Keys

ALGORITHM = "EdDSA"
TYPE = "verdict+jwt"
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


def verify(token: str, jwks: dict[str, Any], kind: str = TYPE) -> dict[str, Any]:
    """Returns the claims of a token of this type that one of the keys signed; raises `SignatureInvalid`."""
    try:
        keys = KeySet.import_key_set(cast("KeySetSerialization", jwks))
        opened = jws.deserialize_compact(token, keys, algorithms=ACCEPTED)
        claims = json.loads(opened.payload)
    except (JoseError, ValueError, KeyError, TypeError):
        raise SignatureInvalid("The signature does not hold.") from None
    if opened.headers().get("typ") != kind or not isinstance(claims, dict):
        raise SignatureInvalid(f"The token is not a {kind}.")
    return claims
