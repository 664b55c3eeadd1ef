"""Proofs of possession: the keys to which a wallet wants its credentials bound (OpenID4VCI 1.0, annex F)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc.jwk import ECKey

from idproof.service.credentials.credential import SKEW_S
from idproof.service.credentials.encoding import LAST_SECOND
from idproof.service.credentials.jose import holder_key, open_token
from idproof.service.credentials.nonces import Nonce, Nonces
from idproof.service.errors import CredentialRefused, IssuanceRefused

KIND = "openid4vci-proof+jwt"
_AGE_S = 300.0
"""Seconds after which a proof is too old. Chosen by hand: as long as its nonce."""


def read_proofs(proofs: object, issuer: str, nonces: Nonces, most: int, now: datetime) -> tuple[list[ECKey], Nonce]:
    """Returns the keys of a wallet's proofs and the nonce that all of them have.

    Args:
        proofs: member `proofs` of a credential request.
        issuer: credential issuer identifier, their audience.
        nonces: recognises their nonce.
        most: the largest number of proofs.
        now: time of the request.

    Raises:
        IssuanceRefused: `invalid_proof` or `invalid_nonce`.
    """
    texts = proofs.get("jwt") if isinstance(proofs, dict) and proofs.keys() == {"jwt"} else None
    if not isinstance(texts, list) or not 0 < len(texts) <= most:
        raise IssuanceRefused("invalid_proof", f"proofs has one member, jwt: a list of 1 to {most} proofs.")
    try:
        found = [_read(text, issuer, now) for text in texts]
    except CredentialRefused:
        raise IssuanceRefused("invalid_proof", "A proof does not hold.") from None
    keys = [key for key, _ in found]
    if len({key.thumbprint() for key in keys}) != len(keys):
        # Two copies with one key could be told to be of one person.
        raise IssuanceRefused("invalid_proof", "Each proof is of another key.")
    return keys, _one_nonce([nonce for _, nonce in found], nonces)


def _one_nonce(texts: Sequence[object], nonces: Nonces) -> Nonce:
    if any(not isinstance(text, str) for text in texts):
        raise IssuanceRefused("invalid_proof", "A proof has no nonce.")
    if len(set(texts)) != 1:
        raise IssuanceRefused("invalid_nonce", "The proofs of a request have one nonce.")
    return nonces.read(texts[0])


def _read(text: object, issuer: str, now: datetime) -> tuple[ECKey, Any]:
    """Returns the key and the nonce of one proof.

    `kid` and `x5c`, which would name a key elsewhere, are refused, and so is `iss`: this wallet has no client id.
    """
    token = open_token(text, KIND, ["jwk"])
    key = holder_key(token.header["jwk"])
    token.require_signature(key)
    if token.claims.get("aud") != issuer or "iss" in token.claims:
        raise CredentialRefused("audience_wrong", "The proof is for another issuer.")
    issued_at = token.claims.get("iat")
    if isinstance(issued_at, bool) or not isinstance(issued_at, int) or not 0 <= issued_at <= LAST_SECOND:
        raise CredentialRefused("holder_proof_invalid", "The proof does not say when it was made.")
    age = now - datetime.fromtimestamp(issued_at, UTC)
    if not timedelta(seconds=-SKEW_S) <= age <= timedelta(seconds=_AGE_S + SKEW_S):
        raise CredentialRefused("holder_proof_invalid", "The proof is too old, or of the future.")
    return key, token.claims.get("nonce")
