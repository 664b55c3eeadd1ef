"""Revocation of a signing key that somebody else may have."""

from idproof.service.errors import AuditBroken, KeysUnusable
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import Keys


def revoke_signing_key(settings: Settings, kid: str, *, by: str) -> Keys:
    """Revokes a signing key, current or retired, for every server that shares the keys; returns the keys after it.

    A current key is replaced first. The audit log's head is signed anew, since the key's signature no longer holds.

    Args:
        settings: of the service.
        kid: of the key.
        by: the actor, for the audit log.

    Raises:
        KeysUnusable: there is no such key, or the files cannot be changed.
        AuditBroken: the key was revoked, but the audit log cannot be used.
    """
    keys = Keys.open(settings)
    if kid == keys.signing.kid:
        keys = Keys.rotate(settings)
    elif kid not in [key.kid for key in keys.retired]:
        raise KeysUnusable(f"There is no signing key {kid} to revoke.")
    audit = AuditLog(settings.audit_log, settings.audit_head, keys)
    try:
        if settings.audit_head.exists():
            audit.renew_signature()
    except AuditBroken:
        Keys.revoke(settings, kid)  # a broken log must not keep the key in use
        raise
    revoked = Keys.revoke(settings, kid)
    AuditLog.open(settings, revoked).append("key_revoked", kid=kid, by=by)
    return revoked
