"""Connection of an authenticated device: messages and frames until the device leaves or an error ends it."""

import asyncio
import gc
import time
from contextlib import suppress
from functools import partial

import anyio
from starlette.websockets import WebSocketDisconnect

from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.errors import IdproofError, SessionExpired
from idproof.service.applicant_messages import texts
from idproof.service.errors import AttestationRefused, StreamProblem
from idproof.service.registrations import permits
from idproof.service.registrations.attestations import prove_level
from idproof.service.storage.kiosks import LEASE_S
from idproof.service.stream import (
    counter_tickets,
    guardians,
    messages,
    passkeys,
    purposes,
    replies,
    token_devices,
    verification,
)
from idproof.service.stream.accepted import require_accepted
from idproof.service.stream.channel import Channel, code_of
from idproof.service.stream.codes import CLOSES
from idproof.service.stream.devices import AuthenticatedDevice
from idproof.service.stream.hand_offs import HandOff
from idproof.service.stream.handshake import authenticate
from idproof.service.stream.opening import (
    options_of,
    read_anew,
    resume_session,
    session_lapsed,
    start_session,
    take_suspended,
)
from idproof.service.stream.pictures import WaitingFrame
from idproof.service.stream.runtime import StreamRuntime
from idproof.service.stream.scheduler import Slot
from idproof.service.stream.session import DeviceSession
from idproof.service.stream.staff_calls import StaffCall
from idproof.service.stream.wallet_offers import WalletOffers

_RENEWALS_PER_LEASE = 4
"""Renewals of the connection's lease before it would end; so a device that was revoked is cut off within a quarter of
the lease, as `docs/stream.md` says."""
_ORDERLY = (1000, 1001)
"""Close codes of a device that leaves on purpose (RFC 6455, section 7.4.1)."""
_COLLECT_AFTER_S = 1.0
"""Seconds after which nothing uses the remains of a connection any more. Chosen by hand; no outside source."""


async def serve(runtime: StreamRuntime, channel: Channel) -> None:
    """Authenticate the device of one WebSocket, then serve it until it leaves."""
    async with channel.closed_on_error():
        device = await authenticate(runtime, channel)
        channel.allow_full_messages()
        await Connection(runtime, channel, device).run()


class Connection:
    """One connection of one authenticated device.

    Args:
        runtime: shared by all streams.
        channel: to the device.
        device: that is connected.
    """

    def __init__(self, runtime: StreamRuntime, channel: Channel, device: AuthenticatedDevice) -> None:
        self._runtime = runtime
        self._channel = channel
        self._device = device
        self._kiosk = device.kiosk
        self._metrics = runtime.intake.metrics
        self._session: DeviceSession | None = None
        self._staff_call = StaffCall(device.kiosk.staff_at)
        self._addressed: str | None = None
        self._language = texts.ENGLISH
        self._wallet_offers = WalletOffers(runtime.intake.issuance)
        self._hand_off = HandOff(runtime, device.token, channel.address, channel.send)
        self._frame_arrived = anyio.Event()

    async def run(self) -> None:
        """Serve the device until it leaves, or until an error ends the connection."""
        self._metrics.change_stream_count(1)
        close_code = None
        try:
            async with self._channel.closed_on_error():
                with self._runtime.admission.page(counted=self._device.token is not None):
                    guardians_asked = self._device.token is None and self._runtime.intake.guardians.asked
                    await self._channel.send(self._device.welcome | {"guardians": guardians_asked})
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(self._renew_lease)
                        tasks.start_soon(self._examine_frames)
                        tasks.start_soon(self._hand_off.follow)
                        close_code = await self._listen()
                        tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._leave(close_code)

    async def _leave(self, close_code: int | None) -> None:
        self._metrics.change_stream_count(-1)
        session = self._session
        if session is not None:
            session.detach()
        if session is not None and not session.ended:
            if close_code in _ORDERLY and not session.verifying:
                session.end()
                await self._runtime.end_stored(session)
                await self._count("cancelled")
            else:
                self._runtime.suspended.add(self._kiosk.id, session)
        with suppress(IdproofError):
            await token_devices.end(self._runtime, self._device.token, session)
            disconnect = self._device.leases.disconnect
            await anyio.to_thread.run_sync(disconnect, self._device.lease_id, self._device.connection_id)
        # Circles of references keep objects of this connection; its messages are gone already.
        asyncio.get_running_loop().call_later(_COLLECT_AFTER_S, gc.collect)

    # Messages.

    async def _listen(self) -> int:
        """Handle messages and frames; returns the close code when the device leaves."""
        while True:
            try:
                message = await self._channel.receive()
            except WebSocketDisconnect as left:
                return left.code
            try:
                await (self._handle(message) if isinstance(message, str) else self._receive_frame(message))
            except SessionExpired:
                await self._restart_expired()
            except IdproofError as error:
                if code_of(error) in CLOSES:
                    raise
                await self._channel.complain(error, self._addressed)
            del message  # a reference would hold the picture until the next message

    async def _handle(self, text: str) -> None:
        self._addressed = None
        message = messages.parse(text)
        if isinstance(message, messages.AnyTime):
            await self._handle_at_any_time(message)
        elif isinstance(message, messages.Start | messages.Resume):
            await self._begin(message)
        elif isinstance(message, messages.Cancel):
            await self._stop(message)
        elif isinstance(message, messages.ForHandOff):
            await self._hand_off.handle(message)
        elif isinstance(message, messages.AfterVerdict):
            await self._serve_after_verdict(message)
        elif isinstance(message, messages.SessionMessage):
            await self._handle_in_session(message)
        else:
            raise _unexpected()

    async def _handle_at_any_time(self, message: messages.AnyTime) -> None:
        if isinstance(message, messages.SetLanguage):
            self._language = message.language
            if self._session is not None:
                self._session.set_language(message.language)
            answer = "language_taken"
        elif isinstance(message, messages.Staff):
            if self._device.token is not None:  # a page has no staff that would see its call
                raise _unexpected()
            self._staff_call.make(in_session=self._session is not None and not self._session.ended)
            await self._renew()
            answer = "staff_called"
        else:
            report, camera = self._runtime.kiosks.report, message.camera.model_dump_json(exclude_none=True)
            await anyio.to_thread.run_sync(report, self._kiosk.id, message.software, camera)
            answer = "report_taken"
        await self._channel.send({"type": answer})

    async def _serve_after_verdict(self, message: messages.AfterVerdict) -> None:
        self._addressed, client = self._session_id, self._kiosk.client
        if self._device.token is not None:  # its client's key may lack the scopes of what follows a verdict
            raise _unexpected()
        if isinstance(message, messages.AskTicket):
            issued = await counter_tickets.issue(self._runtime.intake, client, self._session, message.session)
            await self._channel.send(issued)
            return
        applicant = require_accepted(self._session, message.session)
        if isinstance(message, messages.ForWallet):
            reply = await self._wallet_offers.answer(client, applicant, message)
        else:
            reply = await passkeys.bind(self._runtime.passkeys, client, applicant, message, self._channel.origin)
            self._runtime.intake.delivery_worker.wake()
        await self._channel.send(reply | {"session": applicant.session})

    async def _begin(self, message: messages.Start | messages.Resume) -> None:
        if self._session is not None and not self._session.ended:
            raise _unexpected()
        self._wallet_offers.forget()
        if isinstance(message, messages.Resume):
            session = resume_session(self._runtime, self._device, message)
        else:
            self._device = await read_anew(self._runtime, self._device)
            self._kiosk = self._device.kiosk
            session = await start_session(self._runtime, self._device, message)
            self._language = message.language
            self._staff_call.begin_session()
            await self._runtime.count(self._kiosk.id, session, "started")
        self._session = session
        await self._channel.send(session.session_message(resumed=isinstance(message, messages.Resume)))
        session.attach(self._channel.send)
        await session.report_outcome()

    @property
    def _session_id(self) -> str | None:
        return None if self._session is None else self._session.id

    async def _stop(self, message: messages.Cancel) -> None:
        """End the session of an applicant who stopped: the current one, or one that waits for this device."""
        session = self._session
        self._addressed = message.session or self._session_id
        if (session is None or session.ended) and message.session is not None:
            session = take_suspended(self._runtime, self._device, message.session)
        if session is None or message.session not in (None, session.id):
            raise _unexpected()
        session.stop()
        await self._runtime.end_stored(session)
        await self._runtime.count(self._kiosk.id, session, "cancelled")
        await self._channel.send({"type": "cancelled", "session": session.id})

    def _require_capturing(self, message: messages.SessionMessage) -> DeviceSession:
        """Returns the session that a message belongs to, which takes captures."""
        session = self._session
        self._addressed = self._session_id
        if session is None or not session.capturing or message.session not in (None, session.id):
            raise _unexpected()
        if session.remaining_s < 0:
            session.end()
            raise session_lapsed()
        session.pictures.ensure_open()
        return session

    async def _handle_in_session(self, message: messages.SessionMessage) -> None:
        session = self._require_capturing(message)
        match message:
            case messages.SetOptions():
                await self._set_options(session, message)
                await session.report({"type": "options_taken"})
            case messages.Ready():
                await self._ask_challenge(session, message)
            case messages.LightShown():
                session.begin_light(message.at_us)
            case messages.AskConsent() | messages.JoinAsGuardian() if self._device.token is None:
                await session.report(await guardians.answer(self._runtime, self._kiosk.client, session, message))
            case messages.Retake():
                await session.report(session.retake(message.stage.value))
            case messages.Extend():
                await session.report(session.extend_time())
            case messages.Finish():
                session.require_finish()  # before a signature is counted
                level = await self._prove_level(session, message)
                session.request_verification()
                verification.start(self._runtime, self._kiosk, session, level)
            case _:
                raise _unexpected()

    async def _prove_level(self, session: DeviceSession, message: messages.Finish) -> CaptureLevel:
        """Returns the level of the session's captures.

        Raises:
            StreamProblem: `attestation_invalid`: a device with an attested key did not sign, or its signature does not
                hold. It does not fall back to a lower level: whoever has only the chain's key would leave it out.
        """
        if self._device.token is not None:
            return token_devices.level_of(message)
        level = partial(prove_level, self._runtime.intake, self._kiosk.id, message.attestation)
        try:
            return await anyio.to_thread.run_sync(level, session.attestation_challenge)
        except AttestationRefused:
            raise StreamProblem("attestation_invalid", "The attested key did not sign this session.") from None

    async def _set_options(self, session: DeviceSession, message: messages.SetOptions) -> None:
        session.require_liveness()  # before a permit is used up
        intake, options = self._runtime.intake, options_of(message.options)
        permit = permits.use_of(intake.audit, message.permit, self._device.permit_holder)
        if permit is not None:
            use = purposes.use_permit
            await anyio.to_thread.run_sync(use, self._runtime, self._kiosk, session, permit, options)
        session.set_options(options)

    async def _ask_challenge(self, session: DeviceSession, message: messages.Ready) -> None:
        session.require_liveness()
        ask = purposes.ask_challenge
        challenge = await anyio.to_thread.run_sync(ask, self._runtime, self._kiosk, session)
        session.ask_challenge(challenge, message.camera)
        left = max(0, self._runtime.intake.settings.challenges - 1 - session.challenges_asked)
        await session.report({"type": "challenge", "challenge": challenge.to_json(), "left": left})

    async def _restart_expired(self) -> None:
        session = self._session
        if session is None or not session.capturing:
            return
        stage = session.restart_expired()
        await session.report(replies.error("session_expired", "The pictures' time is over.", fatal=False))
        await session.report(stage)

    # Frames.

    async def _receive_frame(self, message: bytes) -> None:
        arrived = time.monotonic()
        session = self._session
        self._addressed = self._session_id
        if session is None:
            raise StreamProblem("frame_unexpected", "No session was started.")
        before = session.dropped
        outgoing = session.receive_frame(message, arrived)
        self._count_dropped(session.dropped - before)
        for entry in outgoing:
            await session.report(entry)
        if session.remaining_s < 0 and session.capturing:
            session.end()
            await self._count("lapsed")
            raise session_lapsed()
        self._frame_arrived.set()

    async def _examine_frames(self) -> None:
        """Examine one frame at a time, the newest one that waits, whenever the scheduler grants a slot."""
        slot = self._runtime.scheduler.slot(lambda: None if self._session is None else self._session.waiting)
        while True:
            await self._frame_arrived.wait()
            self._frame_arrived = anyio.Event()
            while (session := self._session) is not None and session.waiting is not None:
                try:
                    await self._examine_frame(session, slot)
                except SessionExpired:
                    break  # the next frame that arrives reports it

    async def _examine_frame(self, session: DeviceSession, slot: Slot) -> None:
        waiting: WaitingFrame | None = None
        try:
            async with slot:
                if (waiting := session.next_frame()) is None:
                    return
                found = await anyio.to_thread.run_sync(session.examine, waiting, limiter=self._runtime.limiter)
        except StreamProblem as error:  # kept beyond this block it would keep the connection, and its last message
            session.pictures.discard_examined()
            sequence = None if waiting is None else waiting.frame.sequence
            await self._channel.complain(error, session.id, sequence)
            return
        before = session.dropped
        outgoing = session.apply_guidance(waiting, found)
        self._count_dropped(session.dropped - before)
        for entry in outgoing:
            await session.report(entry)
        if found is not None:
            self._metrics.count_guided_frame(found.hint.value, time.monotonic() - waiting.arrived)

    def _count_dropped(self, frames: int) -> None:
        for _ in range(frames):
            self._metrics.count_unguided_frame("dropped")

    # Lease and counts.

    async def _renew_lease(self) -> None:
        while True:
            await anyio.sleep(LEASE_S / _RENEWALS_PER_LEASE)
            held = True
            with suppress(IdproofError):  # an unreachable database does not revoke a device
                held = await self._renew()
            if not held:
                if self._session is not None:
                    self._session.end()
                raise StreamProblem("device_revoked", "The device was revoked.")

    async def _renew(self) -> bool:
        """Renew the lease and report the stage; returns False once the device was revoked."""
        session = self._session
        state = "idle" if session is None or session.ended else session.stage
        values = {"state": state, "staff_at": self._staff_call.since}
        device = self._device
        await token_devices.end(self._runtime, device.token, session)
        renew = device.leases.renew
        held = await anyio.to_thread.run_sync(renew, device.lease_id, device.connection_id, values)
        if held and self._staff_call.unanswered:
            kiosk = await anyio.to_thread.run_sync(self._runtime.kiosks.find, self._kiosk.id)
            if self._staff_call.answer(kiosk):
                await self._channel.send({"type": "staff_coming"})
        return held

    async def _count(self, *names: str) -> None:
        await self._runtime.count(self._kiosk.id, self._session, *names)


def _unexpected() -> StreamProblem:
    return StreamProblem("message_unexpected", "This message is not taken in this state.")
