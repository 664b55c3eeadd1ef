"""Freshness of a registration's captures: its check, and the account of captures that were used."""

from dataclasses import dataclass

from idproof.pipeline import VaultSession, captures_fresh
from idproof.pipeline.types import CheckResult
from idproof.service.errors import StoreUnavailable, log_error
from idproof.service.http.fingerprint import PartFingerprint
from idproof.service.storage import Ledger, Ticket


@dataclass(frozen=True, slots=True)
class CaptureUse:
    """The use of captures by one registration.

    Attributes:
        checks: the check `captures_fresh`; none where no account of used captures is kept.
        contents: keyed hashes of all its captures and frames. The verdict holds them, whoever recorded them first.
    """

    checks: tuple[CheckResult, ...] = ()
    contents: tuple[bytes, ...] = ()


def use_captures(ledger: Ledger, ticket: Ticket, pictures: VaultSession) -> CaptureUse:
    """Records a registration's captures as used, before anything is decided; on a thread.

    If the database does not answer, the check could not be assessed, which never accepts.

    Raises:
        ServiceProblem: the verification was begun anew elsewhere.
        SessionExpired: the pictures are overwritten.
    """
    if not ledger.used_captures.kept:
        return CaptureUse()
    contents = keyed_hashes(pictures, ledger.used_captures.content_key)
    try:
        used_before: int | None = ledger.use_captures(ticket, contents)
    except StoreUnavailable as error:
        log_error(error)
        used_before = None
    check = captures_fresh.check(used_before, len(contents))
    return CaptureUse((check,), tuple(contents))


def keyed_hashes(pictures: VaultSession, key: bytes) -> list[bytes]:
    """Returns HMAC-SHA-256 of each capture and frame; nothing of a picture stays in the hash's memory."""
    found = []
    for name in pictures.upload_names:
        part = PartFingerprint(key, "")  # without the name: bytes of a frame must not answer as a selfie either
        with pictures.upload(name) as data:
            try:
                part.update(data)
            finally:
                part.finish()
        found.append(part.digest())
    return found
