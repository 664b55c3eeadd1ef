"""Verdicts as compact JWS (RFC 7515) with Ed25519 signatures (RFC 8037)."""

import json
import time
import warnings
from typing import Any, cast

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import KeySet, KeySetSerialization

from idproof.pipeline.errors import IdproofError
from idproof.service.keys import Keys

ALGORITHM = "EdDSA"
TYPE = "verdict+jwt"
ACCEPTED = [ALGORITHM, "Ed25519"]

# RFC 9864 prefers the name Ed25519; most verifiers in the field know only EdDSA yet. We sign with the name they
# know, and take both.
warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)


class SignatureInvalid(IdproofError):
    """A token is not signed by any of the keys, or is no token."""

    code = "signature_invalid"


def sign(verdict: dict[str, Any], keys: Keys, issuer: str) -> str:
    """The compact JWS of a verdict; its claims are `iss`, `iat`, `jti` (the verdict's id) and `verdict`."""
    claims = {"iss": issuer, "iat": int(time.time()), "jti": verdict["id"], "verdict": verdict}
    header = {"alg": ALGORITHM, "kid": keys.signing.kid, "typ": TYPE}
    payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":"))
    return jws.serialize_compact(header, payload, keys.signing, algorithms=ACCEPTED)


def verify(token: str, jwks: dict[str, Any]) -> dict[str, Any]:
    """The claims of a token signed by one of the keys; raises `SignatureInvalid`."""
    try:
        keys = KeySet.import_key_set(cast("KeySetSerialization", jwks))
        opened = jws.deserialize_compact(token, keys, algorithms=ACCEPTED)
        claims = json.loads(opened.payload)
    except (JoseError, ValueError, KeyError, TypeError):
        raise SignatureInvalid("The signature does not hold.") from None
    if opened.headers().get("typ") != TYPE or not isinstance(claims, dict):
        raise SignatureInvalid("The token is not a verdict.")
    return claims
