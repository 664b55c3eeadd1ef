"""The signed response to a registration."""

from typing import Any

from idproof.service.claims import CoreKey, verified_claims
from idproof.service.claims.core_encryption import without_fields
from idproof.service.operations.settings import Settings
from idproof.service.signing.jws import sign, sign_claims
from idproof.service.signing.keys import Keys

CORE_TYPE = "verdict-fields+jwt"
"""The `typ` of the JWS inside `core_only`."""


def signed_response(
    body: dict[str, Any], keys: Keys, settings: Settings, core_key: CoreKey | None, issuer_country: str | None
) -> dict[str, Any]:
    """Returns the response body with its JWS.

    Args:
        body: the verdict as JSON, with its id, reference and session.
        keys: the signing key.
        settings: the issuer and the trust framework.
        issuer_country: of the card's document type, for the claims.
        core_key: if given, what was read from the card is encrypted to it and removed from the rest of the body.
    """
    claims = verified_claims(body, trust_framework=settings.trust_framework, issuer_country=issuer_country)
    optional = {} if claims is None else {"verified_claims": claims}
    if core_key is None:
        body |= {"core_only": None}
        return body | {"jws": sign(body, keys, settings.issuer, **optional)}
    private = {"jti": body["id"], "fields": body["fields"], "form": body["form"]} | optional
    encrypted = core_key.encrypt(sign_claims(private, keys, settings.issuer, CORE_TYPE))
    body = without_fields(body) | {"core_only": encrypted}
    return body | {"jws": sign(body, keys, settings.issuer)}
