"""Capture of one session's pictures: frames come in, the good ones are kept, and the stages follow on each other.

Knows no socket and no database. All methods run on the event loop, except `examine`, which runs on a thread. Fields
change in these methods alone.
"""

import secrets
import time
from collections import Counter
from datetime import UTC, datetime

from idproof.pipeline.card import screen_light
from idproof.pipeline.card import turning as card_turning
from idproof.pipeline.card.plan import draw
from idproof.pipeline.card.screen_light import LightState, track
from idproof.pipeline.guidance import Guidance, GuidanceMemory, Hint
from idproof.pipeline.liveness.challenge import Challenge
from idproof.pipeline.types import CARD_ROLES, CheckResult, Role
from idproof.service.attestation.statements import session_challenge
from idproof.service.errors import StreamProblem
from idproof.service.registrations.frames import CameraDescription, LivenessDescription
from idproof.service.stream import examination, replies
from idproof.service.stream.chain import LIVENESS, Chain, Frame, Shows
from idproof.service.stream.machine import SessionMachine
from idproof.service.stream.messages import unbase64
from idproof.service.stream.parameters import CardLightUse, SessionParameters
from idproof.service.stream.pictures import ChallengeFrames, FrameKind, SessionPictures, WaitingFrame
from idproof.service.stream.replies import Message
from idproof.service.stream.states import Event, State

GOOD_STILLS = 2
"""Good stills that complete a stage; the best is verified. Chosen by hand on tuning data; no outside source."""
_FRAME_INTERVAL_MS = 100.0  # `docs/stream.md` asks for ten frames per second
_NO_NEARER_MS = _FRAME_INTERVAL_MS / 2
"""A frame this near before the last moment of a challenge is the nearest one of a regular sequence."""
_LAST_FRAME_MS = 1.2 * _FRAME_INTERVAL_MS
"""No frame is awaited once less than this is left of a challenge. The factor allows for jitter: chosen by hand on
tuning data; no outside source."""


class Capture:
    """State, stage and pictures of one session, without its verification.

    Args:
        parameters: of the session.
    """

    def __init__(self, parameters: SessionParameters) -> None:
        nonce = unbase64(parameters.opened.nonce)
        self._parameters = parameters
        self._plan = draw(nonce)
        self._machine = SessionMachine(self._plan.order if parameters.step_up is None else ())
        self._chain = Chain(parameters.secret, nonce)
        self._good_stills = 0
        self._challenges_asked = 0
        self._camera: CameraDescription | None = None
        self._answered_at: datetime | None = None
        self._dropped = 0
        self._hints: Counter[str] = Counter()
        self._memory = GuidanceMemory()
        required = parameters.card_light is CardLightUse.REQUIRED
        self._lit = screen_light.lit_role(self._plan.order) if required else None
        self._lit_at = 0.0
        self._pictures = self._open_pictures()

    @property
    def parameters(self) -> SessionParameters:
        """Facts and tools that stay the same."""
        return self._parameters

    @property
    def id(self) -> str:
        """Identifier of the session."""
        return self._parameters.opened.id

    @property
    def stages(self) -> tuple[str, ...]:
        """All stages, in the order of this session."""
        return self._machine.stages

    @property
    def state(self) -> State:
        """Current state."""
        return self._machine.state

    @property
    def stage(self) -> str:
        """Current stage, as messages name it."""
        return self._machine.stage

    @property
    def capturing(self) -> bool:
        """True while frames and messages of the device may change the session."""
        return self._machine.capturing

    @property
    def verifying(self) -> bool:
        """True while a verification was requested and has not ended."""
        return self._machine.verifying

    @property
    def ended(self) -> bool:
        """True once nothing follows."""
        return self._machine.ended

    @property
    def pictures(self) -> SessionPictures:
        """Pictures held; another object after a restart."""
        return self._pictures

    @property
    def dropped(self) -> int:
        """Number of frames dropped so far."""
        return self._dropped

    @property
    def attestation_challenge(self) -> bytes:
        """Bytes that an attested device signs at the end: the session's nonce, and the tag of its last frame."""
        return session_challenge(unbase64(self._parameters.opened.nonce), self._chain.tag)

    @property
    def challenges_asked(self) -> int:
        """Number of liveness challenges asked so far."""
        return self._challenges_asked

    @property
    def answered_at(self) -> datetime | None:
        """Time at which the answer to the challenge was complete; None before."""
        return self._answered_at

    @property
    def asked_challenge(self) -> Challenge | None:
        """The challenge that is asked or was answered; None before, and after it was void."""
        answer = self._pictures.answer
        return None if answer is None else answer.challenge

    @property
    def waiting(self) -> tuple[bool, float] | None:
        """Of the frame that is examined next: whether it is a still, and its time of arrival."""
        return self._pictures.waiting

    def check_turning(self) -> CheckResult:
        """Returns the check of the frames between the captures of the card."""
        turning, ways = self._memory.turning, len(CARD_ROLES) - 1
        return card_turning.check([None] * ways) if turning is None else turning.check(ways)

    def check_answered_light(self) -> CheckResult:
        """Returns the check of the card's answer to the screen's light."""
        return self._memory.light.check()

    def liveness_timings(self) -> LivenessDescription:
        """Returns the capture times of the frames that answer the challenge, as an upload states them."""
        answer = self._pictures.answer
        return LivenessDescription.model_validate(
            {"frames": answer.timings() if answer else [], "camera": self._camera}
        )

    def take_hints(self) -> Counter[str]:
        """Returns the number of times that each hint was given since the last call."""
        hints, self._hints = self._hints, Counter()
        return hints

    # Frames.

    def receive_frame(self, message: bytes, arrived: float) -> list[Message]:
        """Refuse a frame, drop it, or let it wait for examination.

        Args:
            message: header and JPEG.
            arrived: seconds, by the clock of the scheduler.

        Returns:
            Messages for the device; guidance follows after the examination.

        Raises:
            StreamProblem: the frame does not hold; nothing changed.
            SessionExpired: the pictures' time is over; call `restart_expired`.
        """
        frame = self._chain.accept(message)
        answer = self._pictures.answer
        if not self.capturing or frame.shows != self.stage or (self.stage == LIVENESS and answer is None):
            self._dropped += 1
            return []
        if answer is not None and frame.shows is Shows.LIVENESS:
            answer.offer(frame.picture, frame.captured_us / 1000, frame.number)
        kind = FrameKind.STILL if frame.still and frame.shows is not Shows.LIVENESS else FrameKind.PREVIEW
        self._dropped += self._pictures.queue(kind, frame, arrived)
        return [] if answer is None else self._check_answer(answer, frame.captured_us / 1000)

    def next_frame(self) -> WaitingFrame | None:
        """Returns the newest frame that waits, stills first; its picture is from now on the one under examination."""
        return self._pictures.take_next()

    def examine(self, waiting: WaitingFrame) -> Guidance | None:
        """Measures the picture under examination, on a thread; see `examination.measure`."""
        if time.monotonic() - self._lit_at > track.LONGEST_S:
            self._memory.light.expire()
        guide, memory = self._parameters.guide, self._memory
        return examination.measure(waiting.frame, self._pictures, guide, memory, self._plan, self._lit)

    def apply_guidance(self, waiting: WaitingFrame, found: Guidance | None) -> list[Message]:
        """Keep a good still, overwrite any other picture under examination; returns messages for the device."""
        frame = waiting.frame
        # After a restart the pictures are others, and the one that was examined is overwritten.
        current = self._pictures.examines(waiting) and frame.shows == self.stage
        if found is None or not self.capturing or not current:
            self._dropped += 1
            self._pictures.discard_examined()
            return []
        if frame.still:
            found = examination.require_resolution(found, self._parameters.policy)
        if frame.still and found.good and self.stage != LIVENESS:
            self._pictures.keep_examined(self.stage, found.score)
            self._good_stills += 1
        else:
            self._pictures.discard_examined()
        self._hints[found.hint] += 1
        complete = self._good_stills >= GOOD_STILLS
        progress = self._progress(frame, found)
        outgoing = [replies.guidance(waiting, found, self.stage, progress, self._dropped, complete=complete)]
        if found.hint is Hint.HOLD_FOR_COLOURS and self._memory.light.state is LightState.IDLE:
            outgoing.append(self._ask_light(frame.captured_us / 1e6))
        if complete:
            self._end_turn()
            if self.stage == self._lit:
                self._memory.light.close()
            self._machine.complete_stage()
            outgoing.append(self._enter_stage())
        return outgoing

    # Messages of the device.

    def require_capturing(self) -> None:
        """Raises `StreamProblem` `message_unexpected`, or `SessionExpired` if the pictures' time is over."""
        self._machine.require(Event.PICTURES_EXPIRED)
        self._pictures.ensure_open()

    def begin_light(self, at_us: int) -> None:
        """The device shows the first colour on the card.

        Args:
            at_us: time by the clock of its frames, microseconds.

        Raises:
            StreamProblem: `message_unexpected`: it was not asked to, or it is too late.
        """
        if not self._memory.light.begin(at_us / 1e6):
            raise StreamProblem("message_unexpected", "No light is asked for at this moment.")

    def _ask_light(self, at_s: float) -> Message:
        light, asking = screen_light.draw(secrets.token_bytes(32)), self._memory.light
        asking.ask(light, at_s)
        self._lit_at = time.monotonic()
        return replies.light(light, track.MOST_ASKED - asking.asked)

    def require_liveness(self) -> None:
        """Raises `StreamProblem` `message_unexpected` unless a challenge may be asked."""
        self._machine.require(Event.CHALLENGE_ASKED)

    def ask_challenge(self, challenge: Challenge, camera: CameraDescription | None) -> None:
        """Wait for frames that answer a challenge; those for an earlier one are overwritten."""
        self._machine.ask_challenge()
        self._challenges_asked += 1
        self._camera = camera
        self._answered_at = None
        self._pictures.begin_answer(challenge)
        self._memory.begin_stage()

    def retake(self, stage: str) -> Message:
        """Return to a stage that was done, without its pictures and those of later stages.

        Returns:
            The message `stage`.

        Raises:
            StreamProblem: `message_unexpected` or `stage_incomplete`.
        """
        self._machine.go_back(stage)
        for later in self._machine.stages[self._machine.place :]:
            self._pictures.stills.discard(later)
        self._turn_from_last_capture()
        if self._lit is not None and self._lit.value in self._machine.stages[self._machine.place :]:
            self._memory.light = screen_light.LightTrack()
        self._discard_answer()
        return self._enter_stage()

    def restart_expired(self) -> Message:
        """Begin at the first stage, since the pictures' time is over; returns the message `stage`."""
        self._machine.restart_expired()
        return self._restart()

    def _end_turn(self) -> None:
        if self._memory.turning is not None and self.stage in CARD_ROLES:
            self._memory.turning.end_leg(self.stage, self._plan.poses[Role(self.stage)])

    def _turn_from_last_capture(self) -> None:
        """After a return to a stage: the card has to be turned to it from the capture before once more."""
        kept = [stage for stage in self._machine.stages[: self._machine.place] if stage in CARD_ROLES]
        if not kept:
            self._pictures.discard_portrait()
        if self._memory.turning is not None and self.stage in CARD_ROLES:
            self._memory.turning.go_back(kept, self._plan.poses[Role(kept[-1])] if kept else None)

    def _open_pictures(self) -> SessionPictures:
        parameters = self._parameters
        self._memory.begin_capture()
        return SessionPictures(parameters.vault.open(parameters.lifetime_s).__enter__())

    def _restart(self) -> Message:
        self._pictures.wipe()
        self._pictures = self._open_pictures()
        self._answered_at = None
        self._good_stills = 0
        return self._stage_message()

    def _enter_stage(self) -> Message:
        self._discard_waiting()
        self._pictures.discard_unlit()
        self._good_stills = 0
        self._memory.begin_stage(card_stays=self.stage in CARD_ROLES)
        return self._stage_message()

    def _stage_message(self, again: str | None = None) -> Message:
        machine = self._machine
        kept, left = self._pictures.stills.counts(), self._pictures.remaining_s
        return replies.stage(machine.stages, machine.place, kept, again, pictures_s=left)

    def _check_answer(self, answer: ChallengeFrames, captured_ms: float) -> list[Message]:
        challenge = answer.challenge
        last_moment = challenge.capture_ms()[-1]
        if answer.complete and captured_ms >= last_moment - _NO_NEARER_MS:
            now = datetime.now(UTC)
            if challenge.expired(now):
                return [self._repeat_challenge("challenge_lapsed")]
            self._answered_at = now
            self._machine.complete_answer()
            return [self._enter_stage()]
        if captured_ms >= max(last_moment, challenge.duration_ms - _LAST_FRAME_MS):
            return [self._repeat_challenge("challenge_incomplete")]
        return []

    def _repeat_challenge(self, code: str) -> Message:
        self._void_answer()
        self._discard_waiting()
        return self._stage_message(code)

    def _void_answer(self) -> None:
        self._machine.void_answer()
        self._discard_answer()

    def _discard_answer(self) -> None:
        self._pictures.discard_answer()
        self._answered_at = None

    def _discard_waiting(self) -> None:
        self._dropped += self._pictures.discard_waiting()

    def _progress(self, frame: Frame, found: Guidance) -> float:
        if (answer := self._pictures.answer) is not None:
            return min(1.0, frame.captured_us / 1000 / answer.challenge.duration_ms)
        return examination.progress(found, self._good_stills)
