"""Actions and screen colours that an applicant is asked for, drawn at random by the server.

A challenge follows from its nonce alone: the server stores the nonce, the time of issue and the options, and draws the
same challenge again when the frames arrive. An earlier recording cannot have known the nonce.

No action depends on an expression of emotion. Applicants who cannot turn, nod, approach, blink or open the mouth, or
who are sensitive to changing light, say so (`Options`). They get other actions, the light, or the passive checks at a
stricter operating point.

The light stays far below three flashes per second and shows neither saturated red nor black (WCAG 2.2, success
criterion 2.3.1 "Three Flashes or Below Threshold").
"""

import json
import math
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from idproof.pipeline.nonce_stream import NonceStream
from idproof.pipeline.shown_colours import LIGHT_MS, PALETTE, Colour

# Durations and counts were chosen by hand; no outside source.
LIFETIME_S = 120.0
NEUTRAL_MS, STEP_MS = 800, 2000
_MORE_TIME_FACTOR = 2  # on the length of each step, for applicants who ask for more time
MIN_CAPTURES = 8
_STEP_CAPTURES, _LIGHT_CAPTURE = (0.45, 0.70, 0.95), 0.7  # shares of the length of a step or a colour
_FEATURE_CAPTURES = {"blink": (0.375, 0.49, 0.605, 0.72, 0.835, 0.95), "open_mouth": (0.50, 0.65, 0.80)}
"""Closer together and until later: eyes that are closed for half a second are in two frames, also those of somebody who
reads slowly, and a mouth closes before the end."""
STEPS, MORE_STEPS, LIGHTS, MORE_LIGHTS = 3, 5, 5, 7
"""Counts of actions and colours. Without light 5 actions of 5 are one of 1,280 sequences, and with a single action 7
colours are one of 2,916, so that an applicant who can do less still gets a challenge of 10 bits."""
_DOMAIN = b"idproof liveness challenge 1\0"


class Action(StrEnum):
    """One action; directions are the person's own (`turn_left`: to their own left)."""

    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    LOOK_UP = "look_up"
    LOOK_DOWN = "look_down"
    COME_CLOSER = "come_closer"
    BLINK = "blink"
    OPEN_MOUTH = "open_mouth"


_TURNS = (Action.TURN_LEFT, Action.TURN_RIGHT)
_NODS = (Action.LOOK_UP, Action.LOOK_DOWN)
ROTATIONS = frozenset({*_TURNS, *_NODS})
"""Actions that turn the head."""

FEATURE_ACTIONS = (Action.BLINK, Action.OPEN_MOUTH)
"""Actions of eyes and mouth, which a still picture of a face does not show however it is moved."""

REDUCING = ("cannot_turn", "cannot_nod", "cannot_approach", "photosensitive")
"""Names of the options with which less is asked than of other people; more time changes no sequence."""
REDUCING_TOGETHER = ("cannot_blink", "cannot_open_mouth")
"""Names of two options that reduce only together: an applicant with one of them is asked for the other action."""
GRANTABLE = (*REDUCING, *REDUCING_TOGETHER)
"""Names of the options that staff can grant."""


@dataclass(frozen=True, slots=True)
class Options:
    """Abilities of the applicant and of the profile. There is an equivalent for everything an applicant cannot do.

    Attributes:
        cannot_turn: cannot turn the head to the side.
        cannot_nod: cannot turn the head up and down.
        cannot_approach: cannot bring face and camera closer together.
        cannot_blink: cannot close the eyes on request.
        cannot_open_mouth: cannot open the mouth on request, or the mouth is covered.
        photosensitive: gets no changing light.
        more_time: takes each step at half the speed.
        eyelids: people may be asked to close the eyes; not for a profile without networks of landmarks.
        lips: people may be asked to open the mouth; likewise.
    """

    cannot_turn: bool = False
    cannot_nod: bool = False
    cannot_approach: bool = False
    cannot_blink: bool = False
    cannot_open_mouth: bool = False
    photosensitive: bool = False
    more_time: bool = False
    eyelids: bool = True
    lips: bool = True

    @property
    def reductions(self) -> tuple[str, ...]:
        """Names of the options in force that reduce what is asked."""
        none_left = (self.eyelids or self.lips) and not self.feature_actions()
        names = GRANTABLE if none_left else REDUCING
        return tuple(name for name in names if getattr(self, name))

    @property
    def reduces(self) -> bool:
        """True if less is asked than of other people; an attacker must not get this by ticking a box."""
        return bool(self.reductions)

    def joined(self, other: Self) -> Self:
        """Returns the union of two descriptions of one applicant: an action that either excludes is not asked.

        Example:
            >>> Options(cannot_turn=True).joined(Options(more_time=True)).reductions
            ('cannot_turn',)
        """
        either = {name: getattr(self, name) or getattr(other, name) for name in self.to_json()}
        networks = {name: getattr(self, name) and getattr(other, name) for name in ("eyelids", "lips")}
        return type(self)(**either | networks)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Builds options from `to_json`; raises ValueError for an unknown name or a value that is no boolean."""
        known = {entry.name for entry in fields(cls)}
        if not data.keys() <= known or not all(isinstance(value, bool) for value in data.values()):
            raise ValueError(f"options are booleans named {', '.join(sorted(known))}")
        return cls(**data)

    def to_json(self) -> dict[str, bool]:
        """Returns every option by name."""
        return asdict(self)

    def actions(self) -> tuple[Action, ...]:
        """Returns the actions that may be asked for."""
        return (*self.head_actions(), *self.feature_actions())

    def head_actions(self) -> tuple[Action, ...]:
        """Returns the actions of the whole head that may be asked for."""
        possible = [
            (not self.cannot_turn, _TURNS),
            (not self.cannot_nod, _NODS),
            (not self.cannot_approach, (Action.COME_CLOSER,)),
        ]
        return tuple(action for allowed, actions in possible if allowed for action in actions)

    def feature_actions(self) -> tuple[Action, ...]:
        """Returns the actions of eyes and mouth (`FEATURE_ACTIONS`) that may be asked for."""
        possible = (self.eyelids and not self.cannot_blink, self.lips and not self.cannot_open_mouth)
        return tuple(action for allowed, action in zip(possible, FEATURE_ACTIONS, strict=True) if allowed)


PROFILE_OPTIONS = frozenset({"eyelids", "lips"})
"""Options that describe the profile and not the applicant."""


@dataclass(frozen=True, slots=True)
class Step:
    """One action and its time, in milliseconds from the first frame."""

    action: Action
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Light:
    """One colour over the whole screen, in milliseconds from the first frame."""

    colour: Colour
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Challenge:
    """The actions and colours asked for, and the time until which a response counts.

    Attributes:
        nonce: random bytes from the server, used once.
        issued_at, expires_at: UTC.
        steps: in order; before the first step the applicant looks straight ahead for `NEUTRAL_MS`.
        lights: after the steps, while the applicant looks straight ahead; empty for photosensitive applicants.
        options: those that it was drawn for.
        strict: the passive checks use their stricter operating point, because fewer actions than usual can be asked
            for.
    """

    nonce: bytes = field(repr=False)
    issued_at: datetime
    expires_at: datetime
    steps: tuple[Step, ...]
    lights: tuple[Light, ...]
    options: Options
    strict: bool

    @property
    def head_steps(self) -> tuple[Step, ...]:
        """The steps that move the whole head; those of eyes and mouth are checked by `eyes_mouth`."""
        return tuple(step for step in self.steps if step.action not in FEATURE_ACTIONS)

    @property
    def strength_bits(self) -> float:
        """Binary logarithm of how many sequences of actions and colours this challenge was drawn from.

        A recording made before the challenge was drawn fits it with a chance of 2 to the minus this.
        """
        actions = _count_sequences(len(self.options.head_actions()), len(self.head_steps))
        if len(self.head_steps) < len(self.steps):  # one of eyes and mouth: which, and at what place
            actions *= len(self.options.feature_actions()) * len(self.steps)
        colours = _count_sequences(len(PALETTE), len(self.lights))
        return math.log2(actions * colours)

    @property
    def duration_ms(self) -> int:
        """Milliseconds from the first frame to the last."""
        return max([NEUTRAL_MS, *(step.end_ms for step in self.steps), *(light.end_ms for light in self.lights)])

    def capture_ms(self) -> tuple[int, ...]:
        """Returns the times of the frames that a client must capture; it may capture more.

        Some are before the steps, three in each step or six while the eyes close, one in each colour.
        """
        later = [_time_within(step, share) for step in self.steps for share in _captures(step.action)]
        later += [_time_within(light, _LIGHT_CAPTURE) for light in self.lights]
        before = max(2, MIN_CAPTURES - len(later))
        return (*(round((i + 0.5) / before * NEUTRAL_MS) for i in range(before)), *later)

    def expired(self, now: datetime) -> bool:
        """Returns whether a response that arrives now is too late, or earlier than the challenge."""
        return not self.issued_at <= now <= self.expires_at

    def to_json(self) -> dict[str, Any]:
        """Returns everything that a client needs to show the challenge."""
        return {
            "nonce": self.nonce.hex(),
            "issued_at": self.issued_at.isoformat(timespec="milliseconds"),
            "expires_at": self.expires_at.isoformat(timespec="milliseconds"),
            "neutral_ms": NEUTRAL_MS,
            "duration_ms": self.duration_ms,
            "capture_ms": list(self.capture_ms()),
            "steps": [asdict(step) | {"action": step.action.value} for step in self.steps],
            "lights": [asdict(light) | {"colour": list(light.colour)} for light in self.lights],
            "options": self.options.to_json(),
        }


def draw(
    nonce: bytes, *, issued_at: datetime, options: Options | None = None, lifetime_s: float = LIFETIME_S
) -> Challenge:
    """Draws the challenge of a nonce: the same for the same nonce and options.

    With everything allowed it is one of 120 sequences of three actions and one of 324 sequences of colours. Two of the
    three actions move the head (of five, not the same in a row), and one, at any place, closes the eyes or opens the
    mouth, which a still picture of a face does not do however it is moved. Without `Options.eyelids` and
    `Options.lips` all three move the head: one of 80 sequences. More steps or more colours make up for what an
    applicant cannot do, and `Challenge.strict` holds the passive checks to a stricter operating point. `requirements`
    decides whether the rest is enough.

    Args:
        nonce: 16 random bytes or more, from `secrets.token_bytes`.
        issued_at: with a time zone.
        options: abilities of the applicant and of the profile.
        lifetime_s: seconds during which a response counts.

    Raises:
        ValueError: the nonce is too short, the time has no zone, or the lifetime is not positive.

    Example:
        >>> now = datetime(2026, 1, 1, tzinfo=UTC)
        >>> challenge = draw(bytes(16), issued_at=now, options=Options(cannot_turn=True, cannot_nod=True))
        >>> [step.action.value for step in challenge.steps], len(challenge.lights), challenge.strict
        (['come_closer', 'blink'], 7, True)
    """
    if issued_at.tzinfo is None or lifetime_s <= 0:
        raise ValueError("a challenge has a time of issue with its zone, and a positive lifetime")
    options = options or Options()
    described = json.dumps(options.to_json(), sort_keys=True).encode()
    stream = NonceStream(_DOMAIN + described + b"\0", nonce)
    wanted = MORE_STEPS if options.photosensitive else STEPS
    actions = _draw_actions(stream, options, wanted)
    step_ms = STEP_MS * (_MORE_TIME_FACTOR if options.more_time else 1)
    starts = [NEUTRAL_MS + i * step_ms for i in range(len(actions))]
    steps = tuple(Step(action, start, start + step_ms) for action, start in zip(actions, starts, strict=True))
    lights_start = NEUTRAL_MS + len(steps) * step_ms
    lights = LIGHTS if len(steps) == wanted else MORE_LIGHTS
    colours = () if options.photosensitive else stream.sequence(PALETTE, lights)
    issued = issued_at.astimezone(UTC)
    return Challenge(
        nonce=nonce,
        issued_at=issued,
        expires_at=issued + timedelta(seconds=lifetime_s),
        steps=steps,
        lights=tuple(
            Light(colour, lights_start + i * LIGHT_MS, lights_start + (i + 1) * LIGHT_MS)
            for i, colour in enumerate(colours)
        ),
        options=options,
        strict=options.photosensitive or len(steps) < wanted,
    )


def _draw_actions(stream: NonceStream, options: Options, wanted: int) -> tuple[Action, ...]:
    features = options.feature_actions()
    if not features:
        return stream.sequence(options.head_actions(), wanted)
    feature = stream.choose(features)
    heads = stream.sequence(options.head_actions(), wanted - 1)
    place = stream.below(len(heads) + 1)
    return (*heads[:place], feature, *heads[place:])


def _captures(action: Action) -> tuple[float, ...]:
    return _FEATURE_CAPTURES.get(action.value, _STEP_CAPTURES)


def _count_sequences(items: int, length: int) -> int:
    """Returns how many sequences of this length `NonceStream.sequence` can draw."""
    return items * (items - 1) ** (length - 1) if items > 1 and length > 0 else 1


def _time_within(part: Step | Light, share: float) -> int:
    return round(part.start_ms + share * (part.end_ms - part.start_ms))
