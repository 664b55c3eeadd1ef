"""Fingerprint of one part of a body, which recognises a repeated request and keeps no byte of the part."""

import hmac

_BLOCK_BYTES = 64  # of SHA-256, FIPS 180-4


class PartFingerprint:
    """HMAC-SHA-256 over name, content and length of a part, as the content arrives.

    OpenSSL keeps up to 63 bytes of what it hashed until their block is full: the end of a picture would stay in memory
    for as long as the object does, and after. `finish` fills the block with zeros, and OpenSSL then clears its buffer.

    Args:
        key: of the request.
        name: of the part.
    """

    def __init__(self, key: bytes, name: str) -> None:
        start = name.encode() + b"\0"
        self._mac = hmac.new(key, start, "sha256")
        self._hashed = len(start)
        self._content = 0
        self._finished = False

    def update(self, piece: bytes | memoryview) -> None:
        """Adds a piece of the content."""
        self._mac.update(piece)
        self._hashed += len(piece)
        self._content += len(piece)

    def finish(self) -> None:
        """Leaves nothing of the content in memory; nothing can be added from here on."""
        if not self._finished:
            self._finished = True
            self._mac.update(bytes(-self._hashed % _BLOCK_BYTES))
            # The length tells the zeros that fill the block from zeros of the content.
            self._mac.update(self._content.to_bytes(8, "big"))

    def digest(self) -> bytes:
        """Returns the 32 bytes of the finished fingerprint."""
        self.finish()
        return self._mac.digest()
