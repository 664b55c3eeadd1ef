"""Opening of a new session, and resumption of a suspended one."""

import secrets
from dataclasses import replace
from functools import partial
from typing import cast

import anyio
from pydantic import BaseModel

from idproof.pipeline.liveness.challenge import Options
from idproof.service.errors import StreamProblem
from idproof.service.registrations import permits
from idproof.service.storage import CaptureSession
from idproof.service.storage.capture_tokens import CaptureToken
from idproof.service.stream import messages, token_devices
from idproof.service.stream.devices import AuthenticatedDevice
from idproof.service.stream.parameters import CardLightUse, SessionParameters, StepUpText
from idproof.service.stream.purposes import require_step_ups, use_permit
from idproof.service.stream.runtime import StreamRuntime
from idproof.service.stream.session import DeviceSession


async def read_anew(runtime: StreamRuntime, device: AuthenticatedDevice) -> AuthenticatedDevice:
    """Returns a device as it is in the database now: its client may have been merged since it connected."""
    if device.token is not None:
        return await token_devices.read_anew(runtime, device, device.token)
    kiosk = await anyio.to_thread.run_sync(runtime.kiosks.find, device.kiosk.id)
    return device if kiosk is None else replace(device, kiosk=kiosk)  # a revoked one is cut off by its lease


async def start_session(runtime: StreamRuntime, device: AuthenticatedDevice, message: messages.Start) -> DeviceSession:
    """Open a session for the next applicant; one that was suspended at this device ends.

    Raises:
        StreamProblem: `consent_missing`.
        ServiceProblem: `device_locked`, `too_many_sessions`, `permit_invalid`, `permit_exceeded`,
            `registration_unknown` or `registration_closed`; of a step-up `passkeys_off`, `step_up_lapsed` or
            `request_in_progress`.
        ModelError, DocumentTypeInvalid, StoreUnavailable: no session can be opened.
    """
    if not message.consent:
        raise StreamProblem("consent_missing", "No session begins without the applicant's consent.")
    if device.token is not None:
        return await _start_of_page(runtime, device, device.token, message)
    return await _start(runtime, device, message)


async def _start_of_page(
    runtime: StreamRuntime, device: AuthenticatedDevice, token: CaptureToken, message: messages.Start
) -> DeviceSession:
    """Opens the one session of a page's token; if that fails, the token may still be used."""
    message = await token_devices.begin(runtime, token, message)
    session = None
    try:
        session = await _start(runtime, device, message)
        await anyio.to_thread.run_sync(runtime.tokens.note_session, token.id, session.id)
    except BaseException:
        with anyio.CancelScope(shield=True):
            if session is not None:
                session.end()
                await runtime.end_stored(session)
            await anyio.to_thread.run_sync(runtime.tokens.undo_begin, token.id)
        raise
    return session


async def _start(runtime: StreamRuntime, device: AuthenticatedDevice, message: messages.Start) -> DeviceSession:
    kiosk, intake = device.kiosk, runtime.intake
    earlier = runtime.suspended.take(kiosk.id)
    if earlier is not None:
        earlier.abandon()
        await runtime.end_stored(earlier)
    if message.step_up is not None:
        return await _start_step_up(runtime, device, message, message.step_up)
    options = options_of(message.options)
    permit = permits.use_of(intake.audit, message.permit, device.permit_holder)
    named = message.registration
    opening = partial(intake.ledger.sessions.open, planned=True, enrolled=True, registration=named)
    # A page is no device that could be locked: each token is another one. It counts for its client.
    counted = kiosk.id if device.token is None else None
    opened = await anyio.to_thread.run_sync(opening, kiosk.client, options, counted, permit)
    parameters = SessionParameters(
        opened=opened,
        secret=device.secret,
        guide=await runtime.guide(),
        vault=intake.verifier.vault,
        lifetime_s=intake.settings.stream_s,
        policy=intake.verifier.policy,
        reference=message.reference,
        token=device.token,
        card_light=_use_of_light(required=intake.settings.card_light_required, options=options),
    )
    return DeviceSession(parameters, options, message.language)


async def _start_step_up(
    runtime: StreamRuntime, device: AuthenticatedDevice, message: messages.Start, step_up_id: str
) -> DeviceSession:
    """Open a session for the step-up of somebody who has a passkey, which the device's own client must have opened."""
    kiosk, intake, step_ups = device.kiosk, runtime.intake, require_step_ups(runtime).step_ups
    await anyio.to_thread.run_sync(intake.ledger.sessions.require_unlocked, kiosk.client, kiosk.id)
    found = await anyio.to_thread.run_sync(step_ups.store.find, step_up_id, kiosk.client)
    options = options_of(message.options).joined(found.challenge.options)
    # The session's own nonce: the nonce of a challenge is known to the client that opened the step-up.
    opened = CaptureSession(found.id, messages.base64(secrets.token_bytes(32)), found.challenge, found.expires_at)
    parameters = SessionParameters(
        opened=opened,
        secret=device.secret,
        guide=await runtime.guide(),
        vault=intake.verifier.vault,
        lifetime_s=intake.settings.stream_s,
        policy=intake.verifier.policy,
        step_up=StepUpText(found.text, bytearray(messages.unbase64(message.holder_key or ""))),
    )
    session = DeviceSession(parameters, options, message.language)
    permit = permits.use_of(intake.audit, message.permit, device.permit_holder)
    if permit is not None:
        try:
            await anyio.to_thread.run_sync(use_permit, runtime, kiosk, session, permit, options)
        except BaseException:
            session.end()
            raise
    return session


def resume_session(runtime: StreamRuntime, device: AuthenticatedDevice, message: messages.Resume) -> DeviceSession:
    """Resume the session that is suspended at this device.

    Raises:
        StreamProblem: `session_unknown` or `session_lapsed`.
    """
    session = take_suspended(runtime, device, message.session)
    if session.remaining_s < 0 and not session.verifying:
        session.end()
        raise session_lapsed()
    session.resume()
    return session


def take_suspended(runtime: StreamRuntime, device: AuthenticatedDevice, session_id: str) -> DeviceSession:
    """Returns the session of this id, which waits for this device no more; raises `StreamProblem` `session_unknown`."""
    suspended, kiosk = runtime.suspended, device.kiosk
    session = suspended.take(kiosk.id)
    if session is None or session.id != session_id:
        if session is not None:
            suspended.add(kiosk.id, session)
        raise StreamProblem("session_unknown", "No such session waits here; start another one.")
    return session


def _use_of_light(*, required: bool, options: Options) -> CardLightUse:
    if not required:
        return CardLightUse.OFF
    return CardLightUse.NOT_SHOWN if options.photosensitive else CardLightUse.REQUIRED


def options_of(message: object) -> Options:
    """Returns the options that a message states."""
    return Options(**cast("BaseModel", message).model_dump())


def session_lapsed() -> StreamProblem:
    """Returns the problem of a session whose time is over."""
    return StreamProblem("session_lapsed", "The session's time is over; start another one.")
