"""Seals buffers that cross to another process: AES-256-GCM (NIST SP 800-38D) under a key of one verification.

The key is destroyed with the session, so a copy that is left in shared memory, a spill file or a retry queue is noise.
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

KEY_BYTES = 32  # AES-256
_NONCE_BYTES, _TAG_BYTES = 12, 16  # NIST SP 800-38D, 5.2.1: 96-bit nonce, 128-bit tag
_LENGTH_BYTES = 4  # of the header's length, in front of the header


class Sealer:
    """Seals and opens arrays with one key, which lies in `Pages`.

    Args:
        key: 32 bytes, which are overwritten in the caller's memory; a new random key when None.

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
        """Leaves the key out."""
        return f"Sealer(alive={self._alive})"

    def copy_key(self) -> bytearray:
        """Copy the key for a worker of this session; it must not travel on the channel of the sealed pictures."""
        with self._lock:
            self._ensure_alive()
            return bytearray(self._key)

    def seal(self, array: NDArray[Any], name: str) -> bytes:
        """Encrypt the array with its shape and type.

        Args:
            array: of numbers.
            name: such as `crop/selfie`; it opens under no other name.

        Raises:
            SessionExpired: the key was destroyed.
        """
        head = json.dumps({"shape": array.shape, "dtype": array.dtype.str}).encode()
        plain = bytearray(len(head).to_bytes(_LENGTH_BYTES, "big") + head)
        start = len(plain)
        plain.extend(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        nonce = os.urandom(_NONCE_BYTES)
        try:
            return nonce + self._cipher().encrypt(nonce, plain, name.encode())
        finally:
            plain[start:] = bytes(len(plain) - start)

    def open(self, sealed: bytes | memoryview, name: str) -> NDArray[Any]:
        """Decrypt an array; the caller puts it into a vault session, which overwrites the caller's copy.

        Raises:
            SealBroken: it does not open with this key and under this name.
            SessionExpired: the key was destroyed.
        """
        data = memoryview(sealed)
        size = len(data) - _NONCE_BYTES - _TAG_BYTES
        if size < _LENGTH_BYTES:
            raise SealBroken("What should be sealed is too short.")
        plain = Pages(size).array((size,), np.dtype(np.uint8))
        try:
            self._cipher().decrypt_into(bytes(data[:_NONCE_BYTES]), data[_NONCE_BYTES:], name.encode(), plain.data)
        except InvalidTag:
            raise SealBroken("A sealed picture does not open.") from None
        else:
            return _decode_array(plain)
        finally:
            plain.fill(0)  # on a broken seal, too: the cipher writes before it verifies

    def destroy(self) -> None:
        """Overwrite the key; nothing that was sealed with it opens any more."""
        with self._lock:
            self._alive = False
            self._key.fill(0)

    def _cipher(self) -> AESGCM:
        """Make a cipher per use: the library's own copy of the key is freed with it."""
        with self._lock:
            self._ensure_alive()
            return AESGCM(self._key.tobytes())

    def _ensure_alive(self) -> None:
        if not self._alive:
            raise SessionExpired("The capture session has ended; its key is destroyed.")


def _decode_array(plain: NDArray[np.uint8]) -> NDArray[Any]:
    end = _LENGTH_BYTES + int.from_bytes(plain[:_LENGTH_BYTES].tobytes(), "big")
    head = json.loads(plain[_LENGTH_BYTES:end].tobytes())
    array = np.empty(head["shape"], dtype=np.dtype(head["dtype"]))
    array.reshape(-1).view(np.uint8)[...] = plain[end:]
    return array
