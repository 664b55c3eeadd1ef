"""A hand that holds a card and follows one hint after the other, late and inexactly, as people do."""

from dataclasses import dataclass, field, replace

import numpy as np

from idproof.pipeline.card.plan import CardPose
from idproof.pipeline.guidance import Hint

DELAY = 3
"""Previews from a hint to the movement that follows it: three tenths of a second."""
TREMOR = CardPose(0.5, 0.5, 0.003)
"""Standard deviation of the hand while it is meant to be still, per preview."""
_MOVING_MOTION, _STILL_MOTION = 0.03, 0.004  # shares of the picture per tenth of a second
_DIRECTIONS = {
    Hint.TILT_LEFT_MORE: ("turn_deg", 1),
    Hint.TILT_LEFT_LESS: ("turn_deg", -1),
    Hint.TILT_RIGHT_MORE: ("turn_deg", -1),
    Hint.TILT_RIGHT_LESS: ("turn_deg", 1),
    Hint.LEFT_NEARER: ("turn_deg", 1),
    Hint.RIGHT_NEARER: ("turn_deg", -1),
    Hint.TOP_NEARER: ("pitch_deg", 1),
    Hint.BOTTOM_NEARER: ("pitch_deg", -1),
    Hint.MOVE_CLOSER: ("share", 1),
    Hint.MOVE_BACK: ("share", -1),
}
_STEPS = {"turn_deg": (1.0, 6.0), "pitch_deg": (1.0, 6.0), "share": (0.01, 0.05)}
"""Least and greatest size of one movement: the hint says the direction, and not how far."""
_STRAY = {"turn_deg": 0.8, "pitch_deg": 0.8, "share": 0.005}
"""Standard deviation of what a movement changes besides."""


@dataclass
class GuidedHand:
    """The hand, from a pose that somebody begins with.

    Attributes:
        held: the pose, without tremor.
        moving: whether the hand moved since the preview before.
    """

    rng: np.random.Generator
    held: CardPose = field(default_factory=lambda: CardPose(0.0, 0.0, 0.45))
    moving: bool = False
    _pending: list[Hint] = field(default_factory=list)

    def pose(self) -> CardPose:
        """The pose at this moment."""
        shaken = {
            name: getattr(self.held, name) + self.rng.normal(0, getattr(TREMOR, name))
            for name in ("turn_deg", "pitch_deg", "share")
        }
        return CardPose(**shaken)

    @property
    def motion(self) -> float:
        """Of the fastest corner, as guidance measures it."""
        return _MOVING_MOTION if self.moving else _STILL_MOTION

    def hear(self, hint: Hint) -> None:
        """Take a hint; the movement follows `DELAY` previews later, and hints meanwhile are not listened to."""
        self.moving = False
        if self._pending:
            self._pending.append(hint)
            if len(self._pending) > DELAY:
                self._move(self._pending[0])
                self._pending.clear()
        elif hint in _DIRECTIONS:
            self._pending.append(hint)

    def _move(self, hint: Hint) -> None:
        name, sign = _DIRECTIONS[hint]
        stray = {each: getattr(self.held, each) + self.rng.normal(0, spread) for each, spread in _STRAY.items()}
        moved = CardPose(**stray)
        step = sign * self.rng.uniform(*_STEPS[name])
        self.held = replace(moved, **{name: getattr(moved, name) + step})
        self.moving = True
