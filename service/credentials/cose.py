"""COSE_Sign1 with ES256 (RFC 9052, RFC 9053), and public keys as COSE_Key: what mobile documents are signed with."""

from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey

from idproof.service.credentials.encoding import from_base64url, write_cbor
from idproof.service.credentials.jose import public_jwk
from idproof.service.errors import CredentialCode, CredentialRefused

_ALGORITHM, X5CHAIN = 1, 33
"""Header parameters (RFC 9052, section 3.1; RFC 9360)."""
_ES256 = -7
_PROTECTED = write_cbor({_ALGORITHM: _ES256})
_KTY, _CRV, _X, _Y = 1, -1, -2, -3
_EC2, _P256 = 2, 1
_COORDINATE = 32  # bytes


def sign(key: ec.EllipticCurvePrivateKey, payload: bytes, *, x5chain: list[bytes] | None, detached: bool) -> list[Any]:
    """Returns a COSE_Sign1.

    Args:
        key: on P-256.
        payload: that is signed.
        x5chain: certificates for the unprotected header, as ISO/IEC 18013-5 has them; None for none.
        detached: leave the payload out.
    """
    r, s = decode_dss_signature(key.sign(_to_be_signed(payload), ec.ECDSA(SHA256())))
    signature = r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")
    unprotected = {} if x5chain is None else {X5CHAIN: x5chain[0] if len(x5chain) == 1 else x5chain}
    return [_PROTECTED, unprotected, None if detached else payload, signature]


def payload_of(signed: object) -> bytes:
    """Returns the payload of a COSE_Sign1 that has one; raises `CredentialRefused`."""
    payload = _parts(signed)[2]
    if not isinstance(payload, bytes):
        raise _malformed()
    return payload


def x5chain_of(signed: object) -> list[bytes]:
    """Returns the certificates in the unprotected header, which has nothing else; raises `CredentialRefused`."""
    header = _parts(signed)[1]
    if header.keys() != {X5CHAIN}:
        raise _malformed()
    chain = header[X5CHAIN]
    if isinstance(chain, bytes):
        return [chain]
    # RFC 9360, section 2: a list has two certificates at least.
    if not isinstance(chain, list) or len(chain) < 2 or not all(isinstance(entry, bytes) for entry in chain):
        raise _malformed()
    return chain


def require_signature(signed: object, key: ec.EllipticCurvePublicKey, payload: bytes, code: CredentialCode) -> None:
    """Raises `CredentialRefused` with this code unless the key signed this payload with ES256."""
    protected, _, _, signature = _parts(signed)
    if protected != _PROTECTED or not isinstance(signature, bytes) or len(signature) != 2 * _COORDINATE:
        raise _malformed()
    r, s = (int.from_bytes(half, "big") for half in (signature[:_COORDINATE], signature[_COORDINATE:]))
    try:
        key.verify(encode_dss_signature(r, s), _to_be_signed(payload), ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        raise CredentialRefused(code, "Its signature does not hold.") from None


def to_cose_key(key: ECKey) -> dict[int, Any]:
    """Returns a public key on P-256 as COSE_Key."""
    jwk = public_jwk(key)
    return {_KTY: _EC2, _CRV: _P256, _X: from_base64url(jwk["x"]), _Y: from_base64url(jwk["y"])}


def from_cose_key(key: object) -> ec.EllipticCurvePublicKey:
    """Returns the public key of a COSE_Key; raises `CredentialRefused`."""
    if not isinstance(key, dict) or key.keys() != {_KTY, _CRV, _X, _Y} or (key[_KTY], key[_CRV]) != (_EC2, _P256):
        raise _malformed()
    if not all(isinstance(key[name], bytes) and len(key[name]) == _COORDINATE for name in (_X, _Y)):
        raise _malformed()
    try:
        numbers = ec.EllipticCurvePublicNumbers(
            int.from_bytes(key[_X], "big"), int.from_bytes(key[_Y], "big"), ec.SECP256R1()
        )
        return numbers.public_key()
    except ValueError:  # a point that is not on the curve
        raise _malformed() from None


def _to_be_signed(payload: bytes) -> bytes:
    return write_cbor(["Signature1", _PROTECTED, b"", payload])


def _parts(signed: object) -> tuple[Any, dict[Any, Any], Any, Any]:
    if not isinstance(signed, list) or len(signed) != 4 or not isinstance(signed[1], dict):
        raise _malformed()
    return signed[0], signed[1], signed[2], signed[3]


def _malformed() -> CredentialRefused:
    return CredentialRefused("credential_malformed", "It is not signed as its format demands.")
