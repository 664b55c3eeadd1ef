"""Follows the card from one captured angle to the next, as its frames arrive.

Only numbers are kept, of 150 frames at most. What a way showed is measured when it ends, and its frames go.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from idproof.pipeline.card.plan.types import GUIDED, CardPose
from idproof.pipeline.card.turning import judging
from idproof.pipeline.card.turning.judging import LegMeasures
from idproof.pipeline.card.turning.meter import TurnFrame, TurnMeter
from idproof.pipeline.card.view import CardView
from idproof.pipeline.types import CheckResult

# Chosen by hand on rendered tuning films; no outside source.
LONGEST_GAP_S = 2.0
"""Time without the card after which it counts as another one, until it was turned from the last captured angle again. A
still takes a camera some tenths of a second, and a server under load examines fewer frames; what exchanged pictures
show does not depend on this time."""
LEAST_SAME = 0.6
"""Correlation of the main portrait with that of the first capture, below which a frame shows another card."""
MOST_FRAMES = 150
MOST_ASKED = 3
"""Times that an applicant is asked in one stage to turn the card again; then the capture goes on without."""
LONGEST_ASKED_S = 20.0
"""Time from the first request of a stage after which the capture goes on without."""


@dataclass
class TurnTrack:
    """The ways of one session from each captured angle to the next. Not safe for use by several threads at once.

    Attributes:
        meter: that measures the frames.
    """

    meter: TurnMeter = field(repr=False)
    _frames: list[TurnFrame] = field(default_factory=list, repr=False)
    _from: CardPose | None = None
    _linked: bool = True
    _measured: LegMeasures | None = None
    _asked: list[float] = field(default_factory=list)
    _given_up: bool = False
    _legs: dict[str, LegMeasures | None] = field(default_factory=dict)

    @property
    def asked_at_s(self) -> float | None:
        """Time at which the applicant was last asked to turn the card again; None while no such request stands."""
        return self._asked[-1] if self._asked and not self._linked and not self._given_up else None

    @property
    def frames(self) -> int:
        """Number of frames whose numbers are held."""
        return len(self._frames)

    def wanted(self, pose: CardPose) -> CardPose:
        """Returns the pose that the card is to be brought to: the last captured one while the turn is asked again."""
        return pose if self._from is None or self.asked_at_s is None else self._from

    def add(self, frame: TurnFrame, pose: CardPose) -> None:
        """Take a frame in which the card was found in this pose."""
        if frame.same is not None and frame.same < LEAST_SAME:
            self.miss(frame.at_s)
            return
        self._break_after_gap(frame.at_s)
        if not self._linked and self._from is not None:
            self._linked = GUIDED.distance(pose, self._from) <= 1
        if self._linked:
            self._frames.append(frame)
            if len(self._frames) > MOST_FRAMES:
                self._frames = [*self._frames[:-1:2], frame]

    def miss(self, at_s: float) -> None:
        """Take a frame without the card, or with another one."""
        self._break_after_gap(at_s)

    def rest(self, at_s: float) -> None:
        """Take the time of a frame that shows the card where it was, in light that tells nothing about its turn."""
        self._break_after_gap(at_s)
        if self._frames:
            self._frames[-1] = replace(self._frames[-1], at_s=at_s)

    def require_seen(self, at_s: float, others: Iterable[CardView]) -> bool:
        """Returns whether a still may be taken: the way to it was seen, or was asked for often enough.

        Args:
            at_s: time of the frame.
            others: further views of the card by the same camera.
        """
        if self._from is None:
            return True
        self._measured = judging.measure(self._frames, others, self.meter) if self._linked else None
        if self._measured is None and not self._given_up:
            self._break(at_s)
        return self._measured is not None or self._given_up

    def end_leg(self, stage: str, pose: CardPose) -> None:
        """The captures of a stage are complete: what its last still showed of the way counts; the next one begins.

        Args:
            stage: its name.
            pose: that it asked for.
        """
        if self._from is not None:
            self._legs[stage] = self._measured
        del self._frames[:-1]
        self._begin(pose)

    def go_back(self, kept: Iterable[str], pose: CardPose | None) -> None:
        """Forget the ways to all stages but these.

        Args:
            kept: names of stages.
            pose: of the last of them, from which the card has to be turned again; None when there is none.
        """
        keep = set(kept)
        self._legs = {stage: leg for stage, leg in self._legs.items() if stage in keep}
        self._frames.clear()
        self._begin(pose)
        self._linked = pose is None

    def check(self, ways: int) -> CheckResult:
        """Returns `card_turned_continuously` of a session with so many ways."""
        legs = [*self._legs.values()]
        return judging.check([*legs, *[None] * (ways - len(legs))])

    def _begin(self, pose: CardPose | None) -> None:
        self._from, self._linked, self._measured, self._given_up = pose, True, None, False
        self._asked.clear()

    def _break_after_gap(self, at_s: float) -> None:
        if self._asked and at_s < self._asked[-1]:  # the device's clock began anew
            self._asked = [at_s] * len(self._asked)
        if self._frames and not 0 <= at_s - self._frames[-1].at_s <= LONGEST_GAP_S:
            self._break(at_s)
        elif self._asked and at_s - self._asked[0] > LONGEST_ASKED_S:
            self._given_up = True

    def _break(self, at_s: float) -> None:
        self._frames.clear()
        if self._from is not None:
            self._linked = False
            self._asked.append(at_s)
            self._given_up = len(self._asked) > MOST_ASKED
