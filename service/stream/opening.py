"""Opening of a new session, and resumption of a suspended one."""

from functools import partial
from typing import cast

import anyio
from pydantic import BaseModel

from idproof.pipeline.liveness.challenge import Options
from idproof.service.errors import StreamProblem
from idproof.service.registrations import permits
from idproof.service.storage.permits import device_holder
from idproof.service.stream import messages
from idproof.service.stream.handshake import AuthenticatedDevice
from idproof.service.stream.parameters import SessionParameters
from idproof.service.stream.runtime import StreamRuntime
from idproof.service.stream.session import DeviceSession


async def start_session(runtime: StreamRuntime, device: AuthenticatedDevice, message: messages.Start) -> DeviceSession:
    """Open a session for the next applicant; one that was suspended at this device ends.

    Raises:
        StreamProblem: `consent_missing`.
        ServiceProblem: `device_locked`, `too_many_sessions`, `permit_invalid` or `permit_exceeded`.
        ModelError, DocumentTypeInvalid, StoreUnavailable: no session can be opened.
    """
    if not message.consent:
        raise StreamProblem("consent_missing", "No session begins without the applicant's consent.")
    kiosk, intake = device.kiosk, runtime.intake
    earlier = runtime.suspended.take(kiosk.id)
    if earlier is not None:
        earlier.abandon()
        await runtime.end_stored(earlier)
    options = options_of(message.options)
    permit = permits.use_of(intake.audit, message.permit, device_holder(kiosk.id))
    opening = partial(intake.ledger.sessions.open, planned=True, enrolled=True)
    opened = await anyio.to_thread.run_sync(opening, kiosk.client, options, kiosk.id, permit)
    parameters = SessionParameters(
        opened=opened,
        secret=device.secret,
        guide=await runtime.guide(),
        vault=intake.verifier.vault,
        lifetime_s=intake.settings.stream_s,
        policy=intake.verifier.policy,
        reference=message.reference,
    )
    return DeviceSession(parameters, options, message.language)


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


def options_of(message: object) -> Options:
    """Returns the options that a message states."""
    return Options(**cast("BaseModel", message).model_dump())


def session_lapsed() -> StreamProblem:
    """Returns the problem of a session whose time is over."""
    return StreamProblem("session_lapsed", "The session's time is over; start another one.")
