"""The binding statement: a signed record that a passkey was made within one accepted registration."""

from typing import Any

from idproof.service.passkeys.ceremonies import Credential
from idproof.service.passkeys.store import credential_json
from idproof.service.signing.jws import payload_hash, sign_claims
from idproof.service.signing.keys import Keys

TYPE = "passkey-binding+jwt"


def binding_statement(
    passkey_id: str,
    verdict: dict[str, Any],
    credential: Credential,
    party: str,
    origin: str,
    bound_at: str,
    keys: Keys,
    issuer: str,
) -> str:
    """Returns the compact JWS.

    It names the verdict by id, by its session's nonce, and by the hash of what was signed: whoever has the verdict can
    check that this passkey belongs to it and to no other. It holds nothing that was read from the card.
    """
    claims: dict[str, Any] = {
        "jti": passkey_id,
        "verification": verdict["id"],
        "nonce": verdict["session"]["nonce"],
        "verdict_sha256": payload_hash(verdict["jws"]),
        "passkey": credential_json(credential),
        "rp_id": party,
        "origin": origin,
        "user_verified": True,
        "bound_at": bound_at,
    }
    return sign_claims(claims, keys, issuer, TYPE)
