"""A client's answer to a challenge, as it arrives: encoded frames and what was asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from idproof.models.types import RGBImage
from idproof.pipeline.errors import FramesUnusable
from idproof.pipeline.liveness.challenge import Challenge
from idproof.pipeline.liveness.frames import MAX_FRAMES, MIN_FRAMES, CameraReport, Clip, Frame


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One frame as sent.

    Attributes:
        data: JPEG or PNG; a `bytearray` is overwritten with zeros once the frames were verified.
        captured_ms: milliseconds from the start of the challenge, by the client's clock.
        number: counted by the client.
    """

    data: bytes | bytearray = field(repr=False)
    captured_ms: float
    number: int


@dataclass(frozen=True, slots=True)
class LivenessAnswer:
    """Frames and the challenge they answer.

    A service keeps nonce, time of issue and options of each challenge, draws it again (`challenge.draw`) when a
    multipart request brings frames, and gives `received_at` from its own clock.

    Attributes:
        challenge: drawn by the server, never taken from the client.
        frames: 8 to 48, in the order they were sent.
        received_at: when they arrived, with a time zone.
        camera: what the client says of its camera, if anything.
    """

    challenge: Challenge
    frames: Sequence[EncodedFrame] = field(repr=False)
    received_at: datetime
    camera: CameraReport | None = None

    def __post_init__(self) -> None:
        if not MIN_FRAMES <= len(self.frames) <= MAX_FRAMES:
            raise FramesUnusable(f"A liveness challenge is answered by {MIN_FRAMES} to {MAX_FRAMES} frames.")

    def wipe(self) -> None:
        """Overwrite every `bytearray` with zeros."""
        for frame in self.frames:
            if isinstance(frame.data, bytearray):
                frame.data[:] = bytes(len(frame.data))

    def clip(self, pixels: Sequence[RGBImage]) -> Clip:
        """The frames with their pixels, in order; raises `FramesUnusable`."""
        frames = [Frame(image, sent.captured_ms, sent.number) for image, sent in zip(pixels, self.frames, strict=True)]
        return Clip(tuple(frames), self.camera)
