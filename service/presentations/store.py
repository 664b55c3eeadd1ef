"""Stored presentations and consent receipts. Methods that take a connection work within the caller's transaction.

The secrets in addresses, and response codes, are stored as keyed hashes (HMAC-SHA-256) only; what was asked, the keys
of a request and the claims are sealed, and erased when they are needed no more.
"""

import hmac
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from idproof.pipeline.verdict import new_id
from idproof.service.errors import ServiceProblem
from idproof.service.presentations.states import PresentationEvent, PresentationState, transition
from idproof.service.storage.engine import Database
from idproof.service.storage.schema import CONSENT_RECEIPTS, PRESENTATIONS
from idproof.service.storage.seal import Seal

SECRET_BYTES = 32  # 256 bits cannot be guessed
_REMEMBERED_S = 3600.0
"""Seconds for which the state of a presentation is told after its time. Chosen by hand; no outside source."""
_SEALED_STATES = (PresentationState.OPEN, PresentationState.FETCHED, PresentationState.CHECKING, PresentationState.HELD)
"""States in which the sealed part is needed."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """One presentation.

    Attributes:
        id: `prs_` and 26 characters.
        client: that asked.
        state: of the presentation.
        code: why it was refused; None if it was not.
        asked_at: ISO 8601 UTC.
        expires_at: ISO 8601 UTC.
        lapsed: its time is over.
        content: what was asked, and what the state needs; empty afterwards.
        response_code: keyed hash of the code that the holder's browser got; None without one.
    """

    id: str
    client: str
    state: PresentationState
    code: str | None
    asked_at: str
    expires_at: str
    lapsed: bool
    content: Mapping[str, Any] = field(repr=False)
    response_code: bytes | None = field(repr=False)


class PresentationStore:
    """The presentations of a database; every method may raise `StoreUnavailable`.

    Args:
        database: that holds them.
        seal: of the database.
        lifetime_s: seconds for which a request may be answered, and for which claims wait.
    """

    def __init__(self, database: Database, seal: Seal, lifetime_s: float) -> None:
        self.database = database
        self._seal = seal
        self._lifetime_s = lifetime_s
        self._mac = seal.subkey("presentation secrets")

    def open(self, connection: Connection, client: str, asked: Mapping[str, Any]) -> tuple[Presentation, str]:
        """Stores a presentation; returns it with the secret of its request's address."""
        new, secret = "prs_" + new_id().removeprefix("ver_"), new_secret()
        row = {
            "id": new,
            "client": client,
            "state": PresentationState.OPEN,
            "request": self.hashed("request", secret),
            "created_ms": _ms(),
            "expires_ms": _ms(self._lifetime_s),
            "sealed": self._seal.close(new, {"asked": dict(asked)}),
        }
        connection.execute(insert(PRESENTATIONS).values(row))
        stored = connection.execute(select(PRESENTATIONS).where(PRESENTATIONS.c.id == new)).one()
        return self._of(stored), secret

    def of_request(self, connection: Connection, secret: str) -> Presentation | None:
        """Returns the presentation of a request's address, and locks it; None without one in time."""
        return self._in_time(connection, PRESENTATIONS.c.request == self.hashed("request", secret))

    def of_response(self, connection: Connection, secret: str) -> Presentation | None:
        """Returns the presentation of a response's address, and locks it; None without one in time."""
        return self._in_time(connection, PRESENTATIONS.c.response == self.hashed("response", secret))

    def of_client(self, connection: Connection, client: str, presentation: str, *, lock: bool = False) -> Presentation:
        """Returns a presentation of a client; raises `ServiceProblem`: `not_found`."""
        wanted = select(PRESENTATIONS).where(PRESENTATIONS.c.id == presentation, PRESENTATIONS.c.client == client)
        row = connection.execute(wanted.with_for_update() if lock else wanted).first()
        if row is None:
            raise ServiceProblem("not_found", "There is no presentation of this id.")
        return self._of(row)

    def move(self, connection: Connection, presentation: str, event: PresentationEvent, **values: Any) -> bool:
        """Performs a transition; returns False if the presentation is in no state that takes the event.

        Args:
            connection: of the transaction.
            presentation: its id.
            event: that occurs.
            values: columns that change; `content` is sealed. A state that needs no content erases it.
        """
        sources, target = transition(event)
        content = values.pop("content", None)
        if content is not None:
            values["sealed"] = self._seal.close(presentation, dict(content))
        if target not in _SEALED_STATES:
            values |= {"sealed": None, "response_code": None}
        current = (PRESENTATIONS.c.id == presentation, PRESENTATIONS.c.state.in_(sources))
        return connection.execute(update(PRESENTATIONS).where(*current).values(state=target, **values)).rowcount == 1

    def hold_until(self) -> int:
        """Returns the time (`expires_ms`) until which claims wait that came now."""
        return _ms(self._lifetime_s)

    def hashed(self, kind: str, secret: str) -> bytes:
        """Returns the keyed hash under which a secret of a kind is stored."""
        return hmac.digest(self._mac, f"{kind}\0{secret}".encode(), "sha256")

    def clean(self) -> None:
        """Erases what waits beyond its time, and later the presentation."""
        late = PRESENTATIONS.c.expires_ms < _ms()
        with self.database.write() as connection:
            emptied = update(PRESENTATIONS).where(late, PRESENTATIONS.c.sealed.is_not(None))
            rows = connection.execute(emptied.values(sealed=None, response_code=None)).rowcount
            gone = delete(PRESENTATIONS).where(PRESENTATIONS.c.expires_ms < _ms(-_REMEMBERED_S))
            rows += connection.execute(gone).rowcount
        if rows:
            self.database.scrub()

    def _in_time(self, connection: Connection, which: Any) -> Presentation | None:
        wanted = select(PRESENTATIONS).where(which, PRESENTATIONS.c.expires_ms > _ms()).with_for_update()
        row = connection.execute(wanted).first()
        return None if row is None else self._of(row)

    def _of(self, row: Row[Any]) -> Presentation:
        return Presentation(
            id=row.id,
            client=row.client,
            state=PresentationState(row.state),
            code=row.code,
            asked_at=_text(row.created_ms),
            expires_at=_text(row.expires_ms),
            lapsed=row.expires_ms <= _ms(),
            content={} if row.sealed is None else self._seal.open(row.id, row.sealed),
            response_code=row.response_code,
        )


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """A consent receipt.

    Attributes:
        id: `rcp_` and the 26 characters of its presentation.
        client: that asked.
        made_at: ISO 8601 UTC.
        token: the receipt, signed.
    """

    id: str
    client: str
    made_at: str
    token: str


class ReceiptStore:
    """The consent receipts of a database; every method may raise `StoreUnavailable`.

    Args:
        database: that holds them.
        seal: of the database.
    """

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    def add(self, connection: Connection, presentation: Presentation, token: str) -> None:
        """Stores the receipt of a presentation."""
        new = receipt_id(presentation.id)
        row = {"id": new, "client": presentation.client, "made_ms": _ms()}
        row["sealed"] = self._seal.close(new, {"receipt": token})
        connection.execute(insert(CONSENT_RECEIPTS).values(row))

    def find(self, receipt: str, client: str | None = None) -> StoredReceipt | None:
        """Returns a receipt; None if there is none, or none of this client."""
        wanted = select(CONSENT_RECEIPTS).where(CONSENT_RECEIPTS.c.id == receipt)
        if client is not None:
            wanted = wanted.where(CONSENT_RECEIPTS.c.client == client)
        with self._database.read() as connection:
            row = connection.execute(wanted).first()
        return None if row is None else self._of(row)

    def latest(self, count: int) -> Sequence[StoredReceipt]:
        """Returns the newest receipts, newest first."""
        wanted = select(CONSENT_RECEIPTS).order_by(CONSENT_RECEIPTS.c.made_ms.desc(), CONSENT_RECEIPTS.c.id.desc())
        with self._database.read() as connection:
            return [self._of(row) for row in connection.execute(wanted.limit(count))]

    def erase(self, connection: Connection, receipt: str, client: str | None = None) -> bool:
        """Erases a receipt; returns False if there is none, or none of this client."""
        gone = delete(CONSENT_RECEIPTS).where(CONSENT_RECEIPTS.c.id == receipt)
        if client is not None:
            gone = gone.where(CONSENT_RECEIPTS.c.client == client)
        return connection.execute(gone).rowcount == 1

    def expire(self, days: float) -> int:
        """Erases receipts that are older; returns their number."""
        with self._database.write() as connection:
            old = delete(CONSENT_RECEIPTS).where(CONSENT_RECEIPTS.c.made_ms < _ms(-days * 86_400))
            count = connection.execute(old).rowcount
        if count:
            self._database.scrub()
        return count

    def _of(self, row: Row[Any]) -> StoredReceipt:
        token = self._seal.open(row.id, row.sealed)["receipt"]
        return StoredReceipt(row.id, row.client, _text(row.made_ms), token)


def receipt_id(presentation: str) -> str:
    """Returns the id of a presentation's receipt.

    Example:
        >>> receipt_id("prs_06F8Z3Q0V5M8K2T9R4C7W1X6YB")
        'rcp_06F8Z3Q0V5M8K2T9R4C7W1X6YB'
    """
    return "rcp_" + presentation.removeprefix("prs_")


def new_secret() -> str:
    """Returns a secret that nobody can guess."""
    return secrets.token_urlsafe(SECRET_BYTES)


def _text(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")


def _ms(later_s: float = 0.0) -> int:
    return int((time.time() + later_s) * 1000)
