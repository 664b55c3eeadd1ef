"""Guardians who join an open capture session, over HTTP or at a streaming device."""

from collections.abc import Mapping

from sqlalchemy import Connection

from idproof.service.cases.guardians import GuardianProof
from idproof.service.registrations.intake import RegistrationIntake


def join_guardian(intake: RegistrationIntake, client: str, session_id: str, proof: GuardianProof) -> Mapping[str, str]:
    """Lets a guardian join a session, in place of an earlier one; returns what the verdict will say of the guardian.

    Args:
        intake: of the service.
        client: that owns the session, and the guardian's registration.
        session_id: of the applicant's session.
        proof: of the guardian.

    Raises:
        ServiceProblem: `guardians_off`, `guardian_consent_missing`, `guardian_refused`, or the session cannot be used.
        StoreUnavailable, AuditBroken: nobody joined.
    """

    def find(connection: Connection) -> dict[str, str]:
        found = intake.guardians.find(connection, client, proof)
        intake.audit.append("guardian_joined", session=session_id, guardian=proof.verification, by=client)
        return found

    return intake.ledger.join_guardian(client, session_id, find)
