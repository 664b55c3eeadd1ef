"""Judges whether a card answered the colours that the screen showed: `card_light`.

The half of the screen at one side lights that side of the card more. So the colour of the light on the card's two sides
differs as the halves' colours do. A camera's white balance, its exposure, and a tint over the whole picture change both
sides alike, and leave no difference. Two things are asked:

- the difference follows the one that was drawn, at a camera's lag (correlation);
- the print itself answers: light on paper multiplies its contrast, light that glass mirrors does not (`meter`). A
  display mirrors the screen and shines by itself, so that its print has the same contrast under all colours.

A card that faces the camera mirrors both halves of the screen, and then a camera's tone curve makes a part of what
glass mirrors look like print. So the light belongs to a pose that is turned to the side, where the mirrored rays pass
the screen (`lit_role`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idproof.pipeline.card.screen_light.drawing import CardLight
from idproof.pipeline.card.screen_light.meter import LitFrame, Sides
from idproof.pipeline.shown_colours import LAGS_MS, chroma, fit_changes, screen_chroma
from idproof.pipeline.types import CheckResult, Outcome, Role, Status

NAME = "card_light"

FOLLOWS = 0.8
"""Correlation of the print's answer with the colours drawn from which on it follows them. Chosen for the chance that an
independent sequence reaches it: once in 2,700 draws (`tests/pipeline/card/screen_light/test_judging.py`)."""
LEAST_PRINT = 0.5
"""Answer of the print as a share of the answer of all light, below which glass answers more than print. Derived."""
MOST_UNSEEN = 1
"""Moments without a frame, at most. Chosen by hand: seven moments are still taken for others once in 1,000 draws."""

Values = NDArray[np.float64]


def lit_role(order: Sequence[Role]) -> Role:
    """Returns the capture before which the card is lit: the later one of those that turn it to the side.

    Example:
        >>> lit_role([Role.CARD_TILT_LEFT, Role.CARD_TILT_RIGHT, Role.CARD_FRONT]).value
        'card_tilt_right'
    """
    return [role for role in order if role is not Role.CARD_FRONT][-1]


@dataclass(frozen=True, slots=True)
class LightAnswer:
    """Measures of one showing.

    Attributes:
        correlation: of the print's answer with the colours drawn, -1..1, at the best lag.
        answer: the print's change per change of the screen.
        whole: correlation and change of all light, also what is mirrored.
        whole_answer: its change per change of the screen.
    """

    correlation: float
    answer: float
    whole: float
    whole_answer: float

    @property
    def print_share(self) -> float:
        """Answer of the print as a share of the answer of all light; 0 where nothing answers."""
        return self.answer / self.whole_answer if self.whole_answer > 0 else 0.0


def measure(frames: Sequence[LitFrame], light: CardLight) -> LightAnswer | None:
    """Measures the answer of a card; None when more moments than `MOST_UNSEEN` have no frame.

    Args:
        frames: of the showing, with times from its first moment.
        light: that was shown.
    """
    found = [answer for lag in LAGS_MS if (answer := _at_lag(frames, light, lag)) is not None]
    return max(found, key=lambda answer: answer.correlation) if found else None


def _at_lag(frames: Sequence[LitFrame], light: CardLight, lag_ms: float) -> LightAnswer | None:
    by_moment: dict[int, list[LitFrame]] = {}
    for frame in frames:
        index = light.index_at(frame.at_ms - lag_ms)
        if index is not None:
            by_moment.setdefault(index, []).append(frame)
    if len(by_moment) < len(light.lights) - MOST_UNSEEN:
        return None
    moments = [light.lights[index] for index in sorted(by_moment)]
    shown = np.array([screen_chroma(each.left) - screen_chroma(each.right) for each in moments])
    seen = [by_moment[index] for index in sorted(by_moment)]
    contrast = np.array([np.mean([_across(frame.contrast) for frame in group], axis=0) for group in seen])
    level = np.array([np.mean([_across(frame.level) for frame in group], axis=0) for group in seen])
    return LightAnswer(*fit_changes(shown, contrast), *fit_changes(shown, level))


def _across(sides: Sides) -> Values:
    """(2,): colour of the right side of the picture less that of the left: the person's left is the picture's right."""
    left, right = chroma(sides)
    return np.asarray(right - left, dtype=np.float64)


def check(answer: LightAnswer | None) -> CheckResult:
    """`card_light`: correlation of what the print reflects with the colours that the screen showed.

    Not assessed with `card_light_not_seen` without an answer, and with `card_light_too_weak` where nothing in the
    picture follows the screen: a bright room, a dim or distant screen, a display that mirrors nothing. In doubt with
    `card_light_mirrored` where light follows and the print does not. It refers at most, since a room that is too
    bright looks as a display does.

    Args:
        answer: None when the light was not shown, or not seen to its end.

    Example:
        >>> check(LightAnswer(0.97, 0.06, 0.99, 0.1)).outcome
        <Outcome.PASS: 'pass'>
        >>> check(LightAnswer(0.1, 0.001, 0.98, 0.05)).reason
        'card_light_mirrored'
        >>> check(LightAnswer(0.1, 0.001, 0.2, 0.001)).reason
        'card_light_too_weak'
    """
    if answer is None:
        return CheckResult.not_assessed(NAME, "card_light_not_seen")
    follows = answer.correlation >= FOLLOWS
    if not follows and answer.whole < FOLLOWS:
        return CheckResult.not_assessed(NAME, "card_light_too_weak")
    passed = follows and answer.print_share >= LEAST_PRINT
    return CheckResult(
        name=NAME,
        status=Status.ASSESSED,
        outcome=Outcome.PASS if passed else Outcome.DOUBT,
        value=round(answer.correlation, 3),
        unit="correlation",
        score=float(np.clip(answer.correlation, 0, 1)),
        reason=None if passed else "card_light_mirrored",
        limit=FOLLOWS,
    )
