"""Schemas of the answers about capture sessions, their challenges and their plans; see `schemas`."""

from pydantic import BaseModel, Field


class ChallengeStep(BaseModel):
    """One action of the applicant; times in milliseconds from the start of the challenge."""

    action: str
    start_ms: int
    end_ms: int


class ChallengeLight(BaseModel):
    """One colour of the screen, red, green and blue in 0 to 255."""

    colour: list[int] = Field(min_length=3, max_length=3)
    start_ms: int
    end_ms: int


class Challenge(BaseModel):
    """Actions of the applicant while the screen shows soft colours."""

    nonce: str
    issued_at: str
    expires_at: str
    neutral_ms: int
    duration_ms: int
    capture_ms: list[int] = Field(description="Times at which a frame is needed.")
    steps: list[ChallengeStep]
    lights: list[ChallengeLight]
    options: dict[str, bool]


class WantedPose(BaseModel):
    """A pose of the card: turn and pitch in degrees, and its width face on as a share of the picture's width."""

    turn_deg: float = Field(description="Positive when the card's left edge is the nearer one.")
    pitch_deg: float = Field(description="Positive when the card's top edge is the nearer one.")
    share: float


class CapturePlan(BaseModel):
    """Poses in which the session asks for the card, and their order."""

    order: list[str]
    poses: dict[str, WantedPose] = Field(description="By capture.")
    tolerance: WantedPose = Field(description="Greatest distance of a capture from its pose.")


class OpenedSession(BaseModel):
    """An open capture session."""

    id: str
    nonce: str
    challenge: Challenge
    capture_plan: CapturePlan | None = Field(description="Null unless it was asked for.")
    expires_at: str
    attempts: int


ANSWERS: tuple[type[BaseModel], ...] = (OpenedSession,)
