"""A passkey for the applicant who was just accepted at a device: asked for and made over the same connection.

The passkey is made on the applicant's own telephone or security key.
"""

import anyio

from idproof.service.errors import ServiceProblem
from idproof.service.passkeys.registration import PasskeyRegistrations, Wanted
from idproof.service.stream import messages
from idproof.service.stream.accepted import AcceptedApplicant
from idproof.service.stream.replies import Message


async def bind(
    registrations: PasskeyRegistrations | None,
    client: str,
    applicant: AcceptedApplicant,
    message: messages.ForPasskey,
    origin: str | None,
) -> Message:
    """Returns the options of a ceremony, or says that the passkey is bound.

    Args:
        registrations: of passkeys; None where there are none.
        client: of the device.
        applicant: who was just accepted.
        message: that asks for options, or brings the browser's answer.
        origin: of the device's page, or None.

    Raises:
        ServiceProblem: as `PasskeyRegistrations`.
    """
    if registrations is None:
        raise ServiceProblem("passkeys_off", "This service has no passkeys: IDPROOF_PASSKEY_RP_ID is not set.")
    if isinstance(message, messages.MakePasskey):
        wanted = Wanted(applicant.verdict, applicant.nonce, origin, attachment="cross-platform")
        begun = await anyio.to_thread.run_sync(registrations.begin, client, wanted)
        return {"type": "passkey_options", **begun}
    made = await anyio.to_thread.run_sync(registrations.complete, client, message.id, message.response)
    return {"type": "passkey_bound", "id": made["id"]}
