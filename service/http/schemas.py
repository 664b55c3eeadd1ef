"""Schemas of every answer, for the OpenAPI description; a test validates real answers with them.

Answers may gain members (docs/http.md). The schemas leave that open without saying so: with `additionalProperties`,
generated TypeScript would give every member that it does not know the type `unknown`.
"""

from typing import Any, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from idproof.pipeline import Decision
from idproof.service.cases.states import RegistrationStatus
from idproof.service.claims import verdict_schema
from idproof.service.http import (
    schemas_capture,
    schemas_passkeys,
    schemas_presentations,
    schemas_reviews,
    schemas_sessions,
)
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


class RegistrationAttempt(BaseModel):
    """One verdict of a registration."""

    verification: str
    decision: Decision
    reasons: list[str]
    step: str = Field(description="What came next.")
    at: str


class RegistrationTransition(BaseModel):
    """One transition of a registration."""

    number: int
    event: str
    status: RegistrationStatus
    at: str
    verification: str | None
    statement: str | None = Field(
        description="SHA-256 of what the deciding person signed: the payload of the statement, in hex."
    )


class NextInstructions(BaseModel):
    """The applicant's next step."""

    step: str
    captures: list[str] = Field(description="Groups of captures to take again: `card`, `selfie`, `liveness`.")
    advice: list[str] = Field(description="Codes of what to change.")
    text: str = Field(description="The same for the applicant, in the language asked for.")


class RegistrationResource(BaseModel):
    """A registration above its verifications."""

    id: str
    status: RegistrationStatus
    reference: str | None
    opened_at: str
    changed_at: str
    expires_at: str
    attempts: list[RegistrationAttempt]
    attempts_left: int
    verification: str | None = Field(description="The last verdict.")
    next: NextInstructions
    history: list[RegistrationTransition]


class RegistrationPage(BaseModel):
    """One page of registrations, newest first."""

    items: list[RegistrationResource]
    next: str | None = Field(description="The next page's `cursor`; null on the last page.")


class CounterTicket(BaseModel):
    """A ticket for a counter."""

    code: str = Field(description="The applicant takes it to the counter; shown only here.")
    qr: list[str] = Field(description="Rows of a QR code with its quiet zone: 1 for a dark module, 0 for a light one.")
    expires_at: str


class CounterCheck(BaseModel):
    """One check of captures that were taken at a counter."""

    name: str
    outcome: str | None = Field(description="`pass`, `doubt` or `fail`; null if it could not be assessed.")
    reason: str | None
    required: bool = Field(description="Whether an accept by the service needs it.")


class CounterCapture(BaseModel):
    """The last verdict of captures that were taken during a visit, without anything that was read from the card."""

    verification: str
    decision: Decision
    reasons: list[str]
    checks: list[CounterCheck] = Field(description="Those that failed first.")
    acceptable: bool = Field(description="Whether the officer may accept it.")


class CounterVisit(BaseModel):
    """A registration that is open at a counter."""

    registration: str
    status: RegistrationStatus
    attempts: list[RegistrationAttempt]
    captured: str | None = Field(description="The last verdict of captures that were taken here.")
    capture: CounterCapture | None = Field(description="What these captures showed; null while there are none.")
    texts: dict[str, str] = Field(description="Sentences for all reason codes, in the language asked for.")
    expires_at: str


class CounterDecision(BaseModel):
    """An officer's decision at a counter."""

    registration: str
    status: RegistrationStatus
    statement: str = Field(description="The officer's decision, signed: a compact JWS (`counter-statement+jwt`).")


class GuardianConsent(BaseModel):
    """The text that a guardian consents to."""

    text: str
    sha256: str = Field(description="Of the text in UTF-8, hex.")


class JoinedGuardian(BaseModel):
    """A guardian who joined a session, as the verdict will name this guardian."""

    verification: str
    consent_sha256: str
    joined_at: str


class Erased(BaseModel):
    """The count of an erasure."""

    verdicts: int


class Redelivered(BaseModel):
    """The count of deliveries that are sent again."""

    deliveries: int


class GrantedPermit(BaseModel):
    """A permit for a challenge that asks for less."""

    id: str
    permit: str
    options: list[str]
    expires_at: str


class CredentialOffer(BaseModel):
    """An offer of a credential for a wallet."""

    link: str = Field(description="Opens a wallet; also the content of the QR code.")
    qr: list[str] = Field(description="Rows of a QR code with its quiet zone: 1 for a dark module, 0 for a light one.")
    transaction_code: str = Field(description="The applicant types it into the wallet; never send it with the link.")
    expires_at: str


class Revocation(BaseModel):
    """A revocation of credentials."""

    revoked: int = Field(description="Copies that were in force.")


class Places(BaseModel):
    """Registrations in progress, and how many may be."""

    used: int
    of: int


class KioskState(BaseModel):
    """A streaming device: its state and counts."""

    device: str
    name: str
    state: str
    staff_called: str | None = None
    staff_acknowledged: str | None = None
    software: str | None = None
    camera: dict[str, Any] | None = None
    median_s: int | None = None
    p90_s: int | None = None


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
    networks_on: Literal["cpu", "cuda"] | None = Field(
        description="Hardware of this process's networks; null where pictures are examined elsewhere, or not at all."
    )


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
    RunningVerification,
    VerdictPage,
    RegistrationResource,
    RegistrationPage,
    CounterTicket,
    CounterVisit,
    CounterDecision,
    GuardianConsent,
    JoinedGuardian,
    Erased,
    Redelivered,
    GrantedPermit,
    CredentialOffer,
    Revocation,
    Kiosks,
    Alive,
    Readiness,
    PublicKeys,
    PrivacyStatement,
    *schemas_capture.ANSWERS,
    *schemas_passkeys.ANSWERS,
    *schemas_presentations.ANSWERS,
    *schemas_reviews.ANSWERS,
    *schemas_sessions.ANSWERS,
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
