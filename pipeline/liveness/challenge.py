"""What a person is asked to do before the camera, drawn at random by the server.

A challenge follows from its nonce alone: the server stores the nonce, the time of issue and the options, and draws the
same challenge again when the frames arrive. A recording made before cannot have known the nonce.

Nothing depends on an expression of emotion. Whoever cannot turn, nod, approach, blink, open the mouth or bear a light
that changes says so (`Options`) and gets other actions, the light, or the passive checks at a stricter operating point.

The light stays far below three flashes a second and shows neither saturated red nor black (WCAG 2.2, success criterion
2.3.1 "Three Flashes or Below Threshold").
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Self, TypeVar

MIN_NONCE_BYTES = 16
LIFETIME_S = 120.0
NEUTRAL_MS, STEP_MS, LIGHT_MS = 800, 2000, 600
_SLOWER = 2  # times as long for each step, for whoever asks for more time
MIN_CAPTURES = 8
_STEP_SHOTS, _LIGHT_SHOT = (0.45, 0.70, 0.95), 0.7  # of each part's length
STEPS, MORE_STEPS, LIGHTS = 3, 4, 5
_DOMAIN = b"idproof liveness challenge 1\0"

Colour = tuple[int, int, int]
"""sRGB of the whole screen, 0..255 a channel."""

PALETTE: tuple[Colour, ...] = ((255, 176, 150), (150, 236, 170), (150, 190, 255), (250, 226, 140))
"""Soft peach, green, blue and yellow: far apart on skin, near each other in brightness."""


class Action(StrEnum):
    """One thing to do; the words are the person's own sides (`turn_left`: to their own left)."""

    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    LOOK_UP = "look_up"
    LOOK_DOWN = "look_down"
    COME_CLOSER = "come_closer"
    BLINK = "blink"
    OPEN_MOUTH = "open_mouth"


_TURNS = (Action.TURN_LEFT, Action.TURN_RIGHT)
_NODS = (Action.LOOK_UP, Action.LOOK_DOWN)


@dataclass(frozen=True, slots=True)
class Options:
    """What this person, and this profile, can do. Everything a person cannot do has an equivalent.

    Attributes:
        cannot_turn: the head to the side.
        cannot_nod: the head up and down.
        cannot_approach: bring face and camera closer together.
        cannot_blink: close the eyes on asking.
        cannot_open_mouth: on asking; also for a covered mouth.
        photosensitive: gets no changing light.
        more_time: takes each step at half the speed.
        eyelids: the profile's landmarks show whether an eye is closed; without them nobody is asked to blink.
        lips: the profile's landmarks show whether the mouth is open.
    """

    cannot_turn: bool = False
    cannot_nod: bool = False
    cannot_approach: bool = False
    cannot_blink: bool = False
    cannot_open_mouth: bool = False
    photosensitive: bool = False
    more_time: bool = False
    eyelids: bool = False
    lips: bool = False

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_json`; raises ValueError for an unknown name or a value that is no boolean."""
        known = {entry.name for entry in fields(cls)}
        if not data.keys() <= known or not all(isinstance(value, bool) for value in data.values()):
            raise ValueError(f"options are booleans named {', '.join(sorted(known))}")
        return cls(**data)

    def to_json(self) -> dict[str, bool]:
        """Every option by name."""
        return asdict(self)

    def actions(self) -> tuple[Action, ...]:
        """What may be asked for."""
        possible = [
            (not self.cannot_turn, _TURNS),
            (not self.cannot_nod, _NODS),
            (not self.cannot_approach, (Action.COME_CLOSER,)),
            (self.eyelids and not self.cannot_blink, (Action.BLINK,)),
            (self.lips and not self.cannot_open_mouth, (Action.OPEN_MOUTH,)),
        ]
        return tuple(action for allowed, actions in possible if allowed for action in actions)


PROFILE_OPTIONS = frozenset({"eyelids", "lips"})
"""Options that say what the profile can see, and nothing of the person."""


@dataclass(frozen=True, slots=True)
class Step:
    """One action and when it is asked for, in milliseconds from the first frame."""

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
    """What is asked, and until when an answer counts.

    Attributes:
        nonce: random bytes of the server, used once.
        issued_at, expires_at: UTC.
        steps: in order; before the first the person looks straight ahead for `NEUTRAL_MS`.
        lights: after the steps, the person looking straight ahead; empty for photosensitive people.
        options: what it was drawn for.
        strict: the passive checks are held to their stricter operating point, because less than the usual can be
            asked for.
    """

    nonce: bytes = field(repr=False)
    issued_at: datetime
    expires_at: datetime
    steps: tuple[Step, ...]
    lights: tuple[Light, ...]
    options: Options
    strict: bool

    @property
    def duration_ms(self) -> int:
        """From the first frame to the last."""
        return max([NEUTRAL_MS, *(step.end_ms for step in self.steps), *(light.end_ms for light in self.lights)])

    def capture_ms(self) -> tuple[int, ...]:
        """When a client takes its frames, at the least: some before the steps, three in each, one in each colour."""
        later = [_at(step, share) for step in self.steps for share in _STEP_SHOTS]
        later += [_at(light, _LIGHT_SHOT) for light in self.lights]
        before = max(2, MIN_CAPTURES - len(later))
        return (*(round((i + 0.5) / before * NEUTRAL_MS) for i in range(before)), *later)

    def expired(self, now: datetime) -> bool:
        """Whether an answer that arrives now is too late, or earlier than the question."""
        return not self.issued_at <= now <= self.expires_at

    def to_json(self) -> dict[str, Any]:
        """What a client needs to show it."""
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
    """The challenge of a nonce: the same for the same nonce and options.

    With everything allowed it is one of 80 sequences of actions (three of five, none twice running) and of 324 of
    colours. Fewer possible actions are made up for by the light and by `Challenge.strict`, never by asking nothing.

    Args:
        nonce: 16 random bytes or more, from `secrets.token_bytes`.
        issued_at: with a time zone.
        options: what this person can do.
        lifetime_s: how long an answer counts.

    Raises:
        ValueError: the nonce is too short, the time has no zone, or the lifetime is not positive.

    Example:
        >>> now = datetime(2026, 1, 1, tzinfo=UTC)
        >>> challenge = draw(bytes(16), issued_at=now, options=Options(cannot_turn=True, cannot_nod=True))
        >>> [step.action.value for step in challenge.steps], len(challenge.lights), challenge.strict
        (['come_closer'], 5, True)
    """
    if len(nonce) < MIN_NONCE_BYTES:
        raise ValueError(f"a nonce has {MIN_NONCE_BYTES} bytes or more")
    if issued_at.tzinfo is None or lifetime_s <= 0:
        raise ValueError("a challenge has a time of issue with its zone, and a positive lifetime")
    options = options or Options()
    stream = _Stream(nonce, options)
    wanted = MORE_STEPS if options.photosensitive else STEPS
    actions = stream.sequence(options.actions(), wanted)
    long = STEP_MS * (_SLOWER if options.more_time else 1)
    steps = tuple(Step(action, NEUTRAL_MS + i * long, NEUTRAL_MS + (i + 1) * long) for i, action in enumerate(actions))
    dark_until = NEUTRAL_MS + len(steps) * long
    colours = () if options.photosensitive else stream.sequence(PALETTE, LIGHTS)
    issued = issued_at.astimezone(UTC)
    return Challenge(
        nonce=nonce,
        issued_at=issued,
        expires_at=issued + timedelta(seconds=lifetime_s),
        steps=steps,
        lights=tuple(
            Light(colour, dark_until + i * LIGHT_MS, dark_until + (i + 1) * LIGHT_MS)
            for i, colour in enumerate(colours)
        ),
        options=options,
        strict=options.photosensitive or len(steps) < wanted,
    )


def _at(part: Step | Light, share: float) -> int:
    return round(part.start_ms + share * (part.end_ms - part.start_ms))


_Item = TypeVar("_Item")


class _Stream:
    """Whole numbers without bias from SHAKE-256 over nonce and options."""

    def __init__(self, nonce: bytes, options: Options) -> None:
        asked = json.dumps(options.to_json(), sort_keys=True).encode()
        self._bytes = iter(hashlib.shake_256(_DOMAIN + asked + b"\0" + nonce).digest(4096))

    def below(self, count: int) -> int:
        """0..count-1; bytes that would favour the small ones are passed over."""
        fair = 256 - 256 % count
        return next(byte for byte in self._bytes if byte < fair) % count

    def sequence(self, items: Sequence[_Item], length: int) -> tuple[_Item, ...]:
        """Items at random, none twice running; one item is asked for once, and none of none."""
        if len(items) < 2:
            return tuple(items)
        found: list[_Item] = []
        while len(found) < length:
            choice = [item for item in items if not found or item != found[-1]]
            found.append(choice[self.below(len(choice))])
        return tuple(found)
