"""One applicant's session at a device: capture, verification, and what happens while the device is away.

`SessionMachine` performs the transitions that `states.TRANSITIONS` allows. No field is assigned from outside.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from idproof.pipeline.card import screen_light
from idproof.pipeline.liveness.challenge import Options
from idproof.pipeline.types import CheckResult
from idproof.service.errors import StreamProblem
from idproof.service.stream import replies
from idproof.service.stream.capture import Capture
from idproof.service.stream.parameters import CardLightUse, SessionParameters, StepUpText
from idproof.service.stream.replies import Message
from idproof.service.stream.states import Event, State

Send = Callable[[Message], Awaitable[None]]
_DECIDED = ("verdict", "step_up_decided")
EXTENDABLE_S = 60.0
"""Seconds before their end from which on the time of the pictures can be extended; `docs/stream.md` says so."""


@dataclass(frozen=True, slots=True)
class GivenVerdict:
    """The verdict that ended a session.

    Attributes:
        id: of the verdict.
        accepted: whether it is an accept.
        at: when, by the monotonic clock, in seconds.
    """

    id: str
    accepted: bool
    at: float


class DeviceSession(Capture):
    """The session.

    Args:
        parameters: see there.
        options: actions that the applicant can do.
        language: of sentences for the applicant.
    """

    def __init__(self, parameters: SessionParameters, options: Options | None = None, language: str = "en") -> None:
        super().__init__(parameters)
        self._options = options or Options()
        self._language = language
        self._retries = 0
        self._outcome: Message | None = None
        self._send: Send | None = None
        self._abandoned = False
        self._verdict: GivenVerdict | None = None
        self._granted: frozenset[str] = frozenset()
        self._opened_registration: str | None = None
        self._began = time.monotonic()

    @property
    def age_s(self) -> float:
        """Seconds since the session began."""
        return time.monotonic() - self._began

    @property
    def verdict(self) -> GivenVerdict | None:
        """The verdict that ended it, or None; a step-up has none."""
        return self._verdict

    @property
    def step_up(self) -> StepUpText | None:
        """The transaction that a step-up decides about; None for a registration."""
        return self._parameters.step_up

    @property
    def granted(self) -> frozenset[str]:
        """Options that staff granted for a step-up; a registration's are in the database."""
        return self._granted

    def grant(self, options: frozenset[str]) -> None:
        """Note the options of a permit that was used up for this step-up."""
        self._granted = options

    @property
    def registration(self) -> str | None:
        """Id of the registration that the session is an attempt of; None where the device named none."""
        return self._parameters.opened.registration or self._opened_registration

    def open_registration(self, registration: str) -> None:
        """Notes the registration that was opened for a session without one."""
        self._opened_registration = registration

    @property
    def nonce(self) -> str:
        """Nonce of the capture session, which its verdict repeats."""
        return self._parameters.opened.nonce

    @property
    def remaining_s(self) -> float:
        """Seconds until the session's own time is over; negative afterwards."""
        return datetime.fromisoformat(self._parameters.opened.expires_at).timestamp() - time.time()

    @property
    def options(self) -> Options:
        """Actions that the applicant can do."""
        return self._options

    @property
    def retries(self) -> int:
        """Number of verifications that failed because of a capture."""
        return self._retries

    @property
    def language(self) -> str:
        """Language of sentences for the applicant."""
        return self._language

    def session_message(self, *, resumed: bool) -> Message:
        """Returns the message `session`."""
        opened, machine, pictures_s = self._parameters.opened, self._machine, self._pictures.remaining_s
        plan = self._plan if self.step_up is None else None
        message = replies.session(
            opened, plan, machine.stages, machine.stage, self._chain, pictures_s=pictures_s, resumed=resumed
        )
        message["extendable"] = machine.extendable
        return message if self.step_up is None else message | {"step_up": {"text": self.step_up.text}}

    def check_light(self) -> CheckResult | None:
        """Returns the check of the card's answer to light; None in a session that has none.

        Whoever is sensitive to changing light is not shown it, and is referred unless staff granted that
        (`challenge_reduced`). Who says so at the beginning and takes it back later was not lit, and has not answered.
        """
        match self._parameters.card_light:
            case CardLightUse.REQUIRED:
                return self.check_answered_light()
            case CardLightUse.NOT_SHOWN if not self._options.photosensitive:
                return screen_light.check(None)
            case _:
                return None

    def set_options(self, options: Options) -> None:
        """Draw the next challenge for these options; raises `StreamProblem` `message_unexpected`."""
        self._machine.require(Event.CHALLENGE_ASKED)
        self._options = options

    def extend_time(self) -> Message:
        """Let the pictures exist for as long again, once in a session and only when little of their time is left.

        Returns:
            The message `extended`.

        Raises:
            StreamProblem: `message_unexpected`: it was extended before, much of the time is left, or none would be won.
            SessionExpired: the pictures' time is over.
        """
        self.require_capturing()
        left = self._pictures.remaining_s
        won = min(self._parameters.lifetime_s, self.remaining_s - left)
        if left > EXTENDABLE_S or won <= 0:
            raise StreamProblem("message_unexpected", "The time of the pictures cannot be extended now.")
        self._machine.extend_time()
        self._pictures.extend(won)
        return {"type": "extended", "pictures_s": round(self._pictures.remaining_s, 1)}

    def set_language(self, language: str) -> None:
        """Use another language for sentences."""
        self._language = language

    def stop(self) -> None:
        """End the session for the applicant who stopped it, and overwrite every picture, also those being verified.

        A verification that is running loses its pictures and learns of it by `SessionExpired`; its outcome is reported
        to nobody.

        Raises:
            StreamProblem: `message_unexpected`: the session ended before, or its verdict is being stored.
        """
        self._machine.stop()
        self._wipe()

    def end(self) -> None:
        """End the session and overwrite every picture; without effect on a session that ended before."""
        self._machine.end()
        self._wipe()

    def abandon(self) -> None:
        """End the session that nobody can resume: now, or as soon as the verification that runs has ended."""
        self._abandoned = True
        if not self.verifying:
            self.end()

    # Verification.

    def require_finish(self) -> None:
        """Raises `StreamProblem` `message_unexpected` unless everything is captured."""
        self._machine.require(Event.FINISH_REQUESTED)

    def request_verification(self) -> None:
        """Leave in the vault only what the verification examines, and wait for it.

        Raises:
            StreamProblem: `message_unexpected`.
            SessionExpired: the pictures' time is over.
        """
        self._machine.require(Event.FINISH_REQUESTED)
        self._dropped += self._pictures.prepare_verification()
        self._machine.request_finish()

    async def begin_verification(self, verdict_id: str) -> None:
        """The verification has begun: report its identifier to the device, unless the session ended meanwhile."""
        if not self.ended:
            self._machine.begin_verification()
            await self.report({"type": "verifying", "id": verdict_id})

    def decide(self) -> None:
        """The verification has decided, and its verdict is about to be stored: `stop` comes too late from now on."""
        self._machine.decide()

    def count_retry(self) -> int:
        """Count a verification that failed because of a capture; returns the number of them."""
        self._retries += 1
        return self._retries

    async def end_verification(self, outcome: Message) -> None:
        """End, begin again, or allow `finish` once more, depending on the outcome; report it to the device.

        The outcome for a session that ended meanwhile is reported to nobody: the next applicant may stand there.

        Args:
            outcome: the message `verdict` or `step_up_decided`, or `retry` or `error` without `stage`, which is added
                here.
        """
        if self.ended:
            return
        self._settle(outcome)
        if self._abandoned:
            self.end()
            return
        if outcome["type"] not in _DECIDED:
            left = round(self._pictures.remaining_s, 1)
            outcome = outcome | {"stage": self._machine.stage, "pictures_s": left}
        self._outcome = outcome
        await self.report_outcome()

    def _settle(self, outcome: Message) -> None:
        if outcome["type"] in _DECIDED:
            self._machine.conclude()
            self._wipe()
            if outcome["type"] == "verdict":
                self._verdict = GivenVerdict(outcome["id"], outcome.get("decision") == "accept", time.monotonic())
        elif outcome["type"] == "error" and self.state is State.QUEUED:
            self._machine.postpone_verification()
        else:
            self._machine.fail_verification()
            self._restart()
        if outcome["type"] == "retry" and not outcome["attempts_left"]:
            self.end()

    def _wipe(self) -> None:
        self._pictures.wipe()
        if self.step_up is not None:
            self.step_up.overwrite_key()

    # Connection.

    def attach(self, send: Send) -> None:
        """A device is connected, and is sent the session's messages."""
        self._send = send

    def detach(self) -> None:
        """The device is away; the outcome of a verification waits for it."""
        self._send = None

    async def report(self, message: Message) -> None:
        """Send a message with the session's identifier, if a device is connected."""
        if self._send is not None:
            await self._send(message | {"session": self.id})

    async def report_outcome(self) -> None:
        """Send the outcome of the verification once, as soon as a device is connected."""
        if self._send is not None and self._outcome is not None:
            outcome, self._outcome = self._outcome, None
            await self.report(outcome)

    def release_pictures(self) -> None:
        """Overwrite every picture, since the device is away for too long; `resume` then begins at the first stage."""
        if self.capturing:
            self._pictures.wipe()

    def resume(self) -> None:
        """The device is back: an interrupted challenge has to be asked anew, overwritten pictures taken anew."""
        if not self.capturing:
            return
        self._discard_waiting()
        if self._pictures.remaining_s == 0:
            self.restart_expired()
        elif self.state is State.ANSWERING:
            self._void_answer()
