"""Eyes and mouth of a rendered person over a challenge: closed and opened when asked."""

from collections.abc import Sequence

import numpy as np

from idproof.datasets.rendered_people.features import Features
from idproof.datasets.rendered_people.surface import Field
from idproof.datasets.specimen.draws import Draws
from idproof.models.types import RGBImage
from idproof.pipeline.liveness.challenge import Action, Challenge, Step

# Chosen by hand; no outside source.
_MOUTH = (0.6, 0.95)  # height of an opened mouth over its width
_STARTS, _HOLDS, _MOVES = (0.2, 0.5), (0.3, 0.6), 0.08
"""Shares of a step, of two seconds usually: before somebody begins, with closed eyes, and for lids or lips to move."""
_RETURNS = 0.85  # share of a step from which a mouth may begin to close


def move_features(photograph: RGBImage, frames: Sequence[Field], challenge: Challenge, draws: Draws) -> Sequence[Field]:
    """Returns the frames of a challenge with lids and lips moved where it asks for them.

    Args:
        photograph: of the person, (250, 250, 3), in which lids and lips are found.
        frames: the photograph at each time of `Challenge.capture_ms`, linear.
        challenge: that is followed.
        draws: random numbers.
    """
    closing = {step: _Closing.draw(draws) for step in challenge.steps if step.action is Action.BLINK}
    opening = [step for step in challenge.steps if step.action is Action.OPEN_MOUTH]
    features = Features.find(photograph) if closing or opening else None
    if features is None:
        return frames
    begins, reach = draws.uniform(*_STARTS), draws.uniform(*_MOUTH)
    shown = []
    for at, still in zip(challenge.capture_ms(), frames, strict=False):
        closes = max((one.closed(_share(step, at)) for step, one in closing.items()), default=0.0)
        opens = 0.0
        for step in opening:
            share = _share(step, at)
            back = draws.uniform(0.3, 1.0) if share >= _RETURNS else 1.0
            opens = max(opens, reach * back * _ramp(share, begins) * float(0 <= share < 1))
        shown.append(features.move(still, closes, opens) if closes or opens else still)
    return shown


class _Closing:
    """Course of somebody's closing of the eyes in a step."""

    def __init__(self, begins: float, ends: float, reach: float) -> None:
        self._begins, self._ends, self._reach = begins, ends, reach

    @classmethod
    def draw(cls, draws: Draws) -> "_Closing":
        """Draws a person who closes the eyes within a step."""
        begins = draws.uniform(*_STARTS)
        return cls(begins, begins + draws.uniform(*_HOLDS), draws.uniform(0.95, 1.0))

    def closed(self, share: float) -> float:
        """Returns how far the lids are closed at a share of the step, 0..1."""
        inside = float(0 <= share < 1)
        return inside * self._reach * min(_ramp(share, self._begins), 1 - _ramp(share, self._ends))


def _share(step: Step, at_ms: float) -> float:
    return (at_ms - step.start_ms) / (step.end_ms - step.start_ms)


def _ramp(share: float, begins: float) -> float:
    return float(np.clip((share - begins) / _MOVES, 0, 1))
