"""Draws from a nonce: the same nonce gives the same items, and nobody who lacks it can foretell them."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

MIN_NONCE_BYTES = 16  # 128 bits of entropy; RFC 6749, section 10.10, asks that secrets be guessed with at most 2^-128
_STREAM_BYTES = 4096

Item = TypeVar("Item")


class NonceStream:
    r"""Unbiased whole numbers from SHAKE-256 (FIPS 202) over a domain and a nonce.

    Args:
        domain: names the use, so that two uses of one nonce are independent; ends with a zero byte.
        nonce: 16 random bytes or more.

    Raises:
        ValueError: the nonce is too short.

    Example:
        >>> NonceStream(b"example 1\0", bytes(16)).sequence("abc", 4)
        ('b', 'a', 'c', 'a')
    """

    def __init__(self, domain: bytes, nonce: bytes) -> None:
        if len(nonce) < MIN_NONCE_BYTES:
            raise ValueError(f"a nonce has {MIN_NONCE_BYTES} bytes or more")
        self._bytes = iter(hashlib.shake_256(domain + nonce).digest(_STREAM_BYTES))

    def below(self, count: int) -> int:
        """Returns a number 0..count-1, with `count` at most 256; bytes that would favour small numbers are skipped."""
        fair = 256 - 256 % count
        return next(byte for byte in self._bytes if byte < fair) % count

    def choose(self, items: Sequence[Item]) -> Item:
        """Returns one of the items, all equally likely."""
        return items[self.below(len(items))]

    def sequence(self, items: Sequence[Item], length: int) -> tuple[Item, ...]:
        """Returns `length` random items, none twice in a row; for one item or none it returns them as they are."""
        if len(items) < 2:
            return tuple(items)
        found: list[Item] = []
        while len(found) < length:
            found.append(self.choose([item for item in items if not found or item != found[-1]]))
        return tuple(found)
