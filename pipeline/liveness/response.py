"""A client's response to a challenge: the challenge and the times of the frames. The vault holds the frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from idproof.models.types import RGBImage
from idproof.pipeline.errors import FramesUnusable
from idproof.pipeline.liveness.challenge import Challenge
from idproof.pipeline.liveness.frames import MAX_FRAMES, MIN_FRAMES, CameraReport, Clip, Frame


@dataclass(frozen=True, slots=True)
class FrameTiming:
    """Time and number of one frame, as the client reports them.

    Attributes:
        captured_ms: milliseconds from the start of the challenge, by the client's clock.
        number: counted by the client.
    """

    captured_ms: float
    number: int


@dataclass(frozen=True, slots=True)
class LivenessResponse:
    """A challenge and the frames that respond to it.

    Attributes:
        challenge: drawn by the server, never taken from the client.
        timings: 8 to 48, one per frame, in the order they were sent.
        received_at: arrival of the frames by the server's clock, with a time zone.
        camera: the client's report of its camera, if any.
        reduction_permitted: staff granted that this applicant is asked for less (`Options.reduces`).
    """

    challenge: Challenge
    timings: Sequence[FrameTiming]
    received_at: datetime
    camera: CameraReport | None = None
    reduction_permitted: bool = False

    def __post_init__(self) -> None:
        if not MIN_FRAMES <= len(self.timings) <= MAX_FRAMES:
            raise FramesUnusable(f"A liveness challenge is answered by {MIN_FRAMES} to {MAX_FRAMES} frames.")

    @property
    def names(self) -> list[str]:
        """Names of the frames in the vault, in order."""
        return [frame_name(index) for index in range(len(self.timings))]

    def clip(self, pixels: Sequence[RGBImage]) -> Clip:
        """Returns the frames with their pixels, in order; raises `FramesUnusable`."""
        pairs = zip(pixels, self.timings, strict=True)
        frames = [Frame(image, timing.captured_ms, timing.number) for image, timing in pairs]
        return Clip(tuple(frames), self.camera)


def frame_name(index: int) -> str:
    """Returns the name of a frame in the vault and in errors: `frame_00`, `frame_01` and so on."""
    return f"frame_{index:02d}"
