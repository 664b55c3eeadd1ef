"""Purposes of a session at a device: a registration, or the step-up of somebody who has a passkey.

Both capture in the same way, into the same vault, with the same chain of frames. They differ in who draws a challenge,
where a permit is used up, and what checks the captures.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import anyio

from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.errors import IdproofError
from idproof.pipeline.liveness.challenge import Challenge, Options
from idproof.service.applicant_messages import on_screen
from idproof.service.cases.states import RegistrationStatus
from idproof.service.cases.store import Registration
from idproof.service.errors import ServiceProblem
from idproof.service.http.uploads import Metadata, Received
from idproof.service.registrations.intake import RegistrationIntake, RegistrationRequest
from idproof.service.step_up.intake import StepUpIntake, StreamedAnswer
from idproof.service.storage.kiosks import Kiosk
from idproof.service.storage.permits import PermitUse
from idproof.service.stream import counter_tickets, guardians
from idproof.service.stream.replies import Message
from idproof.service.stream.runtime import PAGE_DEVICE, StreamRuntime
from idproof.service.stream.session import DeviceSession


def ask_challenge(runtime: StreamRuntime, kiosk: Kiosk, session: DeviceSession) -> Challenge:
    """Draws the session's next challenge, on a thread.

    Raises:
        ServiceProblem: `challenges_used`, or the session or step-up is over.
        StoreUnavailable: none was drawn.
    """
    if session.step_up is None:
        return runtime.intake.ledger.ask_again(kiosk.client, session.id, session.options)
    return require_step_ups(runtime).step_ups.ask_again(kiosk.client, session.id, session.options)


def use_permit(
    runtime: StreamRuntime, kiosk: Kiosk, session: DeviceSession, permit: PermitUse, options: Options
) -> None:
    """Uses a permit of staff up for the session, on a thread.

    Raises:
        ServiceProblem: `permit_invalid` or `permit_exceeded`, or the session or step-up is over.
        StoreUnavailable, AuditBroken: nothing was used.
    """
    if session.step_up is None:
        runtime.intake.ledger.use_permit(kiosk.client, session.id, permit, options)
        return
    step_ups = require_step_ups(runtime).step_ups
    session.grant(step_ups.use_permit(kiosk.client, session.id, permit, options))


async def check(runtime: StreamRuntime, kiosk: Kiosk, session: DeviceSession, level: CaptureLevel) -> Message:
    """Checks the session's captures; returns the message that ends it.

    Raises:
        IdproofError: nothing was decided.
    """
    if session.step_up is None:
        return await _verify(runtime, kiosk, session, level)
    return await _step_up(runtime, kiosk, session, level)


def require_step_ups(runtime: StreamRuntime) -> StepUpIntake:
    """Returns the intake of step-ups; raises `ServiceProblem` `passkeys_off` where there is none."""
    if runtime.step_ups is None:
        raise ServiceProblem("passkeys_off", "This service has no passkeys: IDPROOF_PASSKEY_RP_ID is not set.")
    return runtime.step_ups


async def _verify(runtime: StreamRuntime, kiosk: Kiosk, session: DeviceSession, level: CaptureLevel) -> Message:
    intake, pictures = runtime.intake, session.pictures.vault_session
    document, reference = intake.verifier.document.name, session.parameters.reference
    metadata = Metadata(reference=reference, document=document, liveness=session.liveness_timings())
    received = Received(metadata, None, session.answered_at or datetime.now(UTC))
    attempt_of = await _registration(runtime, kiosk, session)
    registration = RegistrationRequest(kiosk.client, session.id, None, False, attempt_of)
    share = runtime.gate.quota.one_more(kiosk.client)
    answer = await intake.verify_stream(registration, share, pictures, received, session, level)
    # A page's token is for captures alone: its client may lack the scopes of what follows.
    accepted = answer["decision"] == "accept" and session.parameters.token is None
    offers = {
        "passkey": accepted and runtime.passkeys is not None,
        "credential": accepted and intake.issuance is not None,
        "sealed_copies": 0 if intake.reviews is None else intake.reviews.waiting_pictures(answer["id"]),
    }
    offers["guardian"] = accepted and await _may_be_guardian(runtime, kiosk, answer)
    shown = on_screen.verdict(answer, session.language) | offers
    return shown | await _what_next(intake, kiosk, answer, session.language)


async def _may_be_guardian(runtime: StreamRuntime, kiosk: Kiosk, answer: Mapping[str, Any]) -> bool:
    with suppress(IdproofError):  # the verdict is stored, and is shown without the offer
        return await anyio.to_thread.run_sync(guardians.may_join, runtime, kiosk.client, answer)
    return False


async def _what_next(intake: RegistrationIntake, kiosk: Kiosk, answer: Mapping[str, Any], language: str) -> Message:
    """Returns what the screen says of the registration that a verdict moved; nothing where there is none."""
    if answer["registration"] is None:
        return {}
    with suppress(IdproofError):  # the verdict is stored, and is shown without it
        found = await anyio.to_thread.run_sync(intake.cases.find, answer["registration"], None)
        if found is not None:
            shown = {"id": found.id, "status": found.status, "next": found.next.to_json(language)}
            return {"registration": shown | _at_counters(intake, kiosk, found)}
    return {}


def _at_counters(intake: RegistrationIntake, kiosk: Kiosk, found: Registration) -> Message:
    """Returns whether the device may ask for a ticket, and whether an officer at a counter goes on."""
    page = kiosk.id.startswith(PAGE_DEVICE)
    return {
        "ticket": not page and counter_tickets.is_offered(intake, kiosk.client, found),
        "visit": found.status is RegistrationStatus.AT_COUNTER and found.client != kiosk.client,
    }


async def _registration(runtime: StreamRuntime, kiosk: Kiosk, session: DeviceSession) -> str | None:
    """Returns the session's registration; opens one where the session has none and people go on with registrations.

    These are reviewers, officers at the counters that a device's tickets name, and guardians.
    """
    intake, settings = runtime.intake, runtime.intake.settings
    if session.registration is None and (intake.reviews or settings.device_tickets or settings.guardians):
        opened = await anyio.to_thread.run_sync(intake.cases.open, kiosk.client, session.parameters.reference)
        session.open_registration(opened.id)
    return session.registration


async def _step_up(runtime: StreamRuntime, kiosk: Kiosk, session: DeviceSession, level: CaptureLevel) -> Message:
    challenge = session.asked_challenge
    if challenge is None or session.step_up is None:
        raise ServiceProblem("challenge_missing", "No challenge was answered.")
    at, described = session.answered_at or datetime.now(UTC), session.liveness_timings()
    taken = StreamedAnswer(
        session.id,
        kiosk.client,
        challenge,
        described,
        at,
        session.granted,
        bytearray(session.step_up.holder_key),  # of this check: another attempt of the session needs it again
    )
    share, pictures = runtime.gate.quota.one_more(kiosk.client), session.pictures.vault_session
    answer = await require_step_ups(runtime).check_stream(taken, share, pictures, session, level)
    return on_screen.step_up(answer, session.language)
