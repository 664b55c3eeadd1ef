"""Places of credentials in status lists (draft-ietf-oauth-status-list), and their revocation.

Each copy of a credential has a place of its own, drawn at random, and no place is given twice. Half of a list stays
free: which places belong to a credential cannot be told from outside.
"""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from idproof.service.storage.engine import Database
from idproof.service.storage.schema import CREDENTIAL_STATUS

CAPACITY = 2**17
"""Places of a list: 16 KiB, and a few hundred bytes compressed. Chosen by hand after the draft's section 13.3: whoever
sees which list a verifier fetches learns of one among 65,000 credentials."""
_USED = CAPACITY // 2


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a status list: the list's number, and the index."""

    list: int
    index: int


class CredentialStatus:
    """Gives places, revokes, and tells what is revoked; one instance per server process.

    Args:
        database: that holds the places.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, connection: Connection, verification: str, count: int, expires: datetime) -> list[Place]:
        """Takes places for copies of a credential, within a transaction.

        Args:
            connection: of the transaction.
            verification: id of the verdict.
            count: of copies.
            expires: end of the credential's validity.
        """
        number = self._list(connection, count)
        indexes: set[int] = set()
        while len(indexes) < count:
            drawn = {secrets.randbelow(CAPACITY) for _ in range(count - len(indexes))}
            mine = (CREDENTIAL_STATUS.c.list == number, CREDENTIAL_STATUS.c.place.in_(drawn))
            indexes |= drawn - set(connection.execute(select(CREDENTIAL_STATUS.c.place).where(*mine)).scalars())
        # Not in the order of the index: the order of the copies says nothing.
        places = [Place(number, index) for index in secrets.SystemRandom().sample(sorted(indexes), count)]
        about = {"verification": verification, "expires_ms": int(expires.timestamp() * 1000)}
        rows = [{"list": place.list, "place": place.index, "revoked_at": None} | about for place in places]
        connection.execute(insert(CREDENTIAL_STATUS), rows)
        return places

    def revoke(self, connection: Connection, verification: str) -> int:
        """Revokes every copy of a registration's credentials, within a transaction; returns how many were in force."""
        mine = (CREDENTIAL_STATUS.c.verification == verification, CREDENTIAL_STATUS.c.revoked_at.is_(None))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return int(connection.execute(update(CREDENTIAL_STATUS).where(*mine).values(revoked_at=now)).rowcount)

    def issued(self, connection: Connection, verification: str) -> int:
        """Returns the number of copies of a registration's credentials that have not expired."""
        mine = CREDENTIAL_STATUS.c.verification == verification
        return int(connection.scalar(select(func.count()).select_from(CREDENTIAL_STATUS).where(mine)) or 0)

    def revoked(self, number: int) -> Sequence[int] | None:
        """Returns the revoked places of a list, or None if there is no such list; raises `StoreUnavailable`."""
        with self._database.read() as connection:
            mine = CREDENTIAL_STATUS.c.list == number
            if connection.execute(select(CREDENTIAL_STATUS.c.place).where(mine).limit(1)).first() is None:
                return None
            revoked = select(CREDENTIAL_STATUS.c.place).where(mine, CREDENTIAL_STATUS.c.revoked_at.is_not(None))
            return connection.execute(revoked).scalars().all()

    def clean(self) -> None:
        """Forgets whose credentials have expired; their places stay taken until the whole list has expired."""
        now = int(time.time() * 1000)
        with self._database.write() as connection:
            ended = (CREDENTIAL_STATUS.c.expires_ms < now, CREDENTIAL_STATUS.c.verification.is_not(None))
            connection.execute(update(CREDENTIAL_STATUS).where(*ended).values(verification=None))
            last, ends = func.max(CREDENTIAL_STATUS.c.list), func.max(CREDENTIAL_STATUS.c.expires_ms)
            newest = connection.scalar(select(last))
            over = select(CREDENTIAL_STATUS.c.list).group_by(CREDENTIAL_STATUS.c.list).having(ends < now)
            lists = [number for number in connection.execute(over).scalars() if number != newest]
            if lists:
                connection.execute(delete(CREDENTIAL_STATUS).where(CREDENTIAL_STATUS.c.list.in_(lists)))

    @staticmethod
    def _list(connection: Connection, count: int) -> int:
        number = int(connection.scalar(select(func.max(CREDENTIAL_STATUS.c.list))) or 1)
        used = select(func.count()).select_from(CREDENTIAL_STATUS).where(CREDENTIAL_STATUS.c.list == number)
        return number if int(connection.scalar(used) or 0) + count <= _USED else number + 1
