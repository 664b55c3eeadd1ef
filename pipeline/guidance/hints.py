"""Facts in, the most urgent hint out. Pure: no picture and no network is known here.

The order is that in which a person can act: be seen, be whole in the picture, be near enough, be in good light, be at
the right angle, be still.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from idproof.pipeline.liveness.challenge import Action
from idproof.pipeline.types import Role

Box = tuple[float, float, float, float]
"""Left, top, width, height as shares of the picture."""


class Hint(StrEnum):
    """What to say; the screen has the words."""

    SHOW_CARD = "show_card"
    CARD_INSIDE = "card_inside"
    MOVE_CLOSER = "move_closer"
    MOVE_BACK = "move_back"
    HOLD_STILL = "hold_still"
    GLARE_HERE = "glare_here"
    MORE_LIGHT = "more_light"
    LESS_LIGHT = "less_light"
    TILT_LEFT_MORE = "tilt_left_more"
    TILT_LEFT_LESS = "tilt_left_less"
    TILT_RIGHT_MORE = "tilt_right_more"
    TILT_RIGHT_LESS = "tilt_right_less"
    FACE_ON = "face_on"
    SHOW_FACE = "show_face"
    ONE_PERSON = "one_person"
    CENTRE_FACE = "centre_face"
    EVEN_LIGHT = "even_light"
    LOOK_STRAIGHT = "look_straight"
    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    LOOK_UP = "look_up"
    LOOK_DOWN = "look_down"
    COME_CLOSER = "come_closer"
    BLINK = "blink"
    OPEN_MOUTH = "open_mouth"
    WATCH_COLOURS = "watch_colours"
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class Guidance:
    """What one picture showed, and what to say.

    Attributes:
        hint: the most urgent.
        score: how good a picture taken like this would be, 0..1; 0 when it is not to be kept.
        corners: of the card, (x, y) as shares of the picture, or None.
        box: of the face, or None.
        turn_deg, target: of the card, degrees, see `card.turns.turns_deg`; or None.
        quality: parts, 0..1, 1 is good.
        glare: where light hides the card.
        done: of the action that is asked now, 0..1, or None.
        px_per_mm: that the picture has on the card, before it was made small; or None.
    """

    hint: Hint
    score: float = 0.0
    corners: tuple[tuple[float, float], ...] | None = None
    box: Box | None = None
    turn_deg: float | None = None
    target: tuple[float, float] | None = None
    quality: Mapping[str, float] = field(default_factory=dict)
    glare: tuple[Box, ...] = ()
    done: float | None = None
    px_per_mm: float | None = None

    @property
    def good(self) -> bool:
        """Whether a picture like this is to be taken."""
        return self.hint is Hint.GOOD


TARGETS: Mapping[Role, tuple[float, float]] = {
    Role.CARD_FRONT: (-8.0, 8.0),
    Role.CARD_TILT_LEFT: (16.0, 33.0),
    Role.CARD_TILT_RIGHT: (-33.0, -16.0),
}
"""Turns that a still is taken at. The verdict asks for 12 degrees between front and each side; how wide the lens is,
and so the angle, is known within about a fifth before the card was seen from several sides."""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a small picture shows of a card that was found in it.

    Attributes:
        inside: the whole card is in the picture.
        share: width of the card as a share of the picture's.
        motion: of a corner since the picture before, as a share of the picture's width a tenth of a second.
        turn_deg: see `card.turns.turns_deg`.
        light: mean grey level of the card, 0..255.
        glare: share of the card that is white.
        sharpness: 0..1.
    """

    inside: bool
    share: float
    motion: float
    turn_deg: float
    light: float
    glare: float
    sharpness: float


LEAST_SHARE, MOST_SHARE = 0.40, 0.9
_MOST_MOTION, _MOST_GLARE = 0.012, 0.03
_DARK, _BRIGHT = 45.0, 238.0
LEAST_SHARP = 0.25


def for_card(facts: CardFacts | None, role: Role) -> Hint:
    """The hint for one card angle; None for facts means that no card was found.

    Example:
        >>> for_card(None, Role.CARD_FRONT).value
        'show_card'
        >>> for_card(CardFacts(True, 0.55, 0.0, 9.5, 130, 0.0, 0.8), Role.CARD_TILT_LEFT).value
        'tilt_left_more'
    """
    if facts is None:
        return Hint.SHOW_CARD
    checks = (
        (not facts.inside, Hint.CARD_INSIDE),
        (facts.share < LEAST_SHARE, Hint.MOVE_CLOSER),
        (facts.share > MOST_SHARE, Hint.MOVE_BACK),
        (facts.light < _DARK, Hint.MORE_LIGHT),
        (facts.light > _BRIGHT, Hint.LESS_LIGHT),
        (facts.glare > _MOST_GLARE, Hint.GLARE_HERE),
    )
    urgent = next((hint for holds, hint in checks if holds), None)
    still = Hint.HOLD_STILL if facts.motion > _MOST_MOTION or facts.sharpness < LEAST_SHARP else Hint.GOOD
    return urgent or _for_turn(facts.turn_deg, role) or still


def _for_turn(turn: float, role: Role) -> Hint | None:
    low, high = TARGETS[role]
    if low <= turn <= high:
        return None
    if role is Role.CARD_TILT_LEFT:
        return Hint.TILT_LEFT_MORE if turn < low else Hint.TILT_LEFT_LESS
    if role is Role.CARD_TILT_RIGHT:
        return Hint.TILT_RIGHT_MORE if turn > high else Hint.TILT_RIGHT_LESS
    return Hint.FACE_ON


@dataclass(frozen=True, slots=True)
class FaceFacts:
    """What a small picture shows of the one face in it.

    Attributes:
        share: width of the face as a share of the picture's shorter side.
        offset: of its middle from the picture's, as a share of the shorter side; the larger of both directions.
        motion: as of a card.
        light: mean grey level, 0..255.
        even: overlap of both halves' light, 0..1.
        yaw_deg: to the side, 0..90.
        sharpness: 0..1.
    """

    share: float
    offset: float
    motion: float
    light: float
    even: float
    yaw_deg: float
    sharpness: float


_NEAR, _FAR = 0.85, 0.22
_MOST_OFFSET, _MOST_YAW, _LEAST_EVEN = 0.28, 25.0, 0.36
_FACE_MOTION = 0.02


def for_face(facts: FaceFacts | None, people: int) -> Hint:
    """The hint for a selfie.

    Args:
        facts: of the one face, or None.
        people: before the camera.
    """
    if people > 1:
        return Hint.ONE_PERSON
    if facts is None:
        return Hint.SHOW_FACE
    checks = (
        (facts.share < _FAR, Hint.MOVE_CLOSER),
        (facts.share > _NEAR, Hint.MOVE_BACK),
        (facts.offset > _MOST_OFFSET, Hint.CENTRE_FACE),
        (facts.light < _DARK, Hint.MORE_LIGHT),
        (facts.light > _BRIGHT, Hint.LESS_LIGHT),
        (facts.even < _LEAST_EVEN, Hint.EVEN_LIGHT),
        (facts.yaw_deg > _MOST_YAW, Hint.LOOK_STRAIGHT),
        (facts.motion > _FACE_MOTION, Hint.HOLD_STILL),
    )
    return next((hint for holds, hint in checks if holds), Hint.GOOD)


def for_action(action: Action | None, lights: bool) -> Hint:
    """The hint while a challenge runs: the action that is asked, the colours, or looking straight ahead."""
    if action is not None:
        return Hint(action.value)
    return Hint.WATCH_COLOURS if lights else Hint.LOOK_STRAIGHT
