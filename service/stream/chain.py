"""Proofs of a device's key, and the chain of authentication tags over its frames. Pure.

Keyed hashes are HMAC-SHA-256 (RFC 2104, FIPS 180-4) with a label for each use.
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass, field
from enum import StrEnum

from idproof.service.errors import StreamProblem

LIVENESS = "liveness"
HEADER = struct.Struct(">4sBBBB8sIIQ")
TAG_BYTES = 32
HEAD_BYTES = HEADER.size + TAG_BYTES
PREVIEW_BYTES, STILL_BYTES, LIVENESS_BYTES = 128 * 1024, 4 * 1024 * 1024, 512 * 1024
"""Bytes of a JPEG, at most: rules of `docs/stream.md`, as are all sizes of this module."""
_MAGIC, _VERSION = b"IDPC", 1
_LABEL = b"idproof.capture.v1 "


class Shows(StrEnum):
    """Subject of a frame, in the order of its codes from 1 on."""

    CARD_FRONT = "card_front"
    CARD_TILT_LEFT = "card_tilt_left"
    CARD_TILT_RIGHT = "card_tilt_right"
    SELFIE = "selfie"
    LIVENESS = LIVENESS


_SHOWS = tuple(Shows)


def device_proof(secret: bytes, challenge: bytes, nonce: bytes) -> bytes:
    """Returns the device's answer to the server's challenge."""
    return _mac(secret, b"device\0", challenge, nonce)


def server_proof(secret: bytes, challenge: bytes, nonce: bytes) -> bytes:
    """Returns the server's answer to the device's nonce."""
    return _mac(secret, b"server\0", nonce, challenge)


def bound_key(secret: bytes, binding: bytes) -> bytes:
    """Returns the key of the page whose first handshake bound a capture token; `binding` is that handshake's digest."""
    return _mac(secret, b"bound\0", binding)


def frame_key(secret: bytes, nonce: bytes) -> bytes:
    """Returns the key of one session's frames."""
    return _mac(secret, b"frames\0", nonce)


def mark_of(nonce: bytes) -> bytes:
    """Returns the 8 bytes by which a frame names its session."""
    return hashlib.sha256(_LABEL + b"mark\0" + nonce).digest()[:8]


def _mac(key: bytes, label: bytes, *parts: bytes) -> bytes:
    return hmac.digest(key, _LABEL + label + b"".join(parts), "sha256")


@dataclass(frozen=True, slots=True, repr=False)
class Frame:
    """One frame whose tag was verified.

    Attributes:
        shows: its subject.
        still: whether it has the full resolution; else it is a preview.
        sequence: number in the session, from 1 on.
        number: the camera's own count.
        captured_us: microseconds by the device's clock, see `docs/stream.md`.
        picture: JPEG, a view of the message.
    """

    shows: Shows
    still: bool
    sequence: int
    number: int
    captured_us: int
    picture: memoryview


@dataclass
class Chain:
    """Chain of the frames of one session: each tag depends on the one before.

    Args:
        secret: of the device.
        nonce: of the session.

    Attributes:
        next: sequence number of the next frame.
        tag: of the last frame.
    """

    secret: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    next: int = 1
    tag: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        self._key = frame_key(self.secret, self.nonce)
        self._mark = mark_of(self.nonce)
        self.tag = self.tag or _mac(self._key, b"chain\0", self.nonce)

    def accept(self, message: bytes) -> Frame:
        """Accept the next frame; the chain advances only if all of it holds.

        Raises:
            StreamProblem: `frame_malformed`, `frame_too_large`, `frame_foreign`, `frame_replayed`,
                `frame_out_of_order` or `frame_forged`; the chain stays where it was.
        """
        frame, mark, tag = _parsed(message)
        if mark != self._mark:
            raise StreamProblem("frame_foreign", "The frame belongs to another session.")
        if frame.sequence < self.next:
            raise StreamProblem("frame_replayed", f"Frame {frame.sequence} came already.")
        if frame.sequence > self.next:
            raise StreamProblem("frame_out_of_order", f"Frame {self.next} was expected.")
        expected = self.sign(message[: HEADER.size], frame.picture)
        if not hmac.compare_digest(expected, tag):
            raise StreamProblem("frame_forged", "The frame's tag does not hold.")
        self.tag, self.next = expected, self.next + 1
        return frame

    def sign(self, header: bytes, picture: bytes | memoryview) -> bytes:
        """Returns the tag of a frame that follows on the last one."""
        return hmac.digest(self._key, self.tag + header + hashlib.sha256(picture).digest(), "sha256")

    def pack(self, shows: Shows, still: bool, number: int, captured_us: int, picture: bytes) -> bytes:
        """Returns the next frame as a device sends it."""
        role = _SHOWS.index(shows) + 1
        header = HEADER.pack(_MAGIC, _VERSION, role, int(still), 0, self._mark, self.next, number, captured_us)
        self.tag, self.next = self.sign(header, picture), self.next + 1
        return header + self.tag + picture


def _parsed(message: bytes) -> tuple[Frame, bytes, bytes]:
    """Returns the frame as its header describes it, its mark and its tag; raises `StreamProblem`."""
    if len(message) <= HEAD_BYTES:
        raise StreamProblem("frame_malformed", "A frame has 64 bytes of header and a picture.")
    magic, version, shows, kind, zero, mark, sequence, number, captured = HEADER.unpack_from(message)
    if (magic, version, zero) != (_MAGIC, _VERSION, 0) or not 1 <= shows <= len(_SHOWS) or kind not in (0, 1):
        raise StreamProblem("frame_malformed", "The frame's header is not as documented.")
    shown = _SHOWS[shows - 1]
    limit = LIVENESS_BYTES if shown is Shows.LIVENESS else STILL_BYTES if kind else PREVIEW_BYTES
    if len(message) - HEAD_BYTES > limit:
        raise StreamProblem("frame_too_large", f"A frame of this kind has at most {limit} bytes.")
    picture = memoryview(message)[HEAD_BYTES:]
    tag = message[HEADER.size : HEAD_BYTES]
    return Frame(shown, bool(kind), sequence, number, captured, picture), mark, tag
