"""Capture tokens: each lets one page of one origin capture for one session, once and for a short time.

A token's secret is derived from the sealing key and the token's id and is not stored: a copy of the database opens no
stream. Its first use binds it: from then on the connection needs a second key, which follows from the secret and the
random values of that first handshake. So whoever sees the token afterwards can do nothing with it. A hand-off is a
token whose `parent` is another page's token; of the two, one captures.
"""

import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from idproof.service.errors import ServiceProblem
from idproof.service.storage.engine import Database
from idproof.service.storage.kiosks import LEASE_S
from idproof.service.storage.schema_devices import CAPTURE_TOKENS
from idproof.service.storage.seal import Seal

PREFIX = "idpc_"
HAND_OFF_S = 300.0
"""Seconds within which a hand-off's link must be opened. Chosen by hand: a telephone may have to be fetched."""
_MOST_HAND_OFFS = 5
"""Links that one page may ask for. Chosen by hand; no outside source."""
_KEPT_S = 86_400.0
"""Seconds for which a client may read what became of a token. Chosen by hand; no outside source."""
_ID_BYTES = 8


class TokenState(StrEnum):
    """States of a capture token.

    Attributes:
        ISSUED: nobody has used it.
        BOUND: a page has connected with it.
        HANDED_OFF: a telephone that the page confirmed captures in its place.
        STARTED: its session has begun.
        DONE: its session has a verdict.
        ENDED: its session ended without one.
        REVOKED: its client or the other page of a hand-off ended it.
    """

    ISSUED = "issued"
    BOUND = "bound"
    HANDED_OFF = "handed_off"
    STARTED = "started"
    DONE = "done"
    ENDED = "ended"
    REVOKED = "revoked"


TRANSITIONS: Mapping[TokenState, frozenset[TokenState]] = {
    TokenState.ISSUED: frozenset({TokenState.BOUND, TokenState.REVOKED}),
    TokenState.BOUND: frozenset({TokenState.STARTED, TokenState.HANDED_OFF, TokenState.REVOKED}),
    TokenState.HANDED_OFF: frozenset({TokenState.BOUND, TokenState.ENDED, TokenState.REVOKED}),
    TokenState.STARTED: frozenset({TokenState.BOUND, TokenState.DONE, TokenState.ENDED, TokenState.REVOKED}),
    TokenState.DONE: frozenset(),
    TokenState.ENDED: frozenset(),
    TokenState.REVOKED: frozenset(),
}
"""States that may follow each state. A session that could not be opened leaves its token `BOUND`."""
LIVE = tuple(state.value for state, following in TRANSITIONS.items() if following)
CONNECTING = (TokenState.BOUND.value, TokenState.HANDED_OFF.value, TokenState.STARTED.value)


@dataclass(frozen=True, slots=True)
class CaptureToken:
    """A capture token without its secret.

    Attributes:
        id: 16 hexadecimal digits.
        client: the owner of its session and verdict.
        origin: of the page that may use it.
        state: of the token.
        parent: id of the token of the page that handed its session off, or None.
        registration: id of the registration whose attempt its session is, or None.
        reference: of the client, or None.
        confirmed: the page that handed off has confirmed this telephone.
        stage: of its session, as the last connection reported it.
        session: id of its capture session, or None.
        verification: id of its verdict, or None.
        expires_ms: time until which it must be used first, milliseconds since 1970.
        binding: digest of the handshake that used it first, or None.
    """

    id: str
    client: str
    origin: str
    state: TokenState
    parent: str | None
    registration: str | None
    reference: str | None
    confirmed: bool
    stage: str
    session: str | None
    verification: str | None
    expires_ms: int
    binding: bytes | None = field(default=None, repr=False)

    @property
    def expires_at(self) -> str:
        """Time until which it must be used first, ISO 8601 UTC, rounded down to seconds."""
        return datetime.fromtimestamp(self.expires_ms / 1000, UTC).isoformat(timespec="seconds")

    @property
    def lapsed(self) -> bool:
        """True for a token that was not used in its time."""
        return self.state is TokenState.ISSUED and self.expires_ms <= _ms()


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """Purpose of a token.

    Attributes:
        client: its owner.
        origin: of the page that may use it.
        lifetime_s: seconds until its first use.
        registration: id of the registration whose attempt its session is, or None.
        reference: of the client, or None.
    """

    client: str
    origin: str
    lifetime_s: float
    registration: str | None = None
    reference: str | None = None


class CaptureTokens:
    """The capture tokens of a database; every method may raise `StoreUnavailable`.

    Args:
        database: that holds them.
        seal: derives their secrets.
        most: tokens of one client that wait for their first use.
    """

    def __init__(self, database: Database, seal: Seal, most: int) -> None:
        self._database = database
        self._keys = seal.subkey("capture token")
        self._digits = seal.subkey("capture hand-off digits")
        self._most = most

    def issue(self, wanted: TokenRequest, record: Callable[[str], None]) -> tuple[str, CaptureToken]:
        """Makes a token; returns it, which cannot be read again, and what it is for.

        Args:
            wanted: what it is for.
            record: called with its id within the transaction; if it raises, there is no token.

        Raises:
            ServiceProblem: `too_many_sessions`: too many of this client wait for their first use.
        """
        with self._database.write() as connection:
            mine = (CAPTURE_TOKENS.c.client == wanted.client, CAPTURE_TOKENS.c.state == TokenState.ISSUED)
            waiting = select(func.count(), func.min(CAPTURE_TOKENS.c.expires_ms)).where(
                *mine, CAPTURE_TOKENS.c.expires_ms > _ms(), CAPTURE_TOKENS.c.parent.is_(None)
            )
            count, first = connection.execute(waiting).one()
            if count >= self._most:
                wait = max(1, (first - _ms()) // 1000 + 1)
                raise ServiceProblem(
                    "too_many_sessions", "Too many capture tokens wait for their use.", retry_after=wait
                )
            token = self._insert(connection, wanted)
            record(token.id)
        return self._written(token.id), token

    def hand_off(self, parent: str, origin: str, record: Callable[[str, str], None]) -> tuple[str, CaptureToken] | None:
        """Makes the token of a hand-off, in place of an earlier one; returns None if the page may not hand off now.

        Args:
            parent: id of the page's token, whose session has not begun.
            origin: of the page that the link leads to.
            record: called with the ids of both within the transaction.
        """
        with self._database.write() as connection:
            row = connection.execute(_locked(parent)).first()
            if row is None or row.state not in (TokenState.BOUND, TokenState.HANDED_OFF) or row.parent is not None:
                return None
            children = select(func.count()).where(CAPTURE_TOKENS.c.parent == parent)
            if (connection.scalar(children) or 0) >= _MOST_HAND_OFFS or not self._withdraw(connection, parent):
                return None
            wanted = TokenRequest(row.client, origin, HAND_OFF_S, row.registration, row.reference)
            token = self._insert(connection, wanted, parent)
            record(parent, token.id)
        return self._written(token.id), token

    def confirm(self, parent: str, child: str) -> bool:
        """Lets the telephone that opened the link capture in place of the page; returns False if it cannot."""
        mine = (CAPTURE_TOKENS.c.id == child, CAPTURE_TOKENS.c.parent == parent, CAPTURE_TOKENS.c.confirmed == 0)
        with self._database.write() as connection:
            page = connection.execute(_locked(parent)).first()
            if page is None or page.state != TokenState.BOUND:
                return False
            bound = update(CAPTURE_TOKENS).where(*mine, CAPTURE_TOKENS.c.state == TokenState.BOUND)
            if connection.execute(bound.values(confirmed=1)).rowcount != 1:
                return False
            return _move(connection, parent, TokenState.BOUND, TokenState.HANDED_OFF)

    def take_back(self, parent: str) -> bool:
        """Ends the hand-off of a page: its telephone is cut off. Returns False if a session has begun there."""
        with self._database.write() as connection:
            connection.execute(_locked(parent))  # in the order of the other methods, so that none waits for another
            return self._withdraw(connection, parent)

    def child(self, parent: str) -> CaptureToken | None:
        """Returns the newest hand-off of a page, or None."""
        with self._database.read() as connection:
            return _child(connection, parent)

    def secret(self, token: str) -> bytes:
        """Returns the 32 bytes of a token's secret, also for an unknown token."""
        return hmac.digest(self._keys, token.encode(), "sha256")

    def digits(self, token: str, binding: bytes) -> str:
        """Returns the four digits of the telephone that opened a hand-off's link.

        Their key is not the link's secret: a stranger who knows that could choose random values until the digits are
        those of another telephone.
        """
        number = int.from_bytes(hmac.digest(self._digits, token.encode() + binding, "sha256")[:4], "big") % 10_000
        return f"{number:04}"

    def find(self, token: str) -> CaptureToken | None:
        """Returns the token of an id, or None."""
        with self._database.read() as connection:
            row = connection.execute(select(CAPTURE_TOKENS).where(CAPTURE_TOKENS.c.id == token)).first()
        return None if row is None else _token(row)

    def bind(self, token: str, binding: bytes, record: Callable[[CaptureToken], None]) -> bytes | None:
        """Returns the binding of a token's first use: this one if it was not used before and its time is not over.

        Args:
            token: its id.
            binding: of this handshake.
            record: called within the transaction that binds it.
        """
        mine = (CAPTURE_TOKENS.c.id == token, CAPTURE_TOKENS.c.state == TokenState.ISSUED)
        values = {"state": TokenState.BOUND.value, "binding": binding}
        with self._database.write() as connection:
            fresh = update(CAPTURE_TOKENS).where(*mine, CAPTURE_TOKENS.c.expires_ms > _ms()).values(values)
            first = connection.execute(fresh).rowcount == 1
            row = connection.execute(select(CAPTURE_TOKENS).where(CAPTURE_TOKENS.c.id == token)).first()
            if first and row is not None:
                record(_token(row))
        if row is None or row.state not in CONNECTING:
            return None
        return bytes(row.binding)

    def begin(self, token: str) -> bool:
        """Takes the one session of a token; returns False if it is taken, or waits for the page that handed it off."""
        allowed = or_(CAPTURE_TOKENS.c.parent.is_(None), CAPTURE_TOKENS.c.confirmed == 1)
        with self._database.write() as connection:
            return _move(connection, token, TokenState.BOUND, TokenState.STARTED, allowed)

    def undo_begin(self, token: str) -> None:
        """Gives the session back: it could not be opened."""
        with self._database.write() as connection:
            _move(connection, token, TokenState.STARTED, TokenState.BOUND)

    def note_session(self, token: str, session: str) -> None:
        """Notes the id of a token's capture session."""
        with self._database.write() as connection:
            connection.execute(update(CAPTURE_TOKENS).where(CAPTURE_TOKENS.c.id == token).values(session=session))

    def end(self, token: str, verification: str | None = None) -> None:
        """Ends a token with its session: with a verdict, or without one."""
        state = TokenState.ENDED if verification is None else TokenState.DONE
        with self._database.write() as connection:
            if _move(connection, token, TokenState.STARTED, state):
                noted = update(CAPTURE_TOKENS).where(CAPTURE_TOKENS.c.id == token)
                connection.execute(noted.values(verification=verification))

    def revoke(self, token: str, client: str, record: Callable[[], None]) -> bool:
        """Revokes a client's token and its hand-off; returns False if there is none that lives.

        Args:
            token: its id.
            client: its owner.
            record: called within the transaction; if it raises, the token stays.
        """
        mine = (CAPTURE_TOKENS.c.client == client, CAPTURE_TOKENS.c.state.in_(LIVE))
        page = and_(CAPTURE_TOKENS.c.id == token, CAPTURE_TOKENS.c.parent.is_(None))
        family = or_(page, CAPTURE_TOKENS.c.parent == token)
        with self._database.write() as connection:
            connection.execute(_locked(token))  # a hand-off that is being made is seen by the statement that follows
            revoked = update(CAPTURE_TOKENS).where(family, *mine).values(state=TokenState.REVOKED.value)
            if connection.execute(revoked).rowcount == 0:
                return False
            record()
        return True

    def connect(self, token: str, connection_id: str) -> bool:
        """Takes the one connection that a token may have; returns False while another is alive."""
        free = or_(
            CAPTURE_TOKENS.c.connection.is_(None),
            CAPTURE_TOKENS.c.lease_ms < _ms(),
            CAPTURE_TOKENS.c.connection == connection_id,
        )
        values = {"connection": connection_id, "lease_ms": _ms(LEASE_S)}
        return self._change(token, values, free)

    def renew(self, token: str, connection_id: str, values: Mapping[str, Any]) -> bool:
        """Renews the connection's lease; returns False if the token was revoked or has another connection."""
        renewed = {"lease_ms": _ms(LEASE_S), "stage": values["state"]}
        return self._change(token, renewed, CAPTURE_TOKENS.c.connection == connection_id)

    def disconnect(self, token: str, connection_id: str) -> None:
        """Ends the connection's lease."""
        mine = (CAPTURE_TOKENS.c.id == token, CAPTURE_TOKENS.c.connection == connection_id)
        with self._database.write() as connection:
            free = {"connection": None, "lease_ms": 0, "stage": "off"}
            connection.execute(update(CAPTURE_TOKENS).where(*mine).values(free))

    def clean(self) -> None:
        """Deletes tokens whose outcome no client reads any more."""
        oldest = _ms(-_KEPT_S)
        with self._database.write() as connection:
            connection.execute(delete(CAPTURE_TOKENS).where(CAPTURE_TOKENS.c.expires_ms < oldest))

    def _change(self, token: str, values: Mapping[str, Any], *conditions: Any) -> bool:
        mine = (CAPTURE_TOKENS.c.id == token, CAPTURE_TOKENS.c.state != TokenState.REVOKED, *conditions)
        with self._database.write() as connection:
            return connection.execute(update(CAPTURE_TOKENS).where(*mine).values(values)).rowcount == 1

    def _insert(self, connection: Connection, wanted: TokenRequest, parent: str | None = None) -> CaptureToken:
        row: dict[str, Any] = {
            "id": secrets.token_hex(_ID_BYTES),
            "client": wanted.client,
            "origin": wanted.origin,
            "state": TokenState.ISSUED.value,
            "parent": parent,
            "registration": wanted.registration,
            "reference": wanted.reference,
            "created_ms": _ms(),
            "expires_ms": _ms(wanted.lifetime_s),
        }
        connection.execute(insert(CAPTURE_TOKENS).values(row))
        inserted = connection.execute(select(CAPTURE_TOKENS).where(CAPTURE_TOKENS.c.id == row["id"])).one()
        return _token(inserted)

    @staticmethod
    def _withdraw(connection: Connection, parent: str) -> bool:
        """Ends the live hand-offs of a page; False if the one session has begun at one of them: it is used up."""
        # Locked until the transaction ends, so that no session begins meanwhile.
        of = select(CAPTURE_TOKENS.c.id, CAPTURE_TOKENS.c.state).where(CAPTURE_TOKENS.c.parent == parent)
        children = connection.execute(of.order_by(CAPTURE_TOKENS.c.id).with_for_update()).all()
        if any(state in (TokenState.DONE, TokenState.ENDED) for _, state in children):
            return False  # the page keeps `HANDED_OFF`: it captures no second time
        begun = False
        for child, _ in children:
            begun |= _move(connection, child, TokenState.STARTED, TokenState.REVOKED)
            for state in (TokenState.ISSUED, TokenState.BOUND):
                _move(connection, child, state, TokenState.REVOKED)
        after = TokenState.ENDED if begun else TokenState.BOUND
        _move(connection, parent, TokenState.HANDED_OFF, after)
        return not begun

    def _written(self, token: str) -> str:
        return f"{PREFIX}{token}_{urlsafe_b64encode(self.secret(token)).decode().rstrip('=')}"


def _move(connection: Connection, token: str, before: TokenState, after: TokenState, *conditions: Any) -> bool:
    """Performs one transition, if the token is in the state before; one of several that try it at once succeeds."""
    assert after in TRANSITIONS[before]  # noqa: S101 - the table of transitions is the only list of them
    mine = (CAPTURE_TOKENS.c.id == token, CAPTURE_TOKENS.c.state == before, *conditions)
    return connection.execute(update(CAPTURE_TOKENS).where(*mine).values(state=after.value)).rowcount == 1


def _locked(token: str) -> Any:
    return select(CAPTURE_TOKENS).where(CAPTURE_TOKENS.c.id == token).with_for_update()


def _child(connection: Connection, parent: str) -> CaptureToken | None:
    """Returns the newest hand-off; of two of one millisecond the one that lives."""
    of = select(CAPTURE_TOKENS).where(CAPTURE_TOKENS.c.parent == parent)
    over = CAPTURE_TOKENS.c.state == TokenState.REVOKED
    newest = of.order_by(CAPTURE_TOKENS.c.created_ms.desc(), over, CAPTURE_TOKENS.c.id).limit(1)
    row = connection.execute(newest).first()
    return None if row is None else _token(row)


def _token(row: Any) -> CaptureToken:
    state, confirmed = TokenState(row.state), bool(row.confirmed)
    about = (row.registration, row.reference, confirmed, row.stage, row.session, row.verification, row.expires_ms)
    return CaptureToken(row.id, row.client, row.origin, state, row.parent, *about, row.binding)


def _ms(later_s: float = 0.0) -> int:
    return int((time.time() + later_s) * 1000)
