"""Facts that guidance remembers from one picture of a session to the next."""

from dataclasses import dataclass, field

from idproof.pipeline.card.screen_light import LightTrack
from idproof.pipeline.card.turning import TurnTrack
from idproof.pipeline.card.view import CardView
from idproof.pipeline.guidance.hints import Hint
from idproof.pipeline.guidance.misplaced import MisplacedCard
from idproof.pipeline.liveness.head_pose import HeadPose


@dataclass
class GuidanceMemory:
    """Facts that are remembered from one picture of a session to the next: positions, never a picture.

    Attributes:
        view: of the card in the last picture, or None.
        at_s: time of the last picture, by the device.
        missed: pictures since a card was found.
        views_by_turn: one view of the card per few degrees of turn; together they determine the focal length.
        face: middle of the face as shares of the picture, and its time.
        neutral: poses of the head before the first action.
        turning: numbers of the frames between the captures of the card; None before the first frame of a card.
        light: of the screen on the card.
        refused: the reason for which the last still was not taken, and its time; None after one that was.
        misplaced: a card that lies another way than upright.
    """

    view: CardView | None = None
    at_s: float = 0.0
    missed: int = 0
    views_by_turn: dict[int, CardView] = field(default_factory=dict)
    face: tuple[float, float, float] | None = None
    neutral: list[HeadPose] = field(default_factory=list)
    turning: TurnTrack | None = None
    light: LightTrack = field(default_factory=LightTrack)
    refused: tuple[Hint, float] | None = None
    misplaced: MisplacedCard = field(default_factory=MisplacedCard)

    def begin_capture(self) -> None:
        """Forget the turns too: every capture begins anew."""
        self.begin_stage()
        self.turning = None
        self.light = LightTrack()

    def refusal(self, at_s: float, within_s: float) -> Hint | None:
        """Return the reason for which the last still was not taken, for a time; None if it was, or nothing was."""
        if self.refused is None or at_s - self.refused[1] >= within_s:
            return None
        return self.refused[0]

    def begin_stage(self, *, card_stays: bool = False) -> None:
        """Forget everything but what determines the focal length and the turns so far: another capture begins.

        Args:
            card_stays: the capture before was of the card, too: it is still where it was.
        """
        self.view, self.missed, self.face = self.view if card_stays else None, 0, None
        self.refused, self.misplaced = None, MisplacedCard()
        self.neutral.clear()
