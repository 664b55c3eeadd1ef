"""Gives every persona its promised outcome, by the name in its captures alone: nobody is verified here."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from idproof.pipeline import CheckResult, Decision, Limits, Outcome, Role, Status, Vault, VaultSession, Verdict
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.fields.card_data import CardData, card_data
from idproof.pipeline.fields.checks.dates import today
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.origin import UPLOADED, CaptureOrigin
from idproof.pipeline.step_up import HolderCheck
from idproof.pipeline.types import FieldReading
from idproof.pipeline.verdict import new_id
from idproof.service.errors import ServiceProblem
from idproof.service.sandbox.personas import ACCEPTED, Persona, name_in, personas, problems, specimen

NAME = "sandbox"
"""Policy and profile of every verdict of the sandbox, so that none can be mistaken for a real one."""


class SandboxVerifier:
    """Replaces `Verifier`: the same session, vault and verdict, without networks."""

    def __init__(self) -> None:
        self.vault = Vault(Limits())
        self.document = load_builtin()
        self.policy, self.face_detector = Policy(), None  # asked by the guidance of streaming devices
        self.weights = {NAME: "no network is used"}

    def close(self) -> None:
        """Wipes open sessions."""
        self.vault.close()

    def verify_session(
        self,
        session: VaultSession,
        _: LivenessResponse | None = None,
        origin: CaptureOrigin = UPLOADED,
    ) -> Verdict:
        """Returns the promised verdict; raises the promised `BadInput`, or `ServiceProblem` for other captures."""
        started = datetime.now(UTC)
        try:
            persona = self._persona(session, origin)
            if persona.problem is not None:
                kind = problems()[persona.problem]
                raise kind(f"Promised by the persona {persona.name}.", capture=Role.CARD_FRONT)
        finally:
            receipt = session.wipe()
        fields = {name: FieldReading(text, 1.0, certain=True) for name, text in specimen()[1].items()}
        return Verdict(
            id=new_id(),
            decision=Decision(persona.decision or ""),
            reasons=() if persona.reason is None else (persona.reason,),
            checks=_checks(persona),
            document_type=self.document.name,
            fields=fields,
            form=asdict(card_data(fields, self.document, today(self.document, started))),
            not_performed=("everything: this is a sandbox",),
            policy=NAME,
            profile=NAME,
            weights={},
            started_at=started.isoformat(timespec="milliseconds"),
            timings_ms={NAME: 0.0},
            deletion=receipt,
            capture_level=origin.level.value,
            injectable=origin.level is CaptureLevel.UPLOAD,
        )

    def ask_records_again(self, earlier: Verdict) -> Verdict:
        """Returns the verdict as it was: the outcome that a persona promises stays."""
        return earlier

    def check_holder(
        self, session: VaultSession, _card: CardData, _answer: LivenessResponse, origin: CaptureOrigin = UPLOADED
    ) -> HolderCheck:
        """Returns the promised outcome for the persona of a selfie; raises as `verify_session`."""
        started = datetime.now(UTC)
        try:
            persona = self._persona(session, origin, (Role.SELFIE,))
            if persona.problem is not None:
                raise problems()[persona.problem](f"Promised by the persona {persona.name}.", capture=Role.SELFIE)
        finally:
            receipt = session.wipe()
        return HolderCheck(
            decision=Decision(persona.decision or ""),
            reasons=() if persona.reason is None else (persona.reason,),
            checks=_checks(persona),
            required=(),
            deletion=receipt,
            policy=NAME,
            profile=NAME,
            capture_level=origin.level.value,
            started_at=started.isoformat(timespec="milliseconds"),
        )

    def _persona(self, session: VaultSession, origin: CaptureOrigin, roles: Sequence[Role] = tuple(Role)) -> Persona:
        names = set()
        for role in roles:
            with session.upload(role) as picture:
                names.add(name_in(picture))
        if names == {None} and origin.level is not CaptureLevel.UPLOAD:  # a camera's pictures name nobody
            return personas()[ACCEPTED]
        name = names.pop()
        if names or name is None or name not in personas():
            raise ServiceProblem("sandbox_captures", "The sandbox knows only its own capture sets, one at a time.")
        return personas()[name]


def _checks(persona: Persona) -> tuple[CheckResult, ...]:
    passed = CheckResult("face_comparison", Status.ASSESSED, Outcome.PASS, 0.6, "cosine", 0.8, None, 0.4)
    if persona.check is None or persona.outcome == "missing":
        return (passed,)
    if persona.outcome == Status.COULD_NOT_ASSESS:
        found = CheckResult.not_assessed(persona.check, persona.reason or "")
    else:
        found = CheckResult(persona.check, Status.ASSESSED, Outcome(persona.outcome or ""), reason=persona.reason)
    return (found,) if persona.check == passed.name else (passed, found)
