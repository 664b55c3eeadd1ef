"""All checks of the card, in the order in which a verdict reports them. A new check is listed here, once."""

from idproof.pipeline.card.checks.angles import CardAngles
from idproof.pipeline.card.checks.colour import Colour
from idproof.pipeline.card.checks.display_frame import DisplayFrame
from idproof.pipeline.card.checks.display_grid import DisplayGrid
from idproof.pipeline.card.checks.fine_print import FinePrint
from idproof.pipeline.card.checks.halftone import Halftone
from idproof.pipeline.card.checks.hologram import Hologram
from idproof.pipeline.card.checks.letters import Letters
from idproof.pipeline.card.checks.moving_light import MovingLight
from idproof.pipeline.card.checks.outline import Outline
from idproof.pipeline.card.checks.print_continuity import PrintContinuity
from idproof.pipeline.card.checks.protocol import Check
from idproof.pipeline.card.checks.rigid_card import RigidCard
from idproof.pipeline.card.checks.same_card import SameCard
from idproof.pipeline.card.checks.second_portrait import SecondPortrait
from idproof.pipeline.card.checks.shared_grain import SharedGrain

CHECKS: tuple[type[Check], ...] = (
    CardAngles,
    RigidCard,
    SameCard,
    MovingLight,
    DisplayGrid,
    Colour,
    DisplayFrame,
    Halftone,
    FinePrint,
    PrintContinuity,
    Outline,
    Letters,
    Hologram,
    SecondPortrait,
    SharedGrain,
)
