"""Revocation of a registration's credentials, by an operator or over HTTP: each is one line of the audit log."""

from idproof.service.operations.audit import AuditLog
from idproof.service.storage import Database
from idproof.service.storage.credential_offers import withdraw
from idproof.service.storage.credential_status import CredentialStatus


def revoke_credentials(database: Database, audit: AuditLog, verification: str, *, by: str) -> int | None:
    """Revokes every copy of a registration's credentials, and ends its offers, so that no other is issued.

    Returns:
        Number of copies that were in force; None if nothing was issued, offered or waiting.

    Args:
        database: that holds the places in the status lists.
        audit: gets a line.
        verification: id of the verdict, which may have been erased since.
        by: the client that revokes, or `operator`.

    Raises:
        StoreUnavailable, AuditBroken: nothing was revoked.
    """
    status = CredentialStatus(database)
    with database.write() as connection:
        withdrawn = withdraw(connection, verification)  # first: what is being issued is then revoked too
        if not (withdrawn or status.issued(connection, verification)):
            return None
        revoked = status.revoke(connection, verification)
        # Last, so that nothing is revoked without its line.
        audit.append("credential_revoked", id=verification, copies=revoked, by=by)
    if withdrawn:
        database.scrub()
    return revoked
