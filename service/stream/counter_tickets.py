"""Tickets for a counter, for the applicant whose verdict a device has just shown."""

import time

import anyio

from idproof.service.cases.states import CAPTURING, RegistrationStatus
from idproof.service.cases.store import Registration
from idproof.service.credentials import qr
from idproof.service.errors import StreamProblem
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.stream.accepted import OFFER_S
from idproof.service.stream.replies import Message
from idproof.service.stream.session import DeviceSession

_ISSUING = CAPTURING | {RegistrationStatus.AT_COUNTER}


def is_offered(intake: RegistrationIntake, client: str, registration: Registration) -> bool:
    """Returns whether a device shows tickets of a registration: where the operator says so, and only of its client's.

    A registration that is open at a counter belongs to the client that sent its applicant there.
    """
    return intake.settings.device_tickets and registration.client == client and registration.status in _ISSUING


async def issue(
    intake: RegistrationIntake, client: str, session: DeviceSession | None, addressed: str | None
) -> Message:
    """Issues a ticket for the registration of the device's last verdict; an earlier one is void.

    Args:
        intake: of the service.
        client: of the device.
        session: the one that the device had last.
        addressed: id of the session that the message names, or None.

    Raises:
        StreamProblem: `message_unexpected`: tickets are off, or no verdict of a registration was given here within
            `OFFER_S` seconds.
        ServiceProblem: `registration_unknown` or `registration_closed`.
        StoreUnavailable, AuditBroken: none was issued.
    """
    verdict = None if session is None else session.verdict
    late = verdict is None or time.monotonic() - verdict.at > OFFER_S
    other = session is None or session.registration is None or addressed not in (None, session.id)
    if not intake.settings.device_tickets or late or other:
        raise StreamProblem("message_unexpected", "This message is not taken in this state.")
    assert session is not None and session.registration is not None  # noqa: S101, PT018 - asked above
    issued = await anyio.to_thread.run_sync(intake.counter.issue, session.registration, client)
    intake.delivery_worker.wake()
    shown = {"code": issued.code, "qr": qr.modules(issued.code), "expires_at": issued.expires_at}
    return {"type": "counter_ticket", **shown, "session": session.id}
