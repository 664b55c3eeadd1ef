"""Stored step-ups. Methods that take a connection work within the caller's transaction."""

import json
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select, update

from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.liveness.challenge import LIFETIME_S, Challenge, Options, draw
from idproof.pipeline.verdict import new_id
from idproof.service.errors import ServiceProblem
from idproof.service.step_up.states import StepUpEvent, StepUpState, transition
from idproof.service.storage.engine import Database
from idproof.service.storage.schema import STEP_UPS
from idproof.service.storage.seal import Seal

_NONCE_BYTES = 32  # 256 bits cannot be guessed
_HOUR_S = 3600.0
_LEASE_S = 180.0
"""Seconds after which a check counts as lost with its server: longer than pictures live (120 s). Chosen by hand."""


@dataclass(frozen=True, slots=True)
class StepUpRules:
    """Limits of step-ups. The times are those of capture sessions; the rest was chosen by hand; no outside source.

    Attributes:
        lifetime_s: seconds for which a step-up may be used.
        attempts: checks that it may begin until one decides.
        challenge_s: seconds within which the frames for a challenge must arrive.
        challenges: that it may issue.
        token_s: seconds for which its token is valid.
        refusals: step-ups of one account within an hour that may be refused before no other is opened.
    """

    lifetime_s: float = 600.0
    attempts: int = 3
    challenge_s: float = LIFETIME_S
    challenges: int = 5
    token_s: int = 300
    refusals: int = 5


@dataclass(frozen=True, slots=True)
class StepUp:
    """One step-up.

    Attributes:
        id: `su_` and 26 characters.
        client: the relying party that opened it.
        verification: of the account.
        passkey: that logged in.
        login: id of that login.
        challenge: the last one that was issued.
        text: of the transaction; never shown by `repr`.
        card: by which the records find the holder.
        expires_at: ISO 8601 UTC.
        recipe: of the challenge, by which this check is told apart from a later one.
    """

    id: str
    client: str
    verification: str
    passkey: str
    login: str
    challenge: Challenge
    text: str = field(repr=False)
    card: CardData = field(repr=False)
    expires_at: str
    recipe: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A step-up, as its relying party may read it.

    Attributes:
        id: of the step-up.
        state: at this moment.
        expires_at: ISO 8601 UTC.
        decision: as the relying party is told it; None before, and once its token was used.
    """

    id: str
    state: StepUpState
    expires_at: str
    decision: dict[str, Any] | None = field(repr=False)


class StepUpStore:
    """The step-ups of a database; every method may raise `StoreUnavailable`.

    Args:
        database: that holds them.
        seal: of the database.
        rules: limits.
    """

    def __init__(self, database: Database, seal: Seal, rules: StepUpRules | None = None) -> None:
        self.rules = rules or StepUpRules()
        self.database = database
        self._seal = seal

    def open(
        self,
        connection: Connection,
        login: Row[Any],
        verification: str,
        text: str,
        card: CardData,
        options: Options,
    ) -> StepUp:
        """Stores a step-up with its first challenge.

        Args:
            connection: of the transaction that uses the login up.
            login: row of the login's ceremony.
            verification: of the account that logged in.
            text: of the transaction.
            card: by which the records find the holder.
            options: of the person before the camera.

        Raises:
            ServiceProblem: `step_ups_refused`: too many of the account were refused within an hour.
        """
        now = time.time()
        self._require_few_refusals(connection, verification, now)
        new = "su_" + new_id().removeprefix("ver_")
        row: dict[str, Any] = {
            "id": new,
            "client": login.client,
            "verification": verification,
            "passkey": login.passkey,
            "login": login.id,
            "state": StepUpState.OPEN,
            "challenge": _recipe(options, 1),
            "attempts": 0,
            "lease_ms": 0,
            "created_ms": int(now * 1000),
            "expires_ms": int((now + self.rules.lifetime_s) * 1000),
            "sealed": self._seal.close(new, {"text": text, "card": {name: getattr(card, name) for name in _CARD}}),
        }
        connection.execute(insert(STEP_UPS).values(row))
        return self._of(connection.execute(select(STEP_UPS).where(STEP_UPS.c.id == new)).one())

    def find(self, step_up_id: str, client: str) -> StepUp:
        """Returns an open step-up; raises `ServiceProblem` `step_up_lapsed` or `request_in_progress`."""
        with self.database.write() as connection:
            return self._of(self._usable(connection, step_up_id, client))

    def require_open(self, connection: Connection, step_up_id: str, client: str) -> None:
        """Raises `ServiceProblem` unless a step-up is open; its row is locked until the transaction ends."""
        self._usable(connection, step_up_id, client)

    def outcome(self, step_up_id: str, client: str) -> Outcome:
        """Returns the state of a step-up, and its decision while that is kept.

        Raises:
            ServiceProblem: `step_up_lapsed`: there is no such step-up.
        """
        with self.database.read() as connection:
            row = connection.execute(select(STEP_UPS).where(STEP_UPS.c.id == step_up_id)).first()
        if row is None or row.client != client:
            raise _lapsed()
        state = StepUpState(row.state)
        decided = state in (StepUpState.ACCEPTED, StepUpState.REFUSED) and row.sealed is not None
        decision = self._seal.open(row.id, row.sealed)["decision"] if decided else None
        return Outcome(row.id, state, _ends(row), decision)

    def ask(self, step_up_id: str, client: str, options: Options | None = None) -> Challenge:
        """Issues another challenge, which replaces the previous one.

        Args:
            step_up_id: of the step-up.
            client: that opened it.
            options: replace those that it was opened with.

        Raises:
            ServiceProblem: `step_up_lapsed` or `challenges_used`.
        """
        with self.database.write() as connection:
            row = self._usable(connection, step_up_id, client)
            stored = json.loads(row.challenge)
            if stored["drawn"] >= self.rules.challenges:
                raise ServiceProblem("challenges_used", "The step-up has no challenges left; open another one.")
            asked = _recipe(options or Options.from_json(stored["options"]), stored["drawn"] + 1)
            connection.execute(update(STEP_UPS).where(STEP_UPS.c.id == row.id).values(challenge=asked))
        return self._challenge(asked)

    def begin(self, step_up_id: str, client: str, answered: Challenge | None = None) -> StepUp:
        """Begins a check: its challenge is used up.

        Args:
            step_up_id: of the step-up.
            client: that opened it.
            answered: the challenge that was answered, where that is known before: it must be the last one.

        Raises:
            ServiceProblem: `step_up_lapsed`, `challenge_missing`, `request_in_progress`, or `step_ups_refused`: too
                many of the account were refused within an hour, or could be, since they are being checked.
        """
        with self.database.write() as connection:
            self._lock_account(connection, step_up_id)
            row = self._usable(connection, step_up_id, client)
            self._require_few_refusals(connection, row.verification, time.time())
            stored = json.loads(row.challenge)
            other = answered is not None and answered.nonce.hex() != stored["nonce"]
            if stored["answered"] or other:
                raise ServiceProblem("challenge_missing", "The challenge was answered or replaced; ask again.")
            _, target = transition(StepUpEvent.CHECK_BEGUN)
            values = {"state": target, "attempts": row.attempts + 1, "lease_ms": _ms(_LEASE_S)}
            values |= {"challenge": json.dumps(stored | {"answered": True})}
            connection.execute(update(STEP_UPS).where(STEP_UPS.c.id == row.id).values(values))
            return replace(self._of(row), recipe=values["challenge"])

    def fail(self, step_up: StepUp, *, return_attempt: bool) -> None:
        """Ends a check that decided nothing.

        Args:
            step_up: that was begun.
            return_attempt: nothing was examined, or not for a reason of the person's: the attempt does not count.
        """
        with self.database.write() as connection:
            row = connection.execute(select(STEP_UPS).where(STEP_UPS.c.id == step_up.id).with_for_update()).first()
            if row is None or row.challenge != step_up.recipe:
                return
            left = row.attempts - (1 if return_attempt else 0)
            event = StepUpEvent.CHECK_FAILED if left < self.rules.attempts else StepUpEvent.ATTEMPTS_USED
            self.move(connection, step_up.id, event, attempts=left)

    def decide(
        self, connection: Connection, step_up: StepUp, event: StepUpEvent, decision: Mapping[str, Any] | None = None
    ) -> bool:
        """Stores the decision of a check; returns False if it counted as lost, and another one may be under way.

        Args:
            connection: of the transaction.
            step_up: that was checked.
            event: the decision.
            decision: as the relying party is told it; sealed in place of text and card.
        """
        mine = select(STEP_UPS.c.challenge).where(STEP_UPS.c.id == step_up.id).with_for_update()
        sealed = None if decision is None else self._seal.close(step_up.id, {"decision": dict(decision)})
        return connection.scalar(mine) == step_up.recipe and self.move(connection, step_up.id, event, sealed=sealed)

    def move(self, connection: Connection, step_up_id: str, event: StepUpEvent, **values: Any) -> bool:
        """Performs a transition; returns False if the step-up is not in the state that takes the event."""
        source, target = transition(event)
        if target in (StepUpState.ACCEPTED, StepUpState.REFUSED, StepUpState.SPENT):
            values = {"sealed": None} | values  # text and card are needed no more
        current = (STEP_UPS.c.id == step_up_id, STEP_UPS.c.state == source)
        return connection.execute(update(STEP_UPS).where(*current).values(state=target, **values)).rowcount == 1

    @staticmethod
    def passkey_of(connection: Connection, step_up_id: str) -> str | None:
        """Returns the id of the passkey whose login opened a step-up; None if there is no such step-up."""
        found: str | None = connection.scalar(select(STEP_UPS.c.passkey).where(STEP_UPS.c.id == step_up_id))
        return found

    @staticmethod
    def erase(connection: Connection, verifications: Iterable[str]) -> None:
        """Erases the step-ups of accounts."""
        connection.execute(delete(STEP_UPS).where(STEP_UPS.c.verification.in_(list(verifications))))

    @staticmethod
    def clean(connection: Connection) -> None:
        """Deletes step-ups whose time was over an hour ago."""
        connection.execute(delete(STEP_UPS).where(STEP_UPS.c.expires_ms < _ms(-_HOUR_S)))

    def _usable(self, connection: Connection, step_up_id: str, client: str) -> Row[Any]:
        row = connection.execute(select(STEP_UPS).where(STEP_UPS.c.id == step_up_id).with_for_update()).first()
        if row is None or row.client != client or row.expires_ms < _ms():
            raise _lapsed()
        if row.state == StepUpState.CHECKING and row.lease_ms < _ms():  # its server ended
            lost = StepUpEvent.CHECK_FAILED if row.attempts < self.rules.attempts else StepUpEvent.ATTEMPTS_USED
            self.move(connection, row.id, lost)
            row = connection.execute(select(STEP_UPS).where(STEP_UPS.c.id == step_up_id)).one()
        if row.state == StepUpState.CHECKING:
            raise ServiceProblem("request_in_progress", "The step-up is being checked; ask again shortly.")
        if row.state != StepUpState.OPEN:
            raise _lapsed()
        return row

    @staticmethod
    def _lock_account(connection: Connection, step_up_id: str) -> None:
        """Lets one check of an account begin at a time: those opened together are counted one after another."""
        account = select(STEP_UPS.c.verification).where(STEP_UPS.c.id == step_up_id).scalar_subquery()
        mine = select(STEP_UPS.c.id).where(STEP_UPS.c.verification == account)
        connection.execute(mine.order_by(STEP_UPS.c.id).with_for_update()).all()

    def _require_few_refusals(self, connection: Connection, verification: str, now: float) -> None:
        since = int((now - _HOUR_S) * 1000)
        checked = and_(STEP_UPS.c.state == StepUpState.CHECKING, STEP_UPS.c.lease_ms >= int(now * 1000))
        which = (STEP_UPS.c.verification == verification, or_(STEP_UPS.c.state == StepUpState.REFUSED, checked))
        counted = select(func.count()).select_from(STEP_UPS).where(*which, STEP_UPS.c.created_ms >= since)
        if (connection.scalar(counted) or 0) >= self.rules.refusals:
            sentence = "Too many step-ups of this account were refused; try again later."
            raise ServiceProblem("step_ups_refused", sentence, retry_after=int(_HOUR_S))

    def _of(self, row: Row[Any]) -> StepUp:
        opened = self._seal.open(row.id, row.sealed)
        return StepUp(
            id=row.id,
            client=row.client,
            verification=row.verification,
            passkey=row.passkey,
            login=row.login,
            challenge=self._challenge(row.challenge),
            text=opened["text"],
            card=CardData(**opened["card"]),
            expires_at=_ends(row),
            recipe=row.challenge,
        )

    def _challenge(self, recipe: str) -> Challenge:
        stored = json.loads(recipe)
        return draw(
            bytes.fromhex(stored["nonce"]),
            issued_at=datetime.fromisoformat(stored["issued_at"]),
            options=Options.from_json(stored["options"]),
            lifetime_s=self.rules.challenge_s,
        )


_CARD = tuple(CardData.__slots__)


def _recipe(options: Options, drawn: int) -> str:
    """Returns what a new challenge is drawn from, as JSON."""
    recipe: dict[str, Any] = {"nonce": secrets.token_bytes(_NONCE_BYTES).hex(), "options": options.to_json()}
    recipe |= {"issued_at": datetime.now(UTC).isoformat(), "drawn": drawn, "answered": False}
    return json.dumps(recipe)


def _ends(row: Row[Any]) -> str:
    return datetime.fromtimestamp(row.expires_ms / 1000, UTC).isoformat(timespec="seconds")


def _lapsed() -> ServiceProblem:
    return ServiceProblem("step_up_lapsed", "There is no such step-up, it was decided, or its time is over.")


def _ms(later_s: float = 0.0) -> int:
    return int((time.time() + later_s) * 1000)
