"""What a client says of the frames that it sends: when each was taken, and by what camera."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from idproof.pipeline.liveness.challenge import Challenge
from idproof.pipeline.liveness.frames import MAX_FRAMES, MIN_FRAMES, CameraReport
from idproof.pipeline.liveness.response import FrameTiming, LivenessResponse

FRAMES = "frames"
"""The name of each part that is a frame; their order is that of the parts."""

_Number = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
_Size = Annotated[int, Field(ge=0, le=100_000)]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ShotSaid(_Said):
    """One frame. Times and numbers that make no sense are evidence, and no error."""

    captured_ms: _Number = Field(description="From the start of the challenge, by the client's clock.")
    number: int = Field(ge=-(2**53), le=2**53, description="Counted by the camera or the client.")


class CameraSaid(_Said):
    """What was asked of the camera, and what it said of itself: width, height, frames a second."""

    requested: tuple[_Size, _Size, _Number]
    reported: tuple[_Size, _Size, _Number]
    open_ms: _Number = Field(description="From asking for the camera to its first frame.")


class LivenessSaid(_Said):
    """Belongs to the parts `frames`: one entry for each, in the same order."""

    frames: list[ShotSaid] = Field(min_length=MIN_FRAMES, max_length=MAX_FRAMES)
    camera: CameraSaid | None = None

    def answer(self, challenge: Challenge, received_at: datetime) -> LivenessResponse:
        """What the pipeline examines the frames by."""
        camera = self.camera
        return LivenessResponse(
            challenge,
            [FrameTiming(shot.captured_ms, shot.number) for shot in self.frames],
            received_at,
            None if camera is None else CameraReport(camera.requested, camera.reported, camera.open_ms),
        )
