"""One applicant's turn at a device: which stage it is at, which pictures are kept, what the next message is.

Knows no socket and no database. Frames come in by `take`, on the event loop; `work` and `looked` bracket what a thread
does with one of them in between.
"""

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from idproof.pipeline import BadInput, Role, Vault, VaultSession
from idproof.pipeline.config import Policy
from idproof.pipeline.errors import SessionExpired
from idproof.pipeline.guidance import Guidance, Guide, Hint, Notes
from idproof.pipeline.liveness.challenge import Challenge, Options
from idproof.service.errors import StreamProblem
from idproof.service.registrations.frames import CameraSaid, LivenessSaid
from idproof.service.storage import CaptureSession
from idproof.service.stream.chain import LIVENESS, Chain, Frame, Shows, order_of
from idproof.service.stream.messages import base64, unbase64
from idproof.service.stream.pictures import Shots, Stills

FINISH = "finish"
PREVIEW, STILL, LOOKED_AT = "preview", "still", "looked_at"
_STILLS = 2  # looked at for each role, of which the best is taken
_LAST_MS = 120.0  # before the end of a challenge: no further frame is waited for
_ABOUT_MS = 50.0  # half of the time from one frame to the next: no other can be nearer to the last moment
_LEAST_PX_SHARE = 1.03  # of the policy's least resolution
_SEEN, _GOOD, _ONE = 0.3, 0.6, 0.8


@dataclass(frozen=True, slots=True)
class Work:
    """A frame to look at: what it says of itself, and when it came."""

    frame: Frame
    arrived: float


@dataclass
class Turn:
    """One turn.

    Args:
        session: of the applicant.
        secret: of the device.
        guide: looks at frames.
        vault: holds them.
        lifetime_s: of the pictures.
        policy: of the verification that follows.
        options: what the applicant can do.
        tell: sends to the device, while it is connected.
    """

    session: CaptureSession
    secret: bytes = field(repr=False)
    guide: Guide
    vault: Vault
    lifetime_s: float
    policy: Policy
    options: Options = field(default_factory=Options)
    language: str = "en"
    reference: str | None = None
    place: int = 0
    dropped: int = 0
    challenge: Challenge | None = None
    camera: CameraSaid | None = None
    answered_at: datetime | None = None
    verifying: str | None = None
    outcome: dict[str, Any] | None = None
    tell: Callable[[dict[str, Any]], Awaitable[None]] | None = None
    asked: int = 0
    over: bool = False
    retries: int = 0
    hints: Counter[str] = field(default_factory=Counter)
    notes: Notes = field(default_factory=Notes)
    _pending: dict[str, Work] = field(default_factory=dict)
    _looked: int = 0

    def __post_init__(self) -> None:
        nonce = unbase64(self.session.nonce)
        self.stages: tuple[str, ...] = (*order_of(nonce), Role.SELFIE.value, LIVENESS, FINISH)
        self.chain = Chain(self.secret, nonce)
        self.ends_at = datetime.fromisoformat(self.session.expires_at).timestamp()
        self._open()

    @property
    def stage(self) -> str:
        """Where it stands."""
        return "verifying" if self.verifying else self.stages[self.place]

    @property
    def lapsed(self) -> bool:
        """Whether the session's time is over."""
        return time.time() > self.ends_at

    def hello(self, *, resumed: bool) -> dict[str, Any]:
        """The message `session`."""
        return {
            "type": "session",
            "id": self.session.id,
            "nonce": self.session.nonce,
            "expires_at": self.session.expires_at,
            "stages": list(self.stages),
            "stage": self.stage,
            "next": self.chain.next,
            "chain": base64(self.chain.tag),
            "pictures_s": round(self.pictures.remaining_s, 1),
            "resumed": resumed,
        }

    def standing(self, again: str | None = None) -> dict[str, Any]:
        """The message `stage`."""
        return {
            "type": "stage",
            "stage": self.stages[self.place],
            "place": self.place + 1,
            "of": len(self.stages),
            "kept": self.stills.counts(),
            "again": again,
        }

    def take(self, message: bytes, arrived: float) -> list[dict[str, Any]]:
        """One binary message: it is refused, dropped, or waits to be looked at.

        Returns:
            What to say now; guidance comes later.

        Raises:
            StreamProblem: it does not hold; nothing changed.
            SessionExpired: the pictures' time is over; call `restart`.
        """
        frame = self.chain.accept(message)
        if self.over or self.verifying or frame.shows != self.stage:
            self.dropped += 1
            return []
        if frame.shows is Shows.LIVENESS:
            return self._answer(frame, arrived)
        self._wait(STILL if frame.still else PREVIEW, frame, arrived)
        return []

    @property
    def waits(self) -> tuple[bool, float] | None:
        """Of the frame that `work` would give: whether it is a still, and when it came."""
        if self.over:
            return None
        slot = next((slot for slot in (STILL, PREVIEW) if slot in self._pending), None)
        return None if slot is None else (slot == STILL, self._pending[slot].arrived)

    def work(self) -> Work | None:
        """The newest frame that waits, stills first; the vault holds it as `looked_at`."""
        for slot in (STILL, PREVIEW):
            if (work := self._pending.pop(slot, None)) is not None:
                self.pictures.rename(slot, LOOKED_AT)
                return work
        return None

    def look(self, work: Work) -> Guidance | None:
        """What a frame shows; None when it was overwritten meanwhile. For a thread.

        Raises:
            StreamProblem: `frame_unreadable`.
        """
        frame = work.frame
        try:
            with self.pictures.upload(LOOKED_AT) as data:
                if frame.shows is Shows.LIVENESS:
                    if (asked := self.challenge) is None:
                        return None
                    return self.guide.action(data, asked, frame.captured_us / 1000, self.notes)
                if frame.shows is Shows.SELFIE:
                    return self.guide.face(data, self.notes, frame.captured_us / 1e6)
                return self.guide.card(data, Role(frame.shows), self.notes, frame.captured_us / 1e6)
        except SessionExpired:
            return None
        except BadInput as error:
            if error.code == "capture_missing":
                return None
            raise StreamProblem("frame_unreadable", "The frame is not a JPEG that can be decoded.") from None

    def looked(self, work: Work, found: Guidance | None) -> list[dict[str, Any]]:
        """What to say of a frame; a good still is kept, any other overwritten."""
        if found is None or self.over or self.verifying or work.frame.shows != self.stage:
            self.dropped += 1
            self.pictures.discard(LOOKED_AT, PREVIEW)
            return []
        found = self._large_enough(found) if work.frame.still else found
        keep = work.frame.still and found.good and self.stage != LIVENESS
        if keep:
            self.stills.offer(self.stage, LOOKED_AT, found.score)
            self._looked += 1
        else:
            self.pictures.discard(LOOKED_AT, PREVIEW)
        self.hints[found.hint] += 1
        done = keep and self._looked >= _STILLS
        said = [self._guidance(work, found, done)]
        if done:
            said.append(self._next())
        return said

    def ask(self, challenge: Challenge, camera: CameraSaid | None) -> None:
        """A challenge is asked: frames that answer an earlier one are overwritten."""
        self._forget_answer()
        self.asked += 1
        self.challenge, self.camera = challenge, camera
        self.shots = Shots(self.pictures, challenge)
        self.notes.begin()

    def retake(self, stage: str) -> dict[str, Any]:
        """Back to a stage that was done; raises `StreamProblem` `stage_incomplete`."""
        place = self.stages.index(stage)
        if place >= self.place:
            raise StreamProblem("stage_incomplete", "This stage was not done yet.")
        for later in self.stages[place:]:
            self.stills.forget(later)
        self._forget_answer()
        self._clear_waiting()
        self.place, self._looked = place, 0
        self.notes.begin()
        return self.standing()

    def said(self) -> LivenessSaid:
        """When the kept frames were taken, as an upload tells it."""
        return LivenessSaid.model_validate({"frames": self.shots.said(), "camera": self.camera})

    def restart(self) -> dict[str, Any]:
        """The pictures are gone: from the first stage on; gives `stage`."""
        self.pictures.wipe()
        self._pending.clear()
        self._open()
        self.place, self._looked, self.verifying = 0, 0, None
        return self.standing()

    def hang_up(self) -> None:
        """Overwrite every picture now; the session may be resumed from its first stage."""
        if not self.verifying:
            self.pictures.wipe()
            self._pending.clear()

    def come_back(self) -> None:
        """The device is there again: a challenge that was cut is asked anew, pictures that are gone are taken anew."""
        if self.verifying or self.over:
            return
        self._clear_waiting()
        if self.pictures.remaining_s == 0:
            self.restart()
        elif self.stage == LIVENESS:
            self._forget_answer()

    def left_untold(self) -> list[dict[str, Any]]:
        """How the verification ended while the device was away; once."""
        told, self.outcome = self.outcome, None
        return [] if told is None else [told]

    def end(self) -> None:
        """Nothing follows: overwrite every picture."""
        self.over = True
        self.pictures.wipe()
        self._pending.clear()

    def clear(self) -> None:
        """Before the verification: nothing lies in the vault but what it looks at."""
        self._clear_waiting()
        self.pictures.discard(LOOKED_AT, PREVIEW)
        self.stills.choose()

    def _open(self) -> None:
        self.pictures: VaultSession = self.vault.open(self.lifetime_s).__enter__()
        self.stills = Stills(self.pictures)
        self.challenge, self.answered_at = None, None
        self.notes.begin()

    def _wait(self, slot: str, frame: Frame, arrived: float) -> None:
        if slot in self._pending:
            self.dropped += 1
            self.pictures.discard(slot, PREVIEW)
        self.pictures.receive(slot, len(frame.picture)).write(frame.picture)
        bare = Frame(frame.shows, frame.still, frame.sequence, frame.number, frame.captured_us, memoryview(b""))
        self._pending[slot] = Work(bare, arrived)

    def _answer(self, frame: Frame, arrived: float) -> list[dict[str, Any]]:
        challenge = self.challenge
        if challenge is None:
            self.dropped += 1
            return []
        captured_ms = frame.captured_us / 1000
        self.shots.offer(frame.picture, captured_ms, frame.number)
        self._wait(PREVIEW, frame, arrived)
        if self.shots.complete and captured_ms >= challenge.capture_ms()[-1] - _ABOUT_MS:
            return self._answered(challenge)
        if captured_ms >= challenge.duration_ms - _LAST_MS:
            self._forget_answer()
            self._clear_waiting()
            return [self.standing("challenge_incomplete")]
        return []

    def _answered(self, challenge: Challenge) -> list[dict[str, Any]]:
        now = datetime.now(UTC)
        if challenge.expired(now):
            self._forget_answer()
            self._clear_waiting()
            return [self.standing("challenge_lapsed")]
        self.answered_at = now
        return [self._next()]

    def _forget_answer(self) -> None:
        if self.challenge is not None:
            self.shots.forget()
        self.challenge, self.answered_at = None, None

    def _clear_waiting(self) -> None:
        self.dropped += len(self._pending)
        for slot in self._pending:
            self.pictures.discard(slot, PREVIEW)
        self._pending.clear()

    def _next(self) -> dict[str, Any]:
        self._clear_waiting()
        self.place, self._looked = self.place + 1, 0
        self.notes.begin()
        return self.standing()

    def _large_enough(self, found: Guidance) -> Guidance:
        """A still whose card has too few pixels for the verification is none."""
        least = self.policy.min_px_per_mm * _LEAST_PX_SHARE
        if found.px_per_mm is None or found.px_per_mm >= least:
            return found
        return Guidance(Hint.MOVE_CLOSER, 0.0, found.corners, None, found.turn_deg, found.target, found.quality)

    def _guidance(self, work: Work, found: Guidance, done: bool) -> dict[str, Any]:
        progress = 1.0 if done else self._progress(work, found)
        want = "none" if done else STILL if self.stage == LIVENESS or found.good else PREVIEW
        return {
            "type": "guidance",
            "seq": work.frame.sequence,
            "stage": self.stage,
            "hint": found.hint.value,
            "want": want,
            "corners": found.corners and [[round(x, 4), round(y, 4)] for x, y in found.corners],
            "box": found.box and [round(value, 4) for value in found.box],
            "turn_deg": found.turn_deg,
            "turn_target": found.target and list(found.target),
            "quality": {name: round(value, 3) for name, value in found.quality.items()},
            "glare": [[round(value, 4) for value in spot] for spot in found.glare],
            "progress": round(progress, 3),
            "done": found.done,
            "dropped": self.dropped,
            "waited_ms": round((time.monotonic() - work.arrived) * 1000, 1),
        }

    def _progress(self, work: Work, found: Guidance) -> float:
        if self.stage == LIVENESS and self.challenge is not None:
            return min(1.0, work.frame.captured_us / 1000 / self.challenge.duration_ms)
        if self._looked:
            return _ONE
        return _GOOD if found.good else _SEEN if found.corners or found.box else 0.0
