"""Request objects: signed requests for a presentation (OpenID4VP 1.0, section 5; RFC 9101; HAIP 1.0)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Self
from urllib.parse import urlencode

from cryptography import x509
from joserfc.jwk import ECKey

from idproof.service.credentials.certificates import READER, purposes
from idproof.service.credentials.credential import Audience, Format
from idproof.service.credentials.encoding import from_base64url
from idproof.service.credentials.identity import Identity
from idproof.service.credentials.jose import ALGORITHM, public_jwk, sign
from idproof.service.errors import KeysUnusable
from idproof.service.operations.settings import Settings
from idproof.service.presentations.asked import Asked
from idproof.service.presentations.store import new_secret

KIND = "oauth-authz-req+jwt"  # RFC 9101, section 10.8
MEDIA_TYPE = "application/oauth-authz-req+jwt"
REQUEST_PATH = "/v1/presentation-requests"
CONTENT_ALGORITHMS = ("A256GCM", "A128GCM")
"""Encryption of responses that HAIP 1.0, section 5, asks verifiers to take."""
KEY_ALGORITHM = "ECDH-ES"
_WALLETS = "https://self-issued.me/v2"  # audience of requests to wallets that nobody discovered, section 5.8
_ES256_COSE = -7
_FORMATS = {
    Format.SD_JWT: {"sd-jwt_alg_values": [ALGORITHM], "kb-jwt_alg_values": [ALGORITHM]},
    Format.MDOC: {"issuerauth_alg_values": [_ES256_COSE], "deviceauth_alg_values": [_ES256_COSE]},
}
ResponseMode = Literal["direct_post", "direct_post.jwt"]


@dataclass(frozen=True, slots=True)
class Party:
    """The party that asks.

    Attributes:
        identity: signs requests and receipts.
        client_id: its client identifier, with the prefix.
        names: as holders are told, per language.
        response_mode: how wallets answer.
    """

    identity: Identity
    client_id: str
    names: Mapping[str, str]
    response_mode: ResponseMode

    @classmethod
    def open(cls, settings: Settings, address: str) -> Self:
        """Returns the party of these settings; raises `KeysUnusable`.

        Args:
            settings: of the operator.
            address: URL under which wallets reach the verifier.
        """
        if settings.presentation_key is not None and settings.presentation_chain is not None:
            identity = Identity.load(settings.presentation_key, settings.presentation_chain, address)
            if READER.dotted_string not in purposes(identity.chain[0]):
                raise KeysUnusable("The first certificate of the verifier's key lacks the key purpose of readers.")
        else:
            identity = Identity.own(settings.keys_dir, "presentation-verifier", address, READER)
        name = settings.presentation_name or address.partition("://")[2]
        names = {
            "en": name,
            "zh-Hant": settings.presentation_name_zh_hant or name,
            "zh-Hans": settings.presentation_name_zh_hans or name,
        }
        client_id = _client_id(settings.presentation_client_id, identity)
        return cls(identity, client_id, names, settings.presentation_response)

    def address(self, secret: str) -> str:
        """Returns a request's address, for its secret."""
        return f"{self.identity.identifier}{REQUEST_PATH}/{secret}"

    def link(self, secret: str) -> str:
        """Returns the link that opens a wallet, for the secret of a request's address."""
        asked = {"client_id": self.client_id, "request_uri": self.address(secret), "request_uri_method": "post"}
        return f"openid4vp://?{urlencode(asked)}"


@dataclass(frozen=True, slots=True)
class Transaction:
    """The random values and the key of one request, drawn when a wallet fetches it and sealed until it is answered.

    Attributes:
        nonce: that the holder signs.
        state: that comes back with the response.
        response_secret: of the address that takes the response.
        key: private key that the response is encrypted to; None if it is not.
    """

    nonce: str = field(repr=False)
    state: str = field(repr=False)
    response_secret: str = field(repr=False)
    key: ECKey | None = field(repr=False)

    @classmethod
    def draw(cls, response_mode: ResponseMode) -> Self:
        """Draws the request's secrets and, where the response is encrypted, a key for this request alone."""
        key = ECKey.generate_key("P-256", private=True) if response_mode == "direct_post.jwt" else None
        return cls(new_secret(), new_secret(), new_secret(), key)

    def to_json(self) -> dict[str, Any]:
        """Returns the members as JSON values, to be sealed."""
        key = None if self.key is None else self.key.as_dict(private=True)
        return {"nonce": self.nonce, "state": self.state, "response_secret": self.response_secret, "key": key}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Returns what `to_json` wrote."""
        key = None if stored["key"] is None else ECKey.import_key(stored["key"])
        return cls(stored["nonce"], stored["state"], stored["response_secret"], key)

    @property
    def key_id(self) -> str | None:
        """Thumbprint of the key (RFC 7638), its `kid`; None without a key."""
        return None if self.key is None else self.key.thumbprint()

    def response_uri(self, party: Party) -> str:
        """Returns the address that takes the response."""
        return f"{party.address(self.response_secret)}/response"

    def audience(self, party: Party) -> Audience:
        """Returns what a presentation must answer."""
        thumbprint = None if self.key_id is None else from_base64url(self.key_id)
        return Audience(party.client_id, self.nonce, self.response_uri(party), thumbprint)


def request_object(
    party: Party,
    asked: Asked,
    transaction: Transaction,
    now: datetime,
    expires: datetime,
    wallet_nonce: str | None = None,
) -> str:
    """Returns the signed request.

    Args:
        party: that asks.
        asked: of the holder.
        transaction: of this request.
        now: time of the request.
        expires: after which it is not answered.
        wallet_nonce: by which a wallet knows that the request was made for it (section 5.10); None without one.
    """
    metadata: dict[str, Any] = {
        # Language tags as in RFC 7591, section 2.2.
        "client_name": party.names["en"],
        **{f"client_name#{language}": name for language, name in party.names.items()},
        "vp_formats_supported": {kind.value: _FORMATS[kind] for kind in asked.formats},
    }
    if transaction.key is not None:
        use = {"use": "enc", "alg": KEY_ALGORITHM, "kid": transaction.key_id}
        metadata["jwks"] = {"keys": [public_jwk(transaction.key) | use]}
        metadata["encrypted_response_enc_values_supported"] = list(CONTENT_ALGORITHMS)
    claims = {
        "aud": _WALLETS,
        "iat": int(now.astimezone(UTC).timestamp()),
        "exp": int(expires.astimezone(UTC).timestamp()),
        "client_id": party.client_id,
        "response_type": "vp_token",
        "response_mode": party.response_mode,
        "response_uri": transaction.response_uri(party),
        "nonce": transaction.nonce,
        "state": transaction.state,
        "dcql_query": asked.query(),
        "client_metadata": metadata,
    }
    if wallet_nonce is not None:
        claims["wallet_nonce"] = wallet_nonce
    return sign(party.identity, KIND, claims)


def _client_id(prefix: str, identity: Identity) -> str:
    if prefix == "x509_hash":
        return f"x509_hash:{identity.hash}"
    host = identity.identifier.partition("://")[2].partition(":")[0]
    try:
        names = identity.chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        known = names.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, ValueError):
        known = []
    if host not in known:
        raise KeysUnusable("The first certificate of the verifier does not name its host (x509_san_dns).")
    return f"x509_san_dns:{host}"
