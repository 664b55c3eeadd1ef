"""A parent and a child, and verdicts on their cards by the guardian's check, decided as the pipeline decides."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from fakes import a_verdict

from idproof.pipeline import Outcome, Status, Verdict, guardian
from idproof.pipeline.decide import decide
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.origin import CaptureOrigin
from idproof.pipeline.types import CheckResult

THIS_YEAR = datetime.now(UTC).year
PARENT = CardData(number="A123456(3)", birth_date=f"{THIS_YEAR - 40}-01-01")
CHILD = CardData(number="C123456(9)", birth_date=f"{THIS_YEAR - 14}-01-01")
_PASSED = CheckResult("face_comparison", Status.ASSESSED, Outcome.PASS, 0.6, "cosine", 0.8, None, 0.4)


def family_verdict(card: CardData, origin: CaptureOrigin, **more: Any) -> Verdict:
    """Returns the verdict on a card whose applicant passed every check but, perhaps, the guardian's."""
    checks = [_PASSED]
    if origin.guardianship is not None:
        checks.append(guardian.check(card, date.today(), origin.guardianship))  # noqa: DTZ011
    decision, reasons = decide(checks, [])
    form = {name: getattr(card, name) for name in CardData.__slots__}
    return replace(a_verdict(), decision=decision, reasons=reasons, checks=tuple(checks), form=form, **more)
