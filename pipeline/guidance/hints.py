"""Chooses the most urgent hint for measured facts. Pure: knows no picture and no network.

Hints follow the order in which a person can act: be seen, be whole in the picture, be near enough, be in good light,
be at the right angle, be still.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from idproof.pipeline.card.plan.types import GUIDED, CardPose
from idproof.pipeline.liveness.challenge import Action

Box = tuple[float, float, float, float]
"""Left, top, width, height as shares of the picture."""


class Hint(StrEnum):
    """The hint to give; the screen has the words."""

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
    LEFT_NEARER = "left_nearer"
    RIGHT_NEARER = "right_nearer"
    TOP_NEARER = "top_nearer"
    BOTTOM_NEARER = "bottom_nearer"
    CLEAN_LENS = "clean_lens"
    FINGERS_OFF = "fingers_off"
    TURN_UPRIGHT = "turn_upright"
    TURN_SIDEWAYS = "turn_sideways"
    OTHER_SIDE = "other_side"
    ONE_CARD = "one_card"
    TURN_AGAIN = "turn_again"
    HOLD_FOR_COLOURS = "hold_for_colours"
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
    """The facts of one picture, and the hint that follows.

    Attributes:
        hint: the most urgent.
        score: quality of a picture taken like this, 0..1; 0 when it is not to be kept.
        corners: of the card, (x, y) as shares of the picture, or None.
        box: of the face, or None.
        pose: of the card, or None.
        wanted: the pose that the card is to be brought to, or None.
        quality: aspect to 0..1, 1 is good.
        glare: boxes in which reflected light hides the card.
        done: progress of the action that is asked now, 0..1, or None.
        px_per_mm: resolution on the card, of the picture before it was scaled down; or None.
    """

    hint: Hint
    score: float = 0.0
    corners: tuple[tuple[float, float], ...] | None = None
    box: Box | None = None
    pose: CardPose | None = None
    wanted: CardPose | None = None
    quality: Mapping[str, float] = field(default_factory=dict)
    glare: tuple[Box, ...] = ()
    done: float | None = None
    px_per_mm: float | None = None

    @property
    def good(self) -> bool:
        """True if a picture like this is to be taken."""
        return self.hint is Hint.GOOD


@dataclass(frozen=True, slots=True)
class CardFacts:
    """Facts of a card that was found in a small picture.

    Attributes:
        inside: the whole card is in the picture.
        pose: see `card.turns.measure_pose`.
        motion: of the fastest corner since the picture before, in shares of the picture per tenth of a second.
        light: mean grey level of the card, 0..255.
        glare: share of the card that is overexposed.
        sharpness: 0..1.
    """

    inside: bool
    pose: CardPose
    motion: float
    light: float
    glare: float
    sharpness: float


# Limits of `for_card` and `for_face`, in the units of the facts: chosen by hand on rendered tuning films; no outside
# source.
MIN_CARD_SHARE = 0.40
"""Width below which a card determines the focal length badly."""
_MAX_MOTION, _MAX_GLARE = 0.012, 0.03
_MIN_LIGHT, _MAX_LIGHT = 45.0, 238.0
_MIN_SHARPNESS = 0.25


def for_card(facts: CardFacts | None, wanted: CardPose, *, dark: bool = False) -> Hint:
    """Choose the hint that leads the card to a pose; without facts no card was found, for lack of light if `dark`.

    Example:
        >>> wanted = CardPose(19.0, 9.0, 0.55)
        >>> for_card(None, wanted).value
        'show_card'
        >>> for_card(CardFacts(True, CardPose(9.5, 8.0, 0.55), 0.0, 130, 0.0, 0.8), wanted).value
        'tilt_left_more'
        >>> for_card(CardFacts(True, CardPose(18.0, 2.0, 0.55), 0.0, 130, 0.0, 0.8), wanted).value
        'top_nearer'
    """
    if facts is None:
        return Hint.MORE_LIGHT if dark else Hint.SHOW_CARD
    checks = (
        (not facts.inside, Hint.CARD_INSIDE),
        (facts.pose.share < wanted.share - GUIDED.share, Hint.MOVE_CLOSER),
        (facts.pose.share > wanted.share + GUIDED.share, Hint.MOVE_BACK),
        (facts.light < _MIN_LIGHT, Hint.MORE_LIGHT),
        (facts.light > _MAX_LIGHT, Hint.LESS_LIGHT),
        (facts.glare > _MAX_GLARE, Hint.GLARE_HERE),
    )
    urgent = next((hint for holds, hint in checks if holds), None)
    still = Hint.HOLD_STILL if facts.motion > _MAX_MOTION or facts.sharpness < _MIN_SHARPNESS else Hint.GOOD
    return urgent or _for_angles(facts.pose, wanted) or still


@dataclass(frozen=True, slots=True)
class StillFacts:
    """Facts of a card in a still of full resolution, which becomes a capture; see `guidance.still`.

    Attributes:
        sharpness: of the static print in its less sharp direction; see `card.sharpness.Sharpness`.
        one_sided: one direction is much less sharp than the other, as after a movement; a lens blurs both.
        hidden: share of the cells of static print that do not show it, 0..1.
        clipped: share of the card that is clipped to white, 0..1.
        clipped_portrait: the same of the portrait.
        clipped_fields: share of the fields that are clipped by more than half, 0..1.
    """

    sharpness: float
    one_sided: bool = False
    hidden: float = 0.0
    clipped: float = 0.0
    clipped_portrait: float = 0.0
    clipped_fields: float = 0.0


# Limits of `for_still`, chosen by hand on rendered tuning captures; no real camera was tried. 42 sharp captures of each
# of two formations have a sharpness of -1.27 or more and hide 4 % at most. Out of focus by 2 of 1,920 pixels, 48 of
# `analytic` have -1.67 or less, and 4 of 16 of `processed` are still above the limit.
_LEAST_STILL_SHARPNESS = -1.5
_MOST_HIDDEN = 0.06  # thumbs that hold the card, 6 mm over its lower and 10 mm over its right edge, hide 0.029
_MOST_CLIPPED = 0.25
_MOST_CLIPPED_PORTRAIT, _MOST_CLIPPED_FIELDS = 0.5, 0.5
"""As `same_card`, which must see half of a capture's portrait and of its boxes: a single field that a spot of light
hides is read and compared in the other captures. A hologram that shines is not glare."""


def for_still(facts: StillFacts | None) -> Hint:
    """Choose the hint for a still whose small picture is good; without facts its print could not be followed.

    Example:
        >>> for_still(StillFacts(-0.6)).value
        'good'
        >>> for_still(StillFacts(-2.1)).value
        'clean_lens'
    """
    if facts is None:
        return Hint.HOLD_STILL
    checks = (
        (facts.clipped > _MOST_CLIPPED, Hint.LESS_LIGHT),
        (facts.clipped_portrait > _MOST_CLIPPED_PORTRAIT, Hint.GLARE_HERE),
        (facts.clipped_fields > _MOST_CLIPPED_FIELDS, Hint.GLARE_HERE),
        (facts.hidden > _MOST_HIDDEN, Hint.FINGERS_OFF),
        (facts.sharpness < _LEAST_STILL_SHARPNESS, Hint.HOLD_STILL if facts.one_sided else Hint.CLEAN_LENS),
    )
    return next((hint for holds, hint in checks if holds), Hint.GOOD)


def _for_angles(pose: CardPose, wanted: CardPose) -> Hint | None:
    """Choose the angle that is further off, or None when both are within what guidance takes."""
    turn, pitch = pose.turn_deg - wanted.turn_deg, pose.pitch_deg - wanted.pitch_deg
    if abs(turn) <= GUIDED.turn_deg and abs(pitch) <= GUIDED.pitch_deg:
        return None
    if abs(turn) / GUIDED.turn_deg < abs(pitch) / GUIDED.pitch_deg:
        return Hint.TOP_NEARER if pitch < 0 else Hint.BOTTOM_NEARER
    if wanted.turn_deg > 0:
        return Hint.TILT_LEFT_MORE if turn < 0 else Hint.TILT_LEFT_LESS
    if wanted.turn_deg < 0:
        return Hint.TILT_RIGHT_MORE if turn > 0 else Hint.TILT_RIGHT_LESS
    return Hint.LEFT_NEARER if turn < 0 else Hint.RIGHT_NEARER


@dataclass(frozen=True, slots=True)
class FaceFacts:
    """Facts of the applicant's face in a small picture.

    Attributes:
        share: width of the face as a share of the picture's shorter side.
        offset: distance of its middle from the picture's, as a share of the shorter side, in the larger direction.
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


_MIN_FACE_SHARE, _MAX_FACE_SHARE = 0.22, 0.85
_MAX_OFFSET, _MAX_YAW_DEG, _MIN_EVEN = 0.28, 25.0, 0.36
_MAX_FACE_MOTION = 0.02


def for_face(facts: FaceFacts | None, *, several: bool = False, dark: bool = False) -> Hint:
    """Choose the hint for a selfie.

    Args:
        facts: of the applicant's face, or None.
        several: there are faces, and none is clearly the applicant's.
        dark: there is no face, and the picture is too dark to show one.
    """
    if several:
        return Hint.ONE_PERSON
    if facts is None:
        return Hint.MORE_LIGHT if dark else Hint.SHOW_FACE
    checks = (
        (facts.share < _MIN_FACE_SHARE, Hint.MOVE_CLOSER),
        (facts.share > _MAX_FACE_SHARE, Hint.MOVE_BACK),
        (facts.offset > _MAX_OFFSET, Hint.CENTRE_FACE),
        (facts.light < _MIN_LIGHT, Hint.MORE_LIGHT),
        (facts.light > _MAX_LIGHT, Hint.LESS_LIGHT),
        (facts.even < _MIN_EVEN, Hint.EVEN_LIGHT),
        (facts.yaw_deg > _MAX_YAW_DEG, Hint.LOOK_STRAIGHT),
        (facts.motion > _MAX_FACE_MOTION, Hint.HOLD_STILL),
    )
    return next((hint for holds, hint in checks if holds), Hint.GOOD)


def for_action(action: Action | None, lights: bool) -> Hint:
    """Choose the hint during a challenge: the action that is asked, the colours, or looking straight ahead."""
    if action is not None:
        return Hint(action.value)
    return Hint.WATCH_COLOURS if lights else Hint.LOOK_STRAIGHT
