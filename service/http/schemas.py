"""Schemas of every answer, for the OpenAPI description; a test holds real answers to them.

Answers may gain members (docs/http.md). The schemas leave that open without saying so: with `additionalProperties`,
generated TypeScript would give every member that it does not know the type `unknown`.
"""

from typing import Any, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from idproof.pipeline import Decision
from idproof.service.claims import verdict_schema
from idproof.service.http.problems import STATUS_BY_CODE

REFERENCE = "#/components/schemas/"
VERDICT = "Verdict"


class RequestFault(BaseModel):
    """One part of a request that is not as documented."""

    where: Literal["header", "path", "query", "body", "metadata"]
    name: str = Field(description="Of the header or parameter; in JSON a pointer (RFC 6901), empty for all of it.")
    detail: str = Field(description="The rule that it breaks; never the value.")
    member: str | None = Field(default=None, description="A member that is not documented.")


class Problem(BaseModel):
    """Problem details (RFC 9457). Codes may be added."""

    type: str
    title: str
    status: int
    detail: str = Field(description="In English; for a problem with a capture in the language asked for.")
    code: str = Field(description="Stable.", examples=sorted(STATUS_BY_CODE))
    capture: str | None = Field(default=None, description="The capture at fault.")
    errors: list[RequestFault] | None = Field(default=None, description="The parts that are not as documented.")


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


class RunningVerification(BaseModel):
    """A verification without a verdict yet."""

    id: str
    status: Literal["running"]


class VerdictSummary(BaseModel):
    """A verdict without what was read from the card."""

    id: str
    decision: Decision
    reasons: list[str]
    document_type: str
    reference: str | None
    started_at: str


class VerdictPage(BaseModel):
    """One page of verdicts, newest first."""

    items: list[VerdictSummary]
    next: str | None = Field(description="The next page's `cursor`; null on the last page.")


class GrantedPermit(BaseModel):
    """A permit for a challenge that asks for less."""

    id: str
    permit: str
    options: list[str]
    expires_at: str


class Places(BaseModel):
    """Registrations in progress, and how many may be."""

    used: int
    of: int


class KioskState(BaseModel):
    """A streaming device: its state and counts."""

    device: str
    name: str
    state: str


class Kiosks(BaseModel):
    """Every streaming device."""

    at: str
    places: Places
    waiting: int
    devices: list[KioskState]


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """Readiness: true if a registration sent now would be verified and its verdict stored."""

    status: Literal["ready", "not ready"]
    checks: dict[str, bool]


class PublicKey(BaseModel):
    """A public key (RFC 7517, RFC 8037)."""

    kty: str
    kid: str
    crv: str | None = None
    x: str | None = None
    use: str | None = None
    alg: str | None = None


class PublicKeys(BaseModel):
    """A JWK set."""

    keys: list[PublicKey]


class KeptData(BaseModel):
    """One kind of data that is kept."""

    what: str
    how: str
    for_: str = Field(alias="for")


class PrivacyStatement(BaseModel):
    """Retention: the data that is kept, for how long, and how it is deleted."""

    pictures: dict[str, Any]
    templates: dict[str, Any]
    kept: list[KeptData]


ANSWERS: tuple[type[BaseModel], ...] = (
    Problem,
    OpenedSession,
    RunningVerification,
    VerdictPage,
    GrantedPermit,
    Kiosks,
    Alive,
    Readiness,
    PublicKeys,
    PrivacyStatement,
)


def reference(name: str) -> dict[str, str]:
    """Returns a reference to a schema of the description."""
    return {"$ref": REFERENCE + name}


def components() -> dict[str, Any]:
    """Returns the schemas of all answers by name."""
    _, described = models_json_schema([(model, "validation") for model in ANSWERS], ref_template=REFERENCE + "{model}")
    verdict = dict(verdict_schema())
    parts = verdict.pop("$defs")
    for name in ("$schema", "$id"):
        verdict.pop(name)
    named: dict[str, Any] = described["$defs"]
    return named | {name: _moved(part) for name, part in (parts | {VERDICT: verdict}).items()}


def _moved(node: Any) -> Any:
    """Returns a part of the verdict's own schema with its references towards the description's components."""
    if isinstance(node, list):
        return [_moved(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    return {
        key: value.replace("#/$defs/", REFERENCE) if key == "$ref" and isinstance(value, str) else _moved(value)
        for key, value in node.items()
    }
