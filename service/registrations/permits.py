"""Grants of reduced challenges by staff, and their use: each is one line of the audit log.

An applicant who cannot turn the head or bear changing light, or can neither close the eyes nor open the mouth, is
asked for less, and an attacker would tick those boxes. So the page may ask for less, but only staff can make the
result count: without a permit the verdict is `refer`.
"""

from collections.abc import Sequence
from functools import partial

from idproof.pipeline.liveness import requirements
from idproof.pipeline.liveness.challenge import Options
from idproof.service.errors import ServiceProblem
from idproof.service.operations.audit import AuditLog
from idproof.service.storage.permits import Permit, Permits, PermitUse


def grant(
    permits: Permits, audit: AuditLog, holder: str, options: Sequence[str], *, by: str, lifetime_s: float
) -> tuple[str, Permit]:
    """Grants options to whoever stands at a device or is registered by a client; returns the code and the permit.

    Args:
        permits: stores it.
        audit: gets a line. It does not name the options: they say something about a person's health.
        holder: the device or client that may use it.
        options: names from `GRANTABLE`.
        by: the client that grants it, or `operator`.
        lifetime_s: seconds until it expires.

    Raises:
        ServiceProblem: `permit_too_weak`: with these options no answer could be accepted.
        AuditBroken, StoreUnavailable: there is no permit.
    """
    names = sorted(set(options))
    if not requirements.can_pass(Options(**dict.fromkeys(names, True))):
        raise ServiceProblem(
            "permit_too_weak", "These options together leave too little to check: register this applicant at a counter."
        )

    def record(permit: Permit) -> None:
        audit.append("permit_granted", permit=permit.id, holder=holder, by=by, expires_at=permit.expires_at)

    return permits.grant(holder, names, lifetime_s, record)


def use_of(audit: AuditLog, code: str | None, holder: str) -> PermitUse | None:
    """Returns the use of a code by a device or client, which writes a line into the audit log; None without a code."""
    return None if code is None else PermitUse(code, holder, partial(_record_use, audit))


def _record_use(audit: AuditLog, permit: Permit, session_id: str) -> None:
    audit.append("permit_used", permit=permit.id, holder=permit.holder, session=session_id)
