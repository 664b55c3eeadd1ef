"""Pictures that must cross to another process travel sealed: AES-256-GCM under a key of one verification.

The key dies with the session, so whatever copy is left in shared memory, a spill file or a retry queue is noise.
"""

import json
import os
import threading
from typing import Any, Self

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from idproof.pipeline.errors import SealBroken, SessionExpired
from idproof.pipeline.vault.pages import Pages

KEY_BYTES = 32
_NONCE_BYTES, _TAG_BYTES, _LENGTH_BYTES = 12, 16, 4


class Sealer:
    """Seals and opens arrays with one key, which lies in pages that are neither dumped nor inherited.

    Args:
        key: 32 bytes to take over, which are overwritten where they come from; a new random key when None.

    Example:
        >>> sealer = Sealer()
        >>> sealed = sealer.seal(np.arange(3, dtype=np.uint8), "crop/selfie")
        >>> sealer.open(sealed, "crop/selfie").tolist()
        [0, 1, 2]
    """

    def __init__(self, key: bytearray | None = None) -> None:
        source = bytearray(os.urandom(KEY_BYTES)) if key is None else key
        if len(source) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self._key = Pages(KEY_BYTES).array((KEY_BYTES,), np.dtype(np.uint8))
        self._key[...] = source
        source[:] = bytes(KEY_BYTES)
        self._alive = True
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy()

    def __repr__(self) -> str:
        """Never the key."""
        return f"Sealer(alive={self._alive})"

    def lend(self) -> bytearray:
        """A copy of the key for a worker of this session; it must not travel the way that the pictures do."""
        with self._lock:
            self._ensure_alive()
            return bytearray(self._key)

    def seal(self, array: NDArray[Any], about: str) -> bytes:
        """The array with its shape and type, encrypted.

        Args:
            array: of numbers.
            about: what it is, such as `crop/selfie`; it opens as nothing else.

        Raises:
            SessionExpired: the key was destroyed.
        """
        head = json.dumps({"shape": array.shape, "dtype": array.dtype.str}).encode()
        plain = bytearray(len(head).to_bytes(_LENGTH_BYTES, "big") + head)
        start = len(plain)
        plain.extend(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        nonce = os.urandom(_NONCE_BYTES)
        try:
            return nonce + self._cipher().encrypt(nonce, plain, about.encode())
        finally:
            plain[start:] = bytes(len(plain) - start)

    def open(self, sealed: bytes | memoryview, about: str) -> NDArray[Any]:
        """The array; the caller hands it to a vault session, which takes its values and overwrites it.

        Raises:
            SealBroken: it does not open.
            SessionExpired: the key was destroyed.
        """
        data = memoryview(sealed)
        size = len(data) - _NONCE_BYTES - _TAG_BYTES
        if size < _LENGTH_BYTES:
            raise SealBroken("What should be sealed is too short.")
        plain = Pages(size).array((size,), np.dtype(np.uint8))
        try:
            self._cipher().decrypt_into(bytes(data[:_NONCE_BYTES]), data[_NONCE_BYTES:], about.encode(), plain.data)
        except InvalidTag:
            raise SealBroken("A sealed picture does not open.") from None
        else:
            return _unpacked(plain)
        finally:
            plain.fill(0)  # also what the cipher wrote before it found the seal broken

    def destroy(self) -> None:
        """Overwrite the key; nothing sealed with it opens from here on."""
        with self._lock:
            self._alive = False
            self._key.fill(0)

    def _cipher(self) -> AESGCM:
        """Made for each use: the library's own copy of the key goes back to the allocator with it."""
        with self._lock:
            self._ensure_alive()
            return AESGCM(self._key.tobytes())

    def _ensure_alive(self) -> None:
        if not self._alive:
            raise SessionExpired("The capture session has ended; its key is destroyed.")


def _unpacked(plain: NDArray[np.uint8]) -> NDArray[Any]:
    end = _LENGTH_BYTES + int.from_bytes(plain[:_LENGTH_BYTES].tobytes(), "big")
    head = json.loads(plain[_LENGTH_BYTES:end].tobytes())
    array = np.empty(head["shape"], dtype=np.dtype(head["dtype"]))
    array.reshape(-1).view(np.uint8)[...] = plain[end:]
    return array
