"""Origin of the captures of one registration: facts about their taking that the pictures do not show."""

from dataclasses import dataclass

from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.card.plan.types import CapturePlan
from idproof.pipeline.guardian import Guardianship
from idproof.pipeline.types import CheckResult


@dataclass(frozen=True, slots=True)
class CaptureOrigin:
    """The captures' origin, and the demands on whoever took them.

    Attributes:
        level: as far as the caller can vouch for it.
        plan: poses in which the session asked for the card, drawn by the server; None when it asked for none.
        checks: results of checks of the origin that the caller made, such as `captures_fresh`.
        streamed: the frames between the captures came too, and the caller checked them (`card_turned_continuously`).
        lit: the screen lit the card between the captures, and the caller checked its answer (`card_light`).
        guardianship: what the caller knows about a guardian; None where the policy asks for none.
    """

    level: CaptureLevel = CaptureLevel.UPLOAD
    plan: CapturePlan | None = None
    checks: tuple[CheckResult, ...] = ()
    streamed: bool = False
    lit: bool = False
    guardianship: Guardianship | None = None

    @property
    def plan_required(self) -> bool:
        """True when the captures must follow a plan: a device always gets one, and what was asked is required."""
        return self.plan is not None or self.level.rank >= CaptureLevel.DEVICE.rank


UPLOADED = CaptureOrigin()
"""Files that came without a plan."""
