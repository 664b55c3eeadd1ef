"""Judges whether one card was turned from each captured angle to the next: `card_turned_continuously`.

Two explanations are fitted to what changed on the way, and compared by the squared errors that they leave:

- *a card*: the second portrait slides by the type's distance per degree, and the light of each zone of the hologram
  follows the angle smoothly;
- *pictures*: nothing changes while the angle does, but one picture gives way to the next, at the moments that suit this
  explanation best. One exchange per 16 degrees is granted: whoever has one picture for each captured angle shows each
  over half of the way.

The share of the error that the first explanation leaves is near 0 for a card and near 1 for pictures, and 0.5 where
both explain what was seen equally well. So this limit needs no calibration.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from idproof.pipeline.card import turns
from idproof.pipeline.card.turning.meter import TurnFrame, TurnMeter
from idproof.pipeline.card.view import CardView
from idproof.pipeline.documents import Box
from idproof.pipeline.types import CheckResult, Outcome, Status

NAME = "card_turned_continuously"

DEG_PER_PICTURE = 16.0
"""Turn for which one exchange of pictures is granted: about the least between two captures that follow a plan, whose
turns are 19 degrees apart and each met within what guidance takes (3 degrees)."""
EQUAL = 0.5
"""Share at which both explanations fit equally well. Derived."""
PICTURES = 0.75
"""Share from which a card is contradicted: it leaves three times the error that pictures leave. Chosen by hand on
rendered tuning films; no outside source."""
# Enough was seen. Chosen by hand on rendered tuning films; no outside source.
LEAST_FRAMES = 8
WIDEST_GAP_DEG = DEG_PER_PICTURE / 2
"""Turn between two frames that show the second portrait: half of what one picture would be shown for."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LegMeasures:
    """Measurements on the way from one captured angle to the next.

    Attributes:
        portrait: share of the error that a card leaves, of the second portrait's slide; None for a type without one.
        hologram: the same of the hologram's zones.
    """

    portrait: float | None
    hologram: float | None

    @property
    def value(self) -> float:
        """Their mean, or the greater one less a quarter, if that is more: neither makes up for one beyond `PICTURES`.

        0 for a type that has neither: then only the movement itself was seen.
        """
        shares = self._shares
        return max(sum(shares) / len(shares), max(shares) - (PICTURES - EQUAL)) if shares else 0.0

    @property
    def contradicts(self) -> bool:
        """True when all that was measured contradicts a card."""
        return bool(self._shares) and min(self._shares) >= PICTURES

    @property
    def _shares(self) -> tuple[float, ...]:
        return tuple(share for share in (self.portrait, self.hologram) if share is not None)


def check(legs: Sequence[LegMeasures | None]) -> CheckResult:
    """`card_turned_continuously`: greatest share of the error that a card leaves, over the ways between the captures.

    Fails with `card_pictures_exchanged` where everything that was measured on a way contradicts a card, is in doubt
    with `card_turn_unclear` where a card does not explain it better than pictures do, and is not assessed with
    `card_turn_not_seen` when a way was not seen.

    Args:
        legs: one per way from a capture to the next; None where it was not seen from end to end.

    Example:
        >>> check([LegMeasures(0.1, 0.3), LegMeasures(0.2, None)]).outcome
        <Outcome.PASS: 'pass'>
        >>> check([LegMeasures(0.1, 0.3), LegMeasures(0.9, 0.95)]).reason
        'card_pictures_exchanged'
        >>> check([LegMeasures(0.1, 0.3), None]).reason
        'card_turn_not_seen'
    """
    seen = [leg for leg in legs if leg is not None]
    failed = any(leg.contradicts for leg in seen)
    if not failed and (len(seen) < len(legs) or not legs):
        return CheckResult.not_assessed(NAME, "card_turn_not_seen")
    value = max(leg.value for leg in seen)
    outcome = Outcome.FAIL if failed else Outcome.PASS if value < EQUAL else Outcome.DOUBT
    reasons = {Outcome.PASS: None, Outcome.DOUBT: "card_turn_unclear", Outcome.FAIL: "card_pictures_exchanged"}
    return CheckResult(
        name=NAME,
        status=Status.ASSESSED,
        outcome=outcome,
        value=round(value, 3),
        unit="share of error",
        score=1 - value,
        reason=reasons[outcome],
        limit=EQUAL,
    )


def measure(frames: Sequence[TurnFrame], others: Iterable[CardView], meter: TurnMeter) -> LegMeasures | None:
    """Measures one way from the frames that show it, in their order; None when they show too little of it.

    Args:
        frames: from one captured angle to the next.
        others: further views of the card by the same camera, which help to determine its focal length.
        meter: that measured the frames.
    """
    if len(frames) < LEAST_FRAMES:
        return None
    focal = turns.focal_length([*(frame.view for frame in frames), *others])
    portrait = hologram = None
    if meter.region is not None and meter.region.picture is not None:
        seen = [frame for frame in frames if frame.slide_mm is not None]
        angle = _angles(seen, focal, _middle(meter.region.picture))
        if len(seen) < LEAST_FRAMES or not _without_gaps(frames, angle, focal, meter):
            return None
        slide = np.array([[frame.slide_mm] for frame in seen], dtype=np.float64)
        by_card = slide - meter.region.slide_mm_per_deg * angle[:, None]
        portrait = card_share(by_card - by_card.mean(), without_pictures(slide, _exchanges(angle)))
    if meter.hologram is not None:
        zones = np.array([frame.zones for frame in frames])
        angle = _angles(frames, focal, _middle(meter.hologram.box))
        pitch = np.array([turns.measure_pose(frame.view, focal, meter.document).pitch_deg for frame in frames])
        by_card, exchanges = without_smooth(zones, angle, pitch, _exchanges(angle)), _exchanges(angle)
        hologram = card_share(by_card, without_pictures(zones, exchanges))
    return LegMeasures(portrait, hologram)


def _middle(box: Box) -> tuple[float, float]:
    return box.x + box.width / 2, box.y + box.height / 2


def _angles(frames: Sequence[TurnFrame], focal: float, point: tuple[float, float]) -> Values:
    return np.array([seen_deg(frame.view, focal, *point) for frame in frames])


def _exchanges(angle: Values) -> int:
    return max(1, int(np.ptp(angle) // DEG_PER_PICTURE))


def _without_gaps(frames: Sequence[TurnFrame], angle: Values, focal: float, meter: TurnMeter) -> bool:
    """Returns whether the angles that show the second portrait leave no gap in the range of all frames."""
    assert meter.region is not None  # noqa: S101 - asked by `measure` only
    assert meter.region.picture is not None  # noqa: S101
    every = _angles(frames, focal, _middle(meter.region.picture))
    ordered = np.sort(np.concatenate([angle, [every.min(), every.max()]]))
    return bool(np.diff(ordered).max() <= WIDEST_GAP_DEG)


def seen_deg(view: CardView, focal: float, x_mm: float, y_mm: float) -> float:
    """Returns the angle about the card's upright axis at which a point of it is seen; positive as a turn is.

    It equals the card's turn where the point is in the middle of the picture, and differs elsewhere by perspective.
    """
    h = turns.centred_homography(view)
    axes = h / np.array([[focal], [focal], [1.0]])
    axes = axes / ((np.linalg.norm(axes[:, 0]) + np.linalg.norm(axes[:, 1])) / 2)
    if axes[2, 2] < 0:  # the card is before the camera
        axes = -axes
    rotation = np.column_stack([axes[:, 0], axes[:, 1], np.cross(axes[:, 0], axes[:, 1])])
    towards = -np.linalg.inv(rotation) @ axes[:, 2] - np.array([x_mm, y_mm, 0.0])
    return float(np.degrees(np.arctan2(-towards[0], -towards[2])))


def card_share(by_card: Values, by_pictures: Values) -> float:
    """Returns the share of the error that the explanation by a card leaves, 0..1; 0.5 where neither leaves any."""
    card, pictures = float((by_card**2).sum()), float((by_pictures**2).sum())
    return card / (card + pictures) if card + pictures > 1e-12 else 0.5


def without_pictures(values: Values, exchanges: int) -> Values:
    """Returns what is left of values (n, k) in their order when at most so many exchanges part constant pieces.

    The moments are those that leave least; a piece has one frame or more.

    Example:
        >>> without_pictures(np.array([[0.0], [0.0], [3.0], [3.0]]), 1).ravel().tolist()
        [0.0, 0.0, 0.0, 0.0]
        >>> without_pictures(np.array([[0.0], [2.0]]), 0).ravel().tolist()
        [-1.0, 1.0]
    """
    n = len(values)
    sums = np.vstack([np.zeros(values.shape[1]), np.cumsum(values, axis=0)])
    squares = np.concatenate([[0.0], np.cumsum((values**2).sum(axis=1))])
    begin, end = np.triu_indices(n + 1, 1)
    cost = np.full((n + 1, n + 1), np.inf)  # of one piece from frame `begin` up to `end`
    cost[begin, end] = squares[end] - squares[begin] - ((sums[end] - sums[begin]) ** 2).sum(axis=1) / (end - begin)
    best, cuts = cost[0].copy(), []
    for _ in range(min(exchanges, n - 1)):
        options = best[:, None] + cost
        place = np.argmin(options, axis=0)
        cuts.append(place)
        best = options[place, np.arange(n + 1)]
    ends = [n]
    for place in reversed(cuts):
        ends.append(int(place[ends[-1]]))
    pieces = sorted({0, *ends})
    left = np.empty_like(values)
    for first, last in pairwise(pieces):
        left[first:last] = values[first:last] - values[first:last].mean(axis=0)
    return left


def without_smooth(values: Values, angle: Values, pitch: Values, exchanges: int) -> Values:
    """Returns what is left of values (n, k) when each follows the angle as a polynomial, and the pitch linearly.

    The polynomial has as many parameters as `without_pictures`: a level, and two for each exchange.
    """
    spread, level = float(np.ptp(angle)), pitch - pitch.mean()
    position = 2 * (angle - angle.min()) / max(spread, 1e-9) - 1
    basis = np.column_stack([np.polynomial.chebyshev.chebvander(position, 2 * exchanges), level])
    fitted, *_ = np.linalg.lstsq(basis, values, rcond=None)
    return np.asarray(values - basis @ fitted, dtype=np.float64)
