"""One verification: the pictures are examined, records asked, the facts decided on, and everything wiped.

This is the side that gives the verdict. The pictures are examined by an executor (`examine` in this process, or
replicas on a cluster), which returns facts.
"""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Protocol

from idproof.models.types import FaceDetector
from idproof.pipeline import assurance, captures_fresh, guardian, verdict
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.card import plan as capture_plan
from idproof.pipeline.card import screen_light, turning
from idproof.pipeline.config import Limits, Policy
from idproof.pipeline.decide import decide
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import BadInput
from idproof.pipeline.face import quality, registered_portrait, selfie_copy
from idproof.pipeline.fields import records
from idproof.pipeline.fields.card_data import CardData, card_data
from idproof.pipeline.fields.checks.dates import today
from idproof.pipeline.fields.records import RecordsAuthority
from idproof.pipeline.findings import Findings
from idproof.pipeline.liveness import examiner, requirements
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.origin import UPLOADED, CaptureOrigin
from idproof.pipeline.timing import StageTimer
from idproof.pipeline.types import CheckResult, Decision, Verdict
from idproof.pipeline.vault import VaultSession
from idproof.pipeline.vault.kinds import REGISTERED_PORTRAIT

RECORDS_CHECK, VARIABLE_REGIONS = "records_check", "optically_variable_regions"


@dataclass(frozen=True)
class Rules:
    """The rules by which a verdict is given, wherever the pictures are examined.

    Attributes:
        document: the type that is expected.
        policy: the thresholds in force.
        limits: bounds on what is taken in.
        profile: of the networks.
        card_checks: checks of the card itself that must have passed.
        optically_variable: whether the card's optically variable regions are among them.
        records: the issuing department's, where they are asked.
        card_checks_left_out: checks of the card that the document type leaves out.
    """

    document: DocumentType
    policy: Policy
    limits: Limits
    profile: str
    card_checks: tuple[str, ...]
    optically_variable: bool
    records: RecordsAuthority | None = None
    card_checks_left_out: tuple[str, ...] = ()

    def required(self, response: LivenessResponse | None, origin: CaptureOrigin) -> tuple[str, ...]:
        """Names of the checks that must all have passed for an accept.

        They are those of the card, of the policy, of the document type, of the level of capture and of the records if
        they are asked; that of the capture plan, unless the captures were uploaded without one; that of the frames
        between the captures, if they were streamed; that of the card's answer to light, if it was lit; and those of
        liveness, unless the operator wrote an exception and no frames came.
        """
        asked = (records.NAME,) if self.records is not None else ()
        liveness = requirements.required(response) if response or self.policy.liveness_required else ()
        ours = (*self.card_checks, *self.policy.required, selfie_copy.NAME, *quality.NAMES, *self.document.checks)
        planned = (capture_plan.NAME,) if origin.plan_required else ()
        turned = (turning.NAME,) if origin.streamed else ()
        lit = (screen_light.NAME,) if origin.lit else ()
        return (*ours, *asked, *liveness, *planned, *turned, *lit, assurance.NAME)

    def not_performed(self, response: LivenessResponse | None, origin: CaptureOrigin) -> tuple[str, ...]:
        """Steps of identity proofing that are left to others under these rules and with these captures."""
        done = {RECORDS_CHECK} if self.records is not None else set()
        done |= {examiner.NAME} if response is not None else set()
        done |= {capture_plan.NAME} if origin.plan_required else set()
        done |= {VARIABLE_REGIONS} if self.optically_variable else set()
        done |= {captures_fresh.NAME} & set(self.policy.required)
        return (*(name for name in self.policy.not_performed if name not in done), *self.card_checks_left_out)


class Executor(Protocol):
    """Examines the pictures, in this process (`executors.in_process`) or on a cluster (`executors.ray_cluster`)."""

    @property
    def weights(self) -> dict[str, str]:
        """File name to full SHA-256 of every network in use."""
        ...

    @property
    def template_network(self) -> str:
        """Full SHA-256 of the network that computes face templates here; empty where another process computes them."""
        ...

    @property
    def face_detector(self) -> FaceDetector | None:
        """The face detector that is loaded in this process; None where pictures are examined in another process."""
        ...

    def examine(self, session: VaultSession, answer: LivenessResponse | None) -> Findings:
        """Examine every capture of the session; the face templates stay with the session.

        Raises:
            BadInput: a capture cannot be used; nothing was decided about the applicant.
        """
        ...

    def compare_registered(self, session: VaultSession) -> tuple[CheckResult, ...]:
        """Compare the upload `REGISTERED_PORTRAIT` with the session's templates.

        Returns:
            The checks of the comparison; none where it could not be made.

        Raises:
            BadInput: the upload is not a picture, or does not show exactly one face.
        """
        ...

    def examine_person(self, session: VaultSession, answer: LivenessResponse) -> Findings:
        """Compare selfie and frames with the upload `REGISTERED_PORTRAIT`, and check that they show a living person.

        Raises:
            BadInput: a picture cannot be used; its `capture` says which.
        """
        ...

    def examine_enrolled(self, session: VaultSession, answer: LivenessResponse) -> Findings:
        """Compare selfie and frames with the template `ENROLLED_TEMPLATE`, and check that they show a living person.

        Raises:
            BadInput: a picture cannot be used; its `capture` says which.
            ClusterUnavailable: pictures are examined in another process, which gets no such template.
        """
        ...

    def close(self) -> None:
        """Release threads and connections."""
        ...


def verify(
    session: VaultSession,
    rules: Rules,
    executor: Executor,
    answer: LivenessResponse | None = None,
    origin: CaptureOrigin = UPLOADED,
) -> Verdict:
    """Verify the captures of a session; everything in it is wiped before this returns or raises.

    If the decision is that a person must look, and the session was told who may (`VaultSession.copy_with`), copies are
    sealed to those people first. If it is an accept, and the session was told how (`VaultSession.protect_with`), the
    face template is encrypted for later step-ups first.

    With an answer to a challenge liveness is checked; without one it is listed as not performed, and the registration
    is referred, unless the policy does not require liveness. The same holds for the capture plan: captures of a device
    must follow one; uploads without one are listed.

    Raises:
        BadInput: a capture cannot be used; nothing was decided about the applicant.
    """
    started = datetime.now(UTC)
    day = today(rules.document, started)
    timer = StageTimer()
    try:
        findings = executor.examine(session, answer)
        session.ensure_open()  # an applicant who stopped is not asked about
        checks = [*findings.checks]
        if rules.records is not None and findings.fields:
            with timer.stage("records"):
                read = card_data(findings.fields, rules.document, day)
                checks += _ask_records(session, rules.records, executor, read)
        session.ensure_open()
        checks += _checks_of_origin(rules, origin, findings, day)
        required = rules.required(answer, origin)
        decision, reasons = decide(checks, required)
        if decision is Decision.REFER:
            session.make_copies()
        elif decision is Decision.ACCEPT:
            session.protect_template()
    finally:
        with timer.stage("wipe"):
            receipt = session.wipe()
    return Verdict(
        id=verdict.new_id(),
        decision=decision,
        reasons=reasons,
        checks=tuple(checks),
        document_type=rules.document.name,
        fields=findings.fields,
        form=asdict(card_data(findings.fields, rules.document, day)),
        not_performed=rules.not_performed(answer, origin),
        policy=rules.policy.version,
        profile=rules.profile,
        weights=findings.weights,
        started_at=started.isoformat(timespec="milliseconds"),
        timings_ms={**findings.timings_ms, **timer.timings_ms},
        deletion=receipt,
        capture_level=origin.level.value,
        injectable=origin.level is CaptureLevel.UPLOAD,
        required=required,
    )


def ask_records_again(earlier: Verdict, rules: Rules) -> Verdict:
    """Returns a verdict anew after the records were asked again; the pictures are gone, so nothing else is examined.

    A record that offers its portrait cannot be compared any more, and then refers.

    Args:
        earlier: a verdict whose check `records` could not be assessed.
        rules: whose records are asked.
    """
    assert rules.records is not None  # noqa: S101 - the earlier verdict has their check
    answer = records.ask(CardData(**earlier.form), rules.records)
    kept = [check for check in earlier.checks if check.name != records.NAME]
    asked = [records.check(answer), *(registered_portrait.unavailable() if answer.portrait else ())]
    decision, reasons = decide([*kept, *asked], earlier.required)
    return replace(earlier, id=verdict.new_id(), decision=decision, reasons=reasons, checks=(*kept, *asked))


def _checks_of_origin(rules: Rules, origin: CaptureOrigin, findings: Findings, day: date) -> list[CheckResult]:
    """Returns the checks that need no picture: the origin of the captures, and the applicant's guardian."""
    checks = [capture_plan.check(origin.plan, findings.poses)] if origin.plan_required else []
    if origin.guardianship is not None:
        checks.append(guardian.check(card_data(findings.fields, rules.document, day), day, origin.guardianship))
    return [*checks, *origin.checks, assurance.check(origin.level, rules.policy.accept_from)]


def _ask_records(
    session: VaultSession, authority: RecordsAuthority, executor: Executor, read: CardData
) -> list[CheckResult]:
    answer = records.ask(read, authority)
    if not answer.portrait:
        return [records.check(answer)]
    received = records.fetch(read, authority, session.receive(REGISTERED_PORTRAIT))
    try:
        compared = executor.compare_registered(session) if received else ()
    except BadInput:  # no picture, or no face in it: the department has to correct it, not the applicant
        compared = ()
    session.ensure_open()
    return [records.check(answer), *(compared or registered_portrait.unavailable())]
