"""Step-up: a living person's face against the portrait that the issuing department's records give at this moment.

Nothing of an earlier registration is used but the card's data, by which the records find the portrait. Only where there
are no records can it be the holder's own template of an earlier registration, which holder and identity core opened for
this step-up. The pictures are held, examined and overwritten as those of a registration are.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from idproof.pipeline import assurance, captures_fresh
from idproof.pipeline.decide import decide
from idproof.pipeline.errors import BadInput, PortraitUnavailable, RecordsUnavailable
from idproof.pipeline.face import enrolled, quality, registered_portrait, selfie_copy
from idproof.pipeline.fields import records
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.fields.records import RecordsAuthority, RecordStatus
from idproof.pipeline.findings import Findings
from idproof.pipeline.liveness import requirements
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.origin import CaptureOrigin
from idproof.pipeline.types import CheckResult, Decision, DeletionReceipt
from idproof.pipeline.vault import VaultSession
from idproof.pipeline.vault.kinds import REGISTERED_PORTRAIT
from idproof.pipeline.verify import Executor, Rules


@dataclass(frozen=True, slots=True)
class HolderCheck:
    """The result of a step-up. Holds facts, never pictures, templates or data of the card.

    Attributes:
        decision: accept, refer or reject.
        reasons: reason codes, worst first; empty for an accept.
        checks: every check with status, value and score.
        required: names of the checks that had to pass for an accept.
        deletion: the receipt.
        policy, profile: as in a verdict.
        capture_level: origin of the pictures.
        started_at: ISO 8601 UTC.
    """

    decision: Decision
    reasons: tuple[str, ...]
    checks: tuple[CheckResult, ...]
    required: tuple[str, ...]
    deletion: DeletionReceipt
    policy: str
    profile: str
    capture_level: str
    started_at: str


def required(rules: Rules, answer: LivenessResponse) -> tuple[str, ...]:
    """Returns the names of the checks that must all have passed for an accept."""
    fresh = (captures_fresh.NAME,) if captures_fresh.NAME in rules.policy.required else ()
    of_person = (registered_portrait.SELFIE, selfie_copy.NAME, *quality.NAMES, *requirements.required(answer))
    return (records.NAME, *of_person, assurance.NAME, *fresh)


def required_of_enrolled(rules: Rules, answer: LivenessResponse) -> tuple[str, ...]:
    """Returns the names of the checks that must all have passed for an accept by an enrolled template."""
    fresh = (captures_fresh.NAME,) if captures_fresh.NAME in rules.policy.required else ()
    return (enrolled.NAME, *quality.NAMES, *requirements.required(answer, portrait=False), assurance.NAME, *fresh)


def check_holder(
    session: VaultSession,
    rules: Rules,
    executor: Executor,
    card: CardData,
    answer: LivenessResponse,
    origin: CaptureOrigin,
) -> HolderCheck:
    """Check the person before the camera; everything in the session is wiped before this returns or raises.

    The records are asked first: where they do not answer nothing is examined, and a card that they call lost or
    different is rejected without a look at the person.

    Raises:
        RecordsUnavailable: the records do not answer, or did not send the portrait that they have.
        PortraitUnavailable: none are connected, or they have no portrait, or one that shows no one face.
        BadInput: selfie or frames cannot be used; nothing was decided about the person.
    """
    started = datetime.now(UTC)
    try:
        checks = _examine(session, rules.records, executor, card, answer)
        session.ensure_open()
    finally:
        receipt = session.wipe()
    return _decided(rules, origin, checks, required(rules, answer), receipt, started)


def check_enrolled(
    session: VaultSession, rules: Rules, executor: Executor, answer: LivenessResponse, origin: CaptureOrigin
) -> HolderCheck:
    """Check the person before the camera; everything in the session is wiped before this returns or raises.

    Args:
        session: holds `ENROLLED_TEMPLATE` (`split_templates.open_template`), a selfie and the answer's frames.
        rules: of the verdict.
        executor: examines the pictures.
        answer: to a challenge that was drawn for this occasion.
        origin: of the pictures.

    Raises:
        BadInput: selfie or frames cannot be used; nothing was decided about the person.
    """
    started = datetime.now(UTC)
    try:
        checks = [*executor.examine_enrolled(session, answer).checks]
        session.ensure_open()
    finally:
        receipt = session.wipe()
    return _decided(rules, origin, checks, required_of_enrolled(rules, answer), receipt, started)


def _decided(
    rules: Rules,
    origin: CaptureOrigin,
    examined: list[CheckResult],
    needed: tuple[str, ...],
    receipt: DeletionReceipt,
    started: datetime,
) -> HolderCheck:
    checks = [*examined, *origin.checks, assurance.check(origin.level, rules.policy.accept_from)]
    decision, reasons = decide(checks, needed)
    return HolderCheck(
        decision=decision,
        reasons=reasons,
        checks=tuple(checks),
        required=needed,
        deletion=receipt,
        policy=rules.policy.version,
        profile=rules.profile,
        capture_level=origin.level.value,
        started_at=started.isoformat(timespec="milliseconds"),
    )


def _examine(
    session: VaultSession,
    authority: RecordsAuthority | None,
    executor: Executor,
    card: CardData,
    answer: LivenessResponse,
) -> list[CheckResult]:
    if authority is None:
        raise PortraitUnavailable("No records are connected, so there is no portrait to compare with.")
    found = records.ask(card, authority)
    if found.status is RecordStatus.UNAVAILABLE:
        raise RecordsUnavailable("The issuing department's records do not answer.")
    if found.status is not RecordStatus.MATCH:
        return [records.check(found)]
    if not found.portrait:
        raise PortraitUnavailable("The records hold no portrait of this holder.")
    if not records.fetch(card, authority, session.receive(REGISTERED_PORTRAIT)):
        raise RecordsUnavailable("The records did not send the portrait.")
    session.ensure_open()
    return [records.check(found), *_examine_person(session, executor, answer).checks]


def _examine_person(session: VaultSession, executor: Executor, answer: LivenessResponse) -> Findings:
    try:
        return executor.examine_person(session, answer)
    except BadInput as error:
        if error.capture == REGISTERED_PORTRAIT:
            raise PortraitUnavailable("The records' portrait cannot be used.") from None
        raise
