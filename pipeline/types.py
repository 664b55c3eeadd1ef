"""The facts that flow through a verification: captures in, checks and a verdict out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from idproof.pipeline.errors import CaptureMissing


class Role(StrEnum):
    """The subject of a capture. The values are the part names of the HTTP interface."""

    CARD_FRONT = "card_front"
    CARD_TILT_LEFT = "card_tilt_left"
    CARD_TILT_RIGHT = "card_tilt_right"
    SELFIE = "selfie"

    @property
    def is_card(self) -> bool:
        """True if the capture shows the card."""
        return self is not Role.SELFIE


CARD_ROLES = (Role.CARD_FRONT, Role.CARD_TILT_LEFT, Role.CARD_TILT_RIGHT)


@dataclass(frozen=True, slots=True, repr=False)
class Captures:
    """One registration's pictures as they were received: encoded JPEG, PNG or HEIC bytes, one per role.

    A `bytearray` is overwritten with zeros after the verification. An immutable `bytes` object cannot be overwritten;
    deleting it stays with the caller.

    Example:
        >>> captures = Captures(card_front=b"1", card_tilt_left=b"2", card_tilt_right=b"3", selfie=b"4")
        >>> captures
        Captures(card_front=<1 bytes>, card_tilt_left=<1 bytes>, card_tilt_right=<1 bytes>, selfie=<1 bytes>)
    """

    card_front: bytes | bytearray
    card_tilt_left: bytes | bytearray
    card_tilt_right: bytes | bytearray
    selfie: bytes | bytearray

    @classmethod
    def from_parts(cls, parts: Mapping[str, bytes | bytearray]) -> Self:
        """Build from part names; raises `CaptureMissing` for a missing or an unknown name."""
        known = {role.value for role in Role}
        if missing := sorted(known - parts.keys()):
            raise CaptureMissing(f"These captures are missing: {', '.join(missing)}.", capture=missing[0])
        if parts.keys() - known:
            raise CaptureMissing(f"A capture has an unknown name; known are {', '.join(sorted(known))}.")
        return cls(**parts)

    def items(self) -> Iterator[tuple[Role, bytes | bytearray]]:
        """Each role with its bytes."""
        for role in Role:
            yield role, getattr(self, role.value)

    def wipe(self) -> None:
        """Overwrite every `bytearray` with zeros."""
        for role in Role:
            data = getattr(self, role.value)
            if isinstance(data, bytearray):
                data[:] = bytes(len(data))

    def __repr__(self) -> str:
        """Sizes only: pictures stay out of logs."""
        return f"Captures({', '.join(f'{role.value}=<{len(data)} bytes>' for role, data in self.items())})"


class Status(StrEnum):
    """The status of a check (after BSI OFIQ: failure to assess is a result, not a low score)."""

    ASSESSED = "assessed"
    COULD_NOT_ASSESS = "could_not_assess"


class Outcome(StrEnum):
    """The outcome of an assessed check."""

    PASS = "pass"  # noqa: S105 - not a password
    DOUBT = "doubt"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check.

    Attributes:
        name: the check, such as `face_comparison`.
        status: assessed, or could not assess.
        outcome: pass, doubt (a person should look) or fail; None when not assessed.
        value: the measured quantity in `unit`, or None.
        unit: of `value`: `cosine`, `degrees`, `correlation`, ….
        score: 0..1, higher is more like a bona fide registration; None when not assessed.
        reason: the reason code of a check that does not pass, else None.
        limit: the value at which the outcome turns from pass, or None.
    """

    name: str
    status: Status
    outcome: Outcome | None
    value: float | None = None
    unit: str = ""
    score: float | None = None
    reason: str | None = None
    limit: float | None = None

    def __post_init__(self) -> None:
        assessed = self.status is Status.ASSESSED
        if assessed != (self.outcome is not None):
            raise ValueError("an outcome belongs to an assessed check, and only to one")
        if self.outcome is not Outcome.PASS and self.reason is None:
            raise ValueError("a check that does not pass gives its reason")
        if self.score is not None and not 0.0 <= self.score <= 1.0:
            raise ValueError("a score lies in 0..1")

    @classmethod
    def not_assessed(cls, name: str, reason: str) -> Self:
        """Make the result of a check that could not assess, for this reason."""
        return cls(name=name, status=Status.COULD_NOT_ASSESS, outcome=None, reason=reason)

    @classmethod
    def compared(
        cls, name: str, cosine: float, *, accept: float, refer: float, score: float, doubt: str, fail: str
    ) -> Self:
        """Make the result of comparing two templates at two operating points.

        Passes from `accept` on, is in doubt from `refer` on, and fails below.

        Args:
            name: of the check.
            cosine: of the templates, -1..1.
            accept: threshold of the operating point that accepts; the result's `limit`.
            refer: threshold of the operating point below which it fails.
            score: 0..1, higher for one person.
            doubt: reason between the two.
            fail: reason below both.
        """
        outcome = Outcome.PASS if cosine >= accept else Outcome.DOUBT if cosine >= refer else Outcome.FAIL
        return cls(
            name=name,
            status=Status.ASSESSED,
            outcome=outcome,
            value=round(cosine, 4),
            unit="cosine",
            score=score,
            reason={Outcome.PASS: None, Outcome.DOUBT: doubt, Outcome.FAIL: fail}[outcome],
            limit=accept,
        )


class Decision(StrEnum):
    """The decision about a registration."""

    ACCEPT = "accept"
    REFER = "refer"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, repr=False)
class Correction:
    """A character that was corrected after reading, with the reason.

    Attributes:
        position: in the text without its spaces, from 0.
        read: the character with the most votes of the readers.
        taken: the character that replaces it.
        reason: `form` (the printed form allows no other), `code` (the commercial code printed under it names it).
    """

    position: int
    read: str
    taken: str
    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class FieldReading:
    """A field of the card as read, NFC text in the form it is printed.

    Attributes:
        text: the reading; empty when the field is blank or unreadable.
        confidence: of the least certain character, 0..1.
        certain: whether grammar and confidence support it; an uncertain reading never accepts.
        corrections: characters that were replaced.
        alternatives: (position, character, share of the votes) of further candidates.
    """

    text: str
    confidence: float
    certain: bool
    corrections: tuple[Correction, ...] = ()
    alternatives: tuple[tuple[int, str, float], ...] = ()

    def __repr__(self) -> str:
        """Field values stay out of logs."""
        return f"FieldReading(<{len(self.text)} characters>, confidence={self.confidence:.2f}, certain={self.certain})"


@dataclass(frozen=True, slots=True)
class Wiped:
    """One line of a deletion receipt: the buffers of one kind.

    Attributes:
        kind: `upload`, `decoded`, `rectified`, `crop`, `template`, `frame`, ….
        count: number of buffers.
        bytes: sum of their sizes.
        wiped_at: when the last of them was overwritten, ISO 8601 UTC.
        roles: their subjects, such as `selfie`; never anything that identifies the applicant.
    """

    kind: str
    count: int
    bytes: int
    wiped_at: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeletionReceipt:
    """The record that every buffer of one registration was overwritten.

    Attributes:
        wiped: one entry per kind of buffer (upload, decoded, rectified, crop, template).
        mechanism: of deletion: `overwritten with zeros, then released`.
        guards: further protections in force in this process, such as `malloc_perturb`.
        outstanding: buffers still held; 0 in every receipt that is issued.
        sealed_copies: copies that were sealed to reviewers' public keys before; a service in which no review follows
            destroys them before it gives the verdict.
        protected_templates: face templates that were encrypted to the identity core's key before, for later step-ups;
            without the holder's passkey they are destroyed within minutes.
    """

    wiped: tuple[Wiped, ...]
    mechanism: str
    guards: tuple[str, ...]
    outstanding: int
    sealed_copies: int = 0
    protected_templates: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Verdict:
    """The result of a verification. Holds facts, never pictures or templates.

    Attributes:
        id: `ver_` and 26 characters.
        decision: accept, refer or reject.
        reasons: stable reason codes, worst first; empty for an accept.
        checks: every check with status, value and score.
        document_type: such as `hkid-2018`.
        fields: field name to reading, as printed on the card. Personal data.
        form: typed fields to pre-fill a form with (`idproof.pipeline.fields.card_data.CardData`). Personal data.
        not_performed: steps of identity proofing that this policy does not perform, so that no reader assumes them.
        policy: name and version of the policy.
        profile: the model profile.
        weights: file name to SHA-256 of every network used.
        started_at: ISO 8601 UTC, millisecond precision.
        timings_ms: stage to milliseconds.
        deletion: the deletion receipt.
        capture_level: origin of the pictures (`idproof.pipeline.assurance.CaptureLevel`).
        injectable: the pictures came as files, which may have been computed.
        required: names of the checks that had to pass for an accept: what was not asked is not passed.
    """

    id: str
    decision: Decision
    reasons: tuple[str, ...]
    checks: tuple[CheckResult, ...]
    document_type: str
    fields: Mapping[str, FieldReading]
    form: Mapping[str, str | None]
    not_performed: tuple[str, ...]
    policy: str
    profile: str
    weights: Mapping[str, str]
    started_at: str
    timings_ms: Mapping[str, float]
    deletion: DeletionReceipt
    capture_level: str = "upload"
    injectable: bool = True
    required: tuple[str, ...] = ()
    version: str = field(default="1")

    def __repr__(self) -> str:
        """Decision and reasons only: field values stay out of logs."""
        return f"Verdict({self.id}, {self.decision.value}, reasons={list(self.reasons)})"

    def check(self, name: str) -> CheckResult:
        """The check of this name; raises KeyError when the policy has none."""
        for result in self.checks:
            if result.name == name:
                return result
        raise KeyError(name)
