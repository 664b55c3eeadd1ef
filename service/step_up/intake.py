"""Captures of a step-up: received into the vault, checked, and overwritten, as those of a registration."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import anyio
import structlog
from fastapi import Request
from starlette.requests import ClientDisconnect

from idproof.pipeline import Role, VaultSession, captures_fresh
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.errors import IdproofError, PortraitUnavailable, RecordsUnavailable
from idproof.pipeline.liveness.challenge import Challenge
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.origin import CaptureOrigin
from idproof.pipeline.step_up import HolderCheck
from idproof.pipeline.types import CheckResult
from idproof.service.errors import ServiceProblem, StoreUnavailable, log_error
from idproof.service.http.draining import drain_request
from idproof.service.http.uploads import Pace, Upload
from idproof.service.registrations.frames import LivenessDescription
from idproof.service.registrations.freshness import keyed_hashes
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.registrations.streamed_session import StreamedSession, ending_reported
from idproof.service.step_up.step_ups import StepUps
from idproof.service.step_up.store import StepUp

HOLDER_KEY = "holder_key"
"""Part of the body with what the holder's passkey gave at the login."""
_NOT_THE_PERSONS = (ServiceProblem, RecordsUnavailable, PortraitUnavailable, StoreUnavailable)
"""Errors for which an attempt does not count: nobody was examined, or could be."""

log = structlog.get_logger("idproof")


@dataclass(frozen=True, slots=True)
class StreamedAnswer:
    """Facts about a holder's captures at a streaming device, without the pictures.

    Attributes:
        step_up: its id.
        client: of the device, which must have opened the step-up.
        challenge: that was asked and answered; no other one may have been asked since.
        described: times of the frames, and the camera.
        at: when the answer was complete.
        permitted: options that staff granted.
        holder_key: what the holder's passkey gave at the login, where face templates are kept; else empty. The check
            overwrites it.
    """

    step_up: str
    client: str
    challenge: Challenge
    described: LivenessDescription
    at: datetime
    permitted: frozenset[str]
    holder_key: bytearray = field(default_factory=bytearray, repr=False)

    def response(self) -> LivenessResponse:
        """Returns the answer as the pipeline examines it."""
        granted = set(self.challenge.options.reductions) <= self.permitted
        return self.described.response(self.challenge, self.at, reduction_permitted=granted)


class StepUpIntake:
    """Receives and checks the captures of step-ups. It has no state of its own.

    Args:
        intake: of registrations, whose slots, vault and verifier step-ups share.
        step_ups: stores them.
    """

    def __init__(self, intake: RegistrationIntake, step_ups: StepUps) -> None:
        self._intake = intake
        self._step_ups = step_ups

    @property
    def step_ups(self) -> StepUps:
        """The step-ups that it checks."""
        return self._step_ups

    async def check_upload(
        self, request: Request, client: str, step_up_id: str, client_quota: AbstractContextManager[None]
    ) -> dict[str, object]:
        """Receives a selfie and frames, checks them, and returns the decision; the pictures are deleted.

        Raises:
            IdproofError: nothing was decided; the pictures are deleted either way.
        """
        async with AsyncExitStack() as resources:
            key = bytearray()
            resources.callback(_overwrite, key)  # whatever happens to the check
            try:
                resources.enter_context(client_quota)
                resources.enter_context(self._intake.slots.hold(client))
                begin = self._step_ups.store.begin
                step_up = await anyio.to_thread.run_sync(begin, step_up_id, client)
            except IdproofError:
                await drain_request(request)
                raise
            pictures = resources.enter_context(self._intake.verifier.vault.open())
            async with self._failure_stored(step_up):
                answer = await self._receive(request, step_up, pictures)
                _take_holder_key(pictures, key)
                return await self._check(step_up, pictures, answer, CaptureLevel.UPLOAD, key)

    async def check_stream(
        self,
        taken: StreamedAnswer,
        client_quota: AbstractContextManager[None],
        pictures: VaultSession,
        session: StreamedSession,
        level: CaptureLevel,
    ) -> dict[str, object]:
        """Checks what a stream left in the vault, and returns the decision; the pictures are deleted.

        Args:
            taken: the step-up, and the answer to its challenge.
            client_quota: as in `check_upload`.
            pictures: the selfie and the frames.
            session: of the device; once it has ended, nothing is decided any more.
            level: of the captures.

        Raises:
            IdproofError: nothing was decided. If the session was not told of its beginning, nothing was deleted.
        """
        async with AsyncExitStack() as resources:
            resources.callback(_overwrite, taken.holder_key)  # whatever happens to the check
            resources.enter_context(client_quota)
            resources.enter_context(self._intake.slots.hold(taken.client))
            begin = partial(self._step_ups.store.begin, answered=taken.challenge)
            step_up = await anyio.to_thread.run_sync(begin, taken.step_up, taken.client)
            resources.callback(pictures.wipe)
            async with self._failure_stored(step_up):
                await session.begin_verification(step_up.id)
                if taken.challenge.expired(taken.at):
                    raise _challenge_lapsed()
                return await self._check(step_up, pictures, taken.response(), level, taken.holder_key, session)

    @asynccontextmanager
    async def _failure_stored(self, step_up: StepUp) -> AsyncIterator[None]:
        """Ends the check on an error, without a decision."""
        try:
            yield
        except BaseException as error:
            # A holder who stops a check has been examined, or could have been.
            counts = not isinstance(error, _NOT_THE_PERSONS) or error.code == "stopped"
            give_back = partial(self._step_ups.store.fail, return_attempt=not counts)
            # If this cannot be stored either, the check's lease lapses.
            with suppress(IdproofError), anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(give_back, step_up)
            raise

    async def _receive(self, request: Request, step_up: StepUp, pictures: VaultSession) -> LivenessResponse:
        settings = self._intake.settings
        try:
            pace = Pace(settings.idle_s, settings.upload_bytes_per_s)
            upload = Upload(
                pictures, request.headers.get("content-type"), pace, roles=(Role.SELFIE,), secret=HOLDER_KEY
            )
            metadata = await upload.receive(aiter(request.stream()))
        except ClientDisconnect:
            raise ServiceProblem("upload_malformed", "The client went away.") from None
        now = datetime.now(UTC)
        if metadata.liveness is None:
            raise ServiceProblem("frames_missing", "Send frames that answer the step-up's challenge.")
        if step_up.challenge.expired(now):
            raise _challenge_lapsed()
        return metadata.liveness.response(step_up.challenge, now)

    async def _check(
        self,
        step_up: StepUp,
        pictures: VaultSession,
        answer: LivenessResponse,
        level: CaptureLevel,
        holder_key: bytearray,
        session: StreamedSession | None = None,
    ) -> dict[str, object]:
        intake = self._intake
        with ending_reported(session):
            fresh = await anyio.to_thread.run_sync(self._use_captures, step_up, pictures)
            origin = CaptureOrigin(level, checks=fresh)
            check = partial(self._examine, step_up, pictures, answer, origin, holder_key)
            found = await intake.examine(check)
        if session is not None:
            session.decide()  # in the same step of the event loop in which the session was seen not to have ended
        decided = await anyio.to_thread.run_sync(self._step_ups.decide, step_up, found)
        log.info("step-up", id=step_up.id, decision=decided["decision"], reasons=decided["reasons"])
        return decided

    def _examine(
        self,
        step_up: StepUp,
        pictures: VaultSession,
        answer: LivenessResponse,
        origin: CaptureOrigin,
        holder_key: bytearray,
    ) -> HolderCheck:
        """Compares with the records' portrait or, where those are kept, with the holder's own template."""
        verifier, templates = self._intake.verifier, self._intake.face_templates
        if templates is None:
            return verifier.check_holder(pictures, step_up.card, answer, origin)
        templates.open_for(step_up, holder_key, pictures)
        return verifier.check_enrolled(pictures, answer, origin)

    def _use_captures(self, step_up: StepUp, pictures: VaultSession) -> tuple[CheckResult, ...]:
        """Records the captures as used: they answer neither in a registration nor in another step-up."""
        used = self._intake.ledger.used_captures
        if not used.kept:
            return ()
        contents = keyed_hashes(pictures, used.content_key)
        try:
            with self._intake.store.database.write() as connection:
                before: int | None = used.take(connection, step_up.id, contents)
        except StoreUnavailable as error:
            log_error(error)
            before = None
        return (captures_fresh.check(before, len(contents)),)


def _take_holder_key(pictures: VaultSession, into: bytearray) -> None:
    """Moves the holder's key out of the pictures, if one came; it is no capture, and is not counted as used."""
    if HOLDER_KEY in pictures.upload_names:
        with pictures.upload(HOLDER_KEY) as data:
            into += data
        pictures.discard(HOLDER_KEY)


def _overwrite(secret: bytearray) -> None:
    secret[:] = bytes(len(secret))


def _challenge_lapsed() -> ServiceProblem:
    return ServiceProblem("challenge_lapsed", "The frames came too late; ask for another challenge.")
