"""A client's answer to a challenge: what was asked, and when each frame was taken. The frames are in the vault."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from idproof.models.types import RGBImage
from idproof.pipeline.errors import FramesUnusable
from idproof.pipeline.liveness.challenge import Challenge
from idproof.pipeline.liveness.frames import MAX_FRAMES, MIN_FRAMES, CameraReport, Clip, Frame


@dataclass(frozen=True, slots=True)
class Shot:
    """When one frame was taken, as the client tells it.

    Attributes:
        captured_ms: milliseconds from the start of the challenge, by the client's clock.
        number: counted by the client.
    """

    captured_ms: float
    number: int


@dataclass(frozen=True, slots=True)
class LivenessAnswer:
    """What frames answer, and when they came.

    Attributes:
        challenge: drawn by the server, never taken from the client.
        shots: 8 to 48, one a frame, in the order they were sent.
        received_at: when they arrived, by the server's clock, with a time zone.
        camera: what the client says of its camera, if anything.
    """

    challenge: Challenge
    shots: Sequence[Shot]
    received_at: datetime
    camera: CameraReport | None = None

    def __post_init__(self) -> None:
        if not MIN_FRAMES <= len(self.shots) <= MAX_FRAMES:
            raise FramesUnusable(f"A liveness challenge is answered by {MIN_FRAMES} to {MAX_FRAMES} frames.")

    @property
    def names(self) -> list[str]:
        """Under which the vault holds the frames, in order."""
        return [frame_name(place) for place in range(len(self.shots))]

    def clip(self, pixels: Sequence[RGBImage]) -> Clip:
        """The frames with their pixels, in order; raises `FramesUnusable`."""
        frames = [Frame(image, shot.captured_ms, shot.number) for image, shot in zip(pixels, self.shots, strict=True)]
        return Clip(tuple(frames), self.camera)


def frame_name(place: int) -> str:
    """The name of a frame in the vault, and in errors: `frame_00`, `frame_01` and so on."""
    return f"frame_{place:02d}"
