"""A guardian who joins the session of an applicant of 11 to 17 at the device, with the same proof as over HTTP."""

from collections.abc import Mapping
from typing import Any

import anyio

from idproof.service.cases.guardians import GuardianProof
from idproof.service.registrations.joined_guardians import join_guardian
from idproof.service.stream import messages
from idproof.service.stream.replies import Message
from idproof.service.stream.runtime import StreamRuntime
from idproof.service.stream.session import DeviceSession


async def answer(runtime: StreamRuntime, client: str, session: DeviceSession, message: messages.ForGuardian) -> Message:
    """Returns the text that a guardian consents to, or the report that the guardian joined.

    Args:
        runtime: shared by all streams.
        client: of the device.
        session: of the applicant.
        message: that asks for either.

    Raises:
        ServiceProblem: `guardians_off`, `guardian_consent_missing`, `guardian_refused`, or the session cannot be used.
        StoreUnavailable, AuditBroken: nobody joined.
    """
    intake = runtime.intake
    if isinstance(message, messages.AskConsent):
        text, digest = intake.guardians.consent(session.language)
        return {"type": "guardian_consent", "text": text, "sha256": digest}
    proof = GuardianProof(message.verification, message.nonce, message.consent_sha256)
    joined = await anyio.to_thread.run_sync(join_guardian, intake, client, session.id, proof)
    return {"type": "guardian_joined", "verification": joined["verification"]}


def may_join(runtime: StreamRuntime, client: str, answered: Mapping[str, Any]) -> bool:
    """Returns whether the holder of a verdict may join a child's session as its guardian, on a thread."""
    guardians = runtime.intake.guardians
    return guardians.asked and guardians.is_guardian(answered["id"], client)
