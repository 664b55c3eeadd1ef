"""The client's description of its frames: when each was taken, and by which camera."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from idproof.pipeline.liveness.challenge import Challenge
from idproof.pipeline.liveness.frames import MAX_FRAMES, MIN_FRAMES, CameraReport
from idproof.pipeline.liveness.response import FrameTiming, LivenessResponse

FRAMES = "frames"
"""The name of each part that is a frame; the order of the frames is that of the parts."""

# Wide enough for any clock and any camera, and small enough for arithmetic in floating point.
_Number = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
_Size = Annotated[int, Field(ge=0, le=100_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FrameDescription(_Strict):
    """One frame. Impossible times and numbers are evidence for the verification, not an error."""

    captured_ms: _Number = Field(description="From the start of the challenge, by the client's clock.")
    number: int = Field(ge=-(2**53), le=2**53, description="Counted by the camera or the client.")


class CameraDescription(_Strict):
    """The requested and the reported mode of the camera: width, height, frames per second."""

    requested: tuple[_Size, _Size, _Number]
    reported: tuple[_Size, _Size, _Number]
    open_ms: _Number = Field(description="From asking for the camera to its first frame.")


class LivenessDescription(_Strict):
    """The description of the parts `frames`: one entry per part, in the same order."""

    frames: list[FrameDescription] = Field(min_length=MIN_FRAMES, max_length=MAX_FRAMES)
    camera: CameraDescription | None = None

    def response(
        self, challenge: Challenge, received_at: datetime, *, reduction_permitted: bool = False
    ) -> LivenessResponse:
        """Returns the description with the challenge, as the pipeline examines it."""
        camera = self.camera
        return LivenessResponse(
            challenge,
            [FrameTiming(frame.captured_ms, frame.number) for frame in self.frames],
            received_at,
            None if camera is None else CameraReport(camera.requested, camera.reported, camera.open_ms),
            reduction_permitted,
        )
