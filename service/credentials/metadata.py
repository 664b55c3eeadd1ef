"""Metadata of the credential issuer and its token endpoint (OpenID4VCI 1.0, section 12; RFC 8414)."""

from typing import Any

from idproof.service.credentials.claims import CLAIMS, DOCUMENT_TYPE, TYPE
from idproof.service.credentials.credential import Format
from idproof.service.credentials.issuance import CONFIGURATIONS, GRANT

TOKEN_PATH = "/v1/credential-issuance/token"  # noqa: S105 - a path
NONCE_PATH = "/v1/credential-issuance/nonce"
CREDENTIAL_PATH = "/v1/credential-issuance/credential"
_NAMES = {"en": "Proof of identity", "zh-Hant": "身分證明"}


def issuer_metadata(issuer: str, copies: int) -> dict[str, Any]:
    """Returns the document of `/.well-known/openid-credential-issuer`.

    Args:
        issuer: credential issuer identifier.
        copies: that a wallet may get at once.
    """
    # The member is for two and more (section 12.2.4).
    batch = {"batch_credential_issuance": {"batch_size": copies}} if copies > 1 else {}
    return {
        "credential_issuer": issuer,
        "credential_endpoint": issuer + CREDENTIAL_PATH,
        "nonce_endpoint": issuer + NONCE_PATH,
        **batch,
        "display": [{"name": "idproof", "locale": "en"}],
        "credential_configurations_supported": {
            name: _configuration(name, kind) for name, kind in CONFIGURATIONS.items()
        },
    }


def server_metadata(issuer: str) -> dict[str, Any]:
    """Returns the document of `/.well-known/oauth-authorization-server`."""
    return {
        "issuer": issuer,
        "token_endpoint": issuer + TOKEN_PATH,
        "grant_types_supported": [GRANT],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["none"],
        "pre-authorized_grant_anonymous_access_supported": True,
    }


def _configuration(name: str, kind: Format) -> dict[str, Any]:
    document = kind is Format.MDOC
    paths = {claim: [DOCUMENT_TYPE, claim] if document else [claim] for claim in CLAIMS}
    claims = [{"path": paths[claim], "display": [{"name": text, "locale": "en"}]} for claim, text in CLAIMS.items()]
    kind_of = {"doctype": DOCUMENT_TYPE} if document else {"vct": TYPE}
    return {
        "format": kind.value,
        **kind_of,
        "scope": name,
        "cryptographic_binding_methods_supported": ["cose_key" if document else "jwk"],
        # ES256; of COSE by number.
        "credential_signing_alg_values_supported": [-7 if document else "ES256"],
        "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": ["ES256"]}},
        "credential_metadata": {
            "display": [{"name": text, "locale": locale} for locale, text in _NAMES.items()],
            "claims": claims,
        },
    }
