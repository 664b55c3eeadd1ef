"""Status lists (draft-ietf-oauth-status-list): a bit per credential, signed, compressed, the same for everybody."""

import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from idproof.service.credentials.certificates import Trust
from idproof.service.credentials.credential import SKEW_S, Checked
from idproof.service.credentials.encoding import LAST_SECOND, from_base64url, to_base64url
from idproof.service.credentials.identity import Identity
from idproof.service.credentials.jose import Token, open_token, sign
from idproof.service.errors import CredentialRefused

KIND = "statuslist+jwt"
MEDIA_TYPE = "application/statuslist+jwt"
TTL_S = 300
"""Seconds for which a list may be used before it is fetched again: a revocation is known that soon. Chosen by hand."""
_EXPIRES_S = 24 * 3600
"""Seconds after which a list must not be used: verifiers that cannot reach the issuer go on for a day. By hand."""
_LARGEST = 2**20
"""Bytes of a list when decompressed: eight times ours of 2^17 bits would have 128 KiB. Chosen by hand."""
_BITS = (1, 2, 4, 8)


def make_token(identity: Identity, uri: str, revoked: Iterable[int], capacity: int, now: datetime) -> str:
    """Returns the signed list.

    Args:
        identity: of the issuer.
        uri: of the list, its `sub`.
        revoked: indexes of revoked credentials.
        capacity: number of bits, a multiple of 8.
        now: time at which it is made.
    """
    bits = bytearray(capacity // 8)
    for index in revoked:
        bits[index // 8] |= 1 << index % 8
    begin = int(now.timestamp())
    claims = {
        "sub": uri,
        "iat": begin,
        "exp": begin + _EXPIRES_S,
        "ttl": TTL_S,
        "status_list": {"bits": 1, "lst": to_base64url(zlib.compress(bytes(bits), 9))},
    }
    return sign(identity, KIND, claims)


def require_valid(checked: Checked, token: str, trust: Trust, now: datetime) -> None:
    """Raises `CredentialRefused` unless a list says that a credential is valid.

    The list must be signed by the credential's own issuer: another one that is trusted may not speak for it.

    Args:
        checked: credential that passed all other checks.
        token: the list.
        trust: roots of issuers.
        now: time of the check.

    Raises:
        CredentialRefused: `credential_revoked`; `status_unavailable` for a list that does not hold or does not know it.
    """
    try:
        opened = open_token(token, KIND, ["x5c"])
        leaf = opened.signer(trust, now)
    except CredentialRefused:
        raise _unavailable("The status list is not signed by an issuer that is trusted.") from None
    if checked.issuer not in leaf.identifiers:
        raise _unavailable("The status list is of another issuer.")
    if opened.claims.get("sub") != checked.status.uri:
        raise _unavailable("The status list is another one than the credential names.")
    _require_fresh(opened, now)
    if _status(opened, checked.status.index) != 0:
        raise CredentialRefused("credential_revoked", "Its issuer has revoked it.")


def lapses(token: str, now: datetime) -> datetime:
    """Returns when a list should be fetched again; it was checked before."""
    ttl = open_token(token, KIND, ["x5c"]).claims.get("ttl")
    known = isinstance(ttl, int) and not isinstance(ttl, bool) and 0 < ttl <= TTL_S
    return now + timedelta(seconds=ttl if known and isinstance(ttl, int) else TTL_S)


def _require_fresh(token: Token, now: datetime) -> None:
    begin, end = token.claims.get("iat"), token.claims.get("exp")
    for value in (begin, end):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LAST_SECOND:
            raise _unavailable("The status list does not say how long it holds.")
    assert isinstance(begin, int)  # noqa: S101 - checked above
    assert isinstance(end, int)  # noqa: S101 - checked above
    skew = timedelta(seconds=SKEW_S)
    if not datetime.fromtimestamp(begin, UTC) - skew <= now < datetime.fromtimestamp(end, UTC):
        raise _unavailable("The status list is too old, or of the future.")


def _status(token: Token, index: int) -> int:
    listed = token.claims.get("status_list")
    bits = listed.get("bits") if isinstance(listed, dict) else None
    if not isinstance(listed, dict) or isinstance(bits, bool) or bits not in _BITS:
        raise _unavailable("The status list is not as its format demands.")
    assert isinstance(bits, int)  # noqa: S101 - one of `_BITS`
    data = _decompressed(listed.get("lst"))
    place = index * bits
    if place // 8 >= len(data):
        raise _unavailable("The status list does not know the credential.")
    return data[place // 8] >> place % 8 & (1 << bits) - 1


def _decompressed(text: object) -> bytes:
    try:
        unpacked = zlib.decompressobj()
        data = unpacked.decompress(from_base64url(text), _LARGEST + 1)
    except (zlib.error, CredentialRefused):
        raise _unavailable("The status list cannot be decompressed.") from None
    if len(data) > _LARGEST or not unpacked.eof:
        raise _unavailable("The status list is too large, or cut off.")
    return data


def _unavailable(sentence: str) -> CredentialRefused:
    return CredentialRefused("status_unavailable", sentence)
