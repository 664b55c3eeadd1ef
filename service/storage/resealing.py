"""Seals the rows of a database with the newest sealing key, while services use it."""

from collections.abc import Callable

from sqlalchemy import Column, Table, select, update

from idproof.service.cases.record_retries import retry_name
from idproof.service.storage.credential_offers import claims_name
from idproof.service.storage.ledger import sealed_name
from idproof.service.storage.schema import (
    CONSENT_RECEIPTS,
    CREDENTIAL_CLAIMS,
    FACE_TEMPLATES,
    OPERATIONS,
    PASSKEYS,
    PRESENTATIONS,
    STEP_UPS,
    VERIFICATIONS,
)
from idproof.service.storage.schema_registrations import RECORD_RETRIES, REGISTRATIONS, REVIEWERS, REVIEWS
from idproof.service.storage.verdicts import VerdictStore

_AT_ONCE = 200
"""Rows of one transaction, for which services wait. Chosen by hand; no outside source."""

_SEALED: tuple[tuple[Table, Callable[[str], str]], ...] = (
    (VERIFICATIONS, str),
    (OPERATIONS, sealed_name),
    (PASSKEYS, str),
    (FACE_TEMPLATES, str),
    (CREDENTIAL_CLAIMS, claims_name),
    (STEP_UPS, str),
    (PRESENTATIONS, str),
    (CONSENT_RECEIPTS, str),
    (REGISTRATIONS, str),
    (RECORD_RETRIES, retry_name),
    (REVIEWERS, str),
    (REVIEWS, str),
)
"""Tables with sealed rows, and the name under which a row is sealed, by its id."""


def reseal_all(store: VerdictStore) -> int:
    """Seals every row with the newest key, until none is left; returns the number of rows that were sealed anew.

    Raises:
        StoreUnavailable: a row does not open, or the database cannot be changed; what was sealed by then stays so.
    """
    total = 0
    while changed := sum(_pass_over(store, table, name_of) for table, name_of in _SEALED):
        total += changed
    store.database.scrub()
    return total


def _pass_over(store: VerdictStore, table: Table, name_of: Callable[[str], str]) -> int:
    row_id: Column[str] = table.c.id
    sealed: Column[bytes] = table.c.sealed
    after, changed = "", 0
    while True:
        wanted = select(row_id, sealed).where(row_id > after, sealed.is_not(None)).order_by(row_id).limit(_AT_ONCE)
        with store.database.write() as connection:
            rows = connection.execute(wanted).all()
            for row in rows:
                fresh = store.seal.resealed(name_of(row.id), row.sealed)
                if fresh is not None:
                    # Not over what a service stored meanwhile.
                    same = (row_id == row.id, sealed == row.sealed)
                    changed += connection.execute(update(table).where(*same).values(sealed=fresh)).rowcount
        if len(rows) < _AT_ONCE:
            return changed
        after = rows[-1].id
