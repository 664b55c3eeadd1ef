"""A family at streaming devices: each card is read, and decided by the guardian's check as the pipeline decides."""

from dataclasses import replace
from datetime import UTC, date, datetime

from fakes import a_verdict
from stream_server import StreamVerifier

from idproof.pipeline import Outcome, Status, VaultSession, Verdict, guardian
from idproof.pipeline.decide import decide
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.origin import UPLOADED, CaptureOrigin
from idproof.pipeline.types import CheckResult

YEAR = datetime.now(UTC).year
PARENT = CardData(number="A123456(3)", birth_date=f"{YEAR - 40}-01-01")
CHILD = CardData(number="C123456(9)", birth_date=f"{YEAR - 14}-01-01")
PASSED = CheckResult("face_comparison", Status.ASSESSED, Outcome.PASS, 0.6, "cosine", 0.8, None, 0.4)


class Family(StreamVerifier):
    """Reads the card that stands before it, and decides by the guardian's check as the pipeline does."""

    card = PARENT

    def verify_session(
        self, session: VaultSession, answer: LivenessResponse | None = None, origin: CaptureOrigin = UPLOADED
    ) -> Verdict:
        super().verify_session(session, answer, origin)
        checks = [PASSED]
        if origin.guardianship is not None:
            checks.append(guardian.check(self.card, date.today(), origin.guardianship))  # noqa: DTZ011
        decision, reasons = decide(checks, [])
        form = {name: getattr(self.card, name) for name in CardData.__slots__}
        return replace(a_verdict(), decision=decision, reasons=reasons, checks=tuple(checks), form=form)
