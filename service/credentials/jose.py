"""Compact JWS with ES256 (RFC 7515, RFC 7518): one algorithm, known header parameters, keys that nobody else names."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from idproof.service.credentials.certificates import Leaf, Trust
from idproof.service.credentials.encoding import from_base64url, read_json, write_json
from idproof.service.credentials.identity import Identity
from idproof.service.errors import CredentialCode, CredentialRefused

ALGORITHM = "ES256"
_LONGEST = 64 * 1024
"""Characters of a token. Chosen by hand: ten times a credential with every claim."""
_COORDINATE = 32  # bytes, RFC 7518, section 6.2.1.2


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """A compact JWS whose signature was not checked yet.

    Attributes:
        text: as it came.
        header: with no parameters but those that were allowed.
        claims: of its payload.
    """

    text: str
    header: dict[str, Any]
    claims: dict[str, Any]

    def require_signature(
        self, key: ECKey | ec.EllipticCurvePublicKey, code: CredentialCode = "credential_signature_invalid"
    ) -> None:
        """Raises `CredentialRefused` with this code unless the key signed it."""
        known = key if isinstance(key, ECKey) else ECKey.import_key(key)
        try:
            jws.deserialize_compact(self.text, known, registry=_REGISTRY)
        except (JoseError, ValueError, TypeError, KeyError):
            raise CredentialRefused(code, "Its signature does not hold.") from None

    def certificate(self, trust: Trust, now: datetime) -> Leaf:
        """Returns the signer's certificate after its chain was verified; raises `CredentialRefused` otherwise.

        Neither the signature nor the purpose of its key was checked.
        """
        return trust.leaf(_chain(self.header.get("x5c")), now)

    def signer(self, trust: Trust, now: datetime) -> Leaf:
        """Returns the certificate of the issuer, once chain, purpose and signature hold; raises `CredentialRefused`."""
        leaf = self.certificate(trust, now)
        leaf.require_document_signer()
        self.require_signature(leaf.key)
        return leaf


class _Registry(jws.JWSRegistry):
    max_header_length = 16 * 1024
    """Bytes; a chain of four certificates has 4 KiB. Chosen by hand."""


_REGISTRY = _Registry(algorithms=[ALGORITHM])


def sign(identity: Identity, kind: str, claims: dict[str, Any]) -> str:
    """Returns claims as a compact JWS of a type (`typ`) with the identity's certificates (`x5c`)."""
    header = {"alg": ALGORITHM, "typ": kind, "x5c": identity.x5c}
    return jws.serialize_compact(header, write_json(claims), identity.jwk, registry=_REGISTRY)


def open_token(text: object, kind: str, parameters: Iterable[str]) -> Token:
    """Returns a token of one type, signed with ES256, whose signature is still to be checked.

    A parameter that is not expected, such as `jku`, `x5u` or `crit`, is refused: nothing that it names is followed.

    Args:
        text: compact JWS.
        kind: its `typ`.
        parameters: what its header holds besides `alg` and `typ`, all of them.

    Raises:
        CredentialRefused: `credential_malformed`.
    """
    if not isinstance(text, str) or len(text) > _LONGEST or text.count(".") != 2:
        raise _malformed()
    head, payload, signature = text.split(".")
    header, claims = read_json(from_base64url(head)), read_json(from_base64url(payload))
    from_base64url(signature)
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise _malformed()
    if header.get("alg") != ALGORITHM or header.get("typ") != kind or header.keys() != {"alg", "typ", *parameters}:
        raise _malformed()
    return Token(text, header, claims)


def holder_key(jwk: object, code: CredentialCode = "credential_malformed") -> ECKey:
    """Returns a holder's public key on P-256 from a JWK; raises `CredentialRefused` with this code.

    A private key is refused as well: whoever shows one does not keep it.
    """
    wrong = CredentialRefused(code, "The holder's key is not a public key on P-256 as a JWK.")
    if not isinstance(jwk, dict) or (jwk.get("kty"), jwk.get("crv")) != ("EC", "P-256") or "d" in jwk:
        raise wrong
    try:
        if {len(from_base64url(jwk.get(name))) for name in ("x", "y")} != {_COORDINATE}:
            raise wrong
        return ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")})
    except CredentialRefused:
        raise wrong from None
    except (JoseError, ValueError, TypeError, KeyError):  # a point that is not on the curve
        raise wrong from None


def public_jwk(key: ECKey) -> dict[str, str]:
    """Returns the four members of a public key, and nothing that would name it."""
    members = key.as_dict(private=False)
    return {name: str(members[name]) for name in ("kty", "crv", "x", "y")}


def _chain(x5c: object) -> list[bytes]:
    if not isinstance(x5c, list) or not all(isinstance(entry, str) for entry in x5c):
        raise _malformed()
    try:
        chain = [base64.b64decode(entry, validate=True) for entry in x5c]
    except (binascii.Error, ValueError):
        raise _malformed() from None
    if [base64.b64encode(data).decode() for data in chain] != x5c:
        raise _malformed()
    return chain


def _malformed() -> CredentialRefused:
    return CredentialRefused("credential_malformed", "It is no token of the expected type.")
