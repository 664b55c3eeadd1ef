"""Follows one card while the screen lights it: from the request to the still that is taken next.

The showing counts only together with the captures around it, so the card must not leave the picture in between: a card
that was away may be another one.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from idproof.pipeline.card.screen_light import judging
from idproof.pipeline.card.screen_light.drawing import CardLight
from idproof.pipeline.card.screen_light.judging import LightAnswer
from idproof.pipeline.card.screen_light.meter import LitFrame
from idproof.pipeline.types import CheckResult

# Chosen by hand; no outside source.
LONGEST_GAP_S = 0.5
"""Time without the card, from the request to the still, after which it counts as another one: of ten frames a second a
server under load leaves out four."""
MOST_ASKED = 3
"""Showings in a capture; then it goes on without."""
LONGEST_WAIT_S = 3.0
"""From the request to the first colour, by the device."""
LONGEST_S = 12.0
"""From the request to the last frame, by the server: the wait, the colours, and a slow network."""
_LATE_MS = 250.0  # after the last colour, in which a frame still shows it


class LightState(StrEnum):
    """State of the light in one capture of the card."""

    IDLE = "idle"
    ASKED = "asked"
    SHOWING = "showing"
    ANSWERED = "answered"
    GIVEN_UP = "given up"
    CLOSED = "closed"


@dataclass
class LightTrack:
    """The light of one capture. Not safe for use by several threads at once."""

    _state: LightState = LightState.IDLE
    _light: CardLight | None = None
    _asked: int = 0
    _asked_at_s: float = 0.0
    _began_at_s: float = 0.0
    _seen_at_s: float = 0.0
    _frames: list[LitFrame] = field(default_factory=list)
    _answer: LightAnswer | None = None

    @property
    def state(self) -> LightState:
        """State."""
        return self._state

    @property
    def asked(self) -> int:
        """Number of showings that were asked for."""
        return self._asked

    @property
    def running(self) -> bool:
        """True from a request until the showing is over."""
        return self._state in (LightState.ASKED, LightState.SHOWING)

    @property
    def done(self) -> bool:
        """True when a still may be taken."""
        return self._state in (LightState.ANSWERED, LightState.GIVEN_UP, LightState.CLOSED)

    def ask(self, light: CardLight, at_s: float) -> None:
        """The card is held as it should be: ask the device to show colours.

        Args:
            light: drawn for this showing.
            at_s: time of the frame that showed the card so.

        Raises:
            ValueError: a showing runs or is over.
        """
        if self._state is not LightState.IDLE:
            raise ValueError(f"the light is {self._state}")
        self._state, self._light, self._asked = LightState.ASKED, light, self._asked + 1
        self._asked_at_s = self._seen_at_s = at_s

    def begin(self, at_s: float) -> bool:
        """The device shows the first colour from this time on; returns False unless it was asked to, and is in time."""
        if self._state is not LightState.ASKED or not 0 <= at_s - self._asked_at_s <= LONGEST_WAIT_S:
            return False
        # The time first: a frame may be examined on another thread.
        self._began_at_s = at_s
        self._state = LightState.SHOWING
        return True

    def add(self, frame: LitFrame) -> None:
        """Take a frame that shows the card. Its time is that of the device's clock, in milliseconds."""
        self.see(frame.at_ms / 1000)
        if self._state is not LightState.SHOWING or self._light is None:
            return
        shown = replace(frame, at_ms=frame.at_ms - self._began_at_s * 1000)
        self._frames.append(shown)
        if shown.at_ms >= self._light.duration_ms + _LATE_MS:
            self._answer = judging.measure(self._frames, self._light)
            self._frames.clear()
            self._state = LightState.ANSWERED
            if self._answer is None:
                self._fail()

    def see(self, at_s: float) -> None:
        """Take the time of a frame that shows the card."""
        self.miss(at_s)
        self._seen_at_s = at_s

    def miss(self, at_s: float) -> None:
        """Take the time of a frame without the card, or with another one."""
        if self._state in (LightState.IDLE, LightState.GIVEN_UP, LightState.CLOSED):
            return
        late = self._state is LightState.ASKED and at_s - self._asked_at_s > LONGEST_WAIT_S
        if late or not 0 <= at_s - self._seen_at_s <= LONGEST_GAP_S:
            self._fail()

    def close(self) -> None:
        """The stills are taken: nothing that is seen later changes the answer."""
        self._state = LightState.CLOSED

    def expire(self) -> None:
        """The frames of a showing that runs come too late by the server's clock."""
        if self.running:
            self._fail()

    def check(self) -> CheckResult:
        """Returns `card_light`."""
        return judging.check(self._answer)

    def _fail(self) -> None:
        self._frames.clear()
        self._answer = None
        self._state = LightState.GIVEN_UP if self._asked >= MOST_ASKED else LightState.IDLE
