"""Rows of reviews. Methods that take a connection work within the caller's transaction."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, update

from idproof.pipeline.verdict import new_id
from idproof.service.errors import ServiceProblem
from idproof.service.reviews.decisions import ReviewDecision, ReviewReason
from idproof.service.reviews.statement import Comment, Opinion, Outcome
from idproof.service.reviews.states import CLAIMED_STATES, UNFINISHED, ReviewEvent, ReviewState, follows
from idproof.service.storage.engine import Database
from idproof.service.storage.schema_registrations import REVIEWS
from idproof.service.storage.seal import Seal


@dataclass(frozen=True, slots=True)
class Review:
    """One review.

    Attributes:
        id: `rev_` and 26 characters.
        registration: that it decides.
        verification: of the verdict that is reviewed.
        state: of the table of transitions; a claim whose time is over has lapsed.
        reasons: codes of the verdict.
        opened_at: ISO 8601 UTC.
        opened_ms: the same as a number.
        claimed_by: id of the reviewer who holds it, or None.
        claim_ends_at: ISO 8601 UTC, or None.
        first_by: id of the reviewer of the first opinion, or None.
        opinions: in order; never shown by `repr`.
        statements: of the opinions.
        outcome: what was decided, or None.
        seen: ids of the reviewers who were given the sealed pictures.
    """

    id: str
    registration: str
    verification: str
    state: ReviewState
    reasons: tuple[str, ...]
    opened_at: str
    opened_ms: int
    claimed_by: str | None
    claim_ends_at: str | None
    first_by: str | None
    opinions: tuple[Opinion, ...] = field(repr=False)
    statements: tuple[str, ...] = field(repr=False)
    outcome: Outcome | None
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueQuery:
    """A part of the queue.

    Attributes:
        states: wanted ones.
        reason: only verdicts with this reason code; None for all.
        opened_before_ms: only reviews that were opened before; None for all.
        after: id of the last review of the page before, or None.
        limit: the largest number to return.
    """

    states: frozenset[ReviewState] = UNFINISHED
    reason: str | None = None
    opened_before_ms: int | None = None
    after: str | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True)
class QueueLength:
    """Length of the queue.

    Attributes:
        counts: reviews that are not over, by state.
        oldest_s: seconds since the oldest of them was opened; 0 if there is none.
    """

    counts: Mapping[str, int]
    oldest_s: float


class ReviewStore:
    """The reviews of a database; every method may raise `StoreUnavailable`."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self.database = database
        self._seal = seal

    def open(self, connection: Connection, registration: str, verification: str, reasons: Sequence[str]) -> str:
        """Opens the review of a verdict in the transaction that stores it; returns its id."""
        new = "rev_" + new_id().removeprefix("ver_")
        row: dict[str, Any] = {"id": new, "registration": registration, "verification": verification}
        row |= {"state": ReviewState.WAITING, "reasons": f" {' '.join(reasons)} ", "opened_ms": _now_ms()}
        connection.execute(insert(REVIEWS).values(row | {"claim_ends_ms": 0}))
        return new

    def queue(self, query: QueueQuery) -> list[Review]:
        """Returns reviews, the longest waiting first."""
        wanted = select(REVIEWS).order_by(REVIEWS.c.id).limit(query.limit)
        wanted = wanted.where(or_(*(_is_in(state) for state in sorted(query.states))))
        if query.reason is not None:
            wanted = wanted.where(REVIEWS.c.reasons.contains(f" {query.reason} ", autoescape=True))
        if query.opened_before_ms is not None:
            wanted = wanted.where(REVIEWS.c.opened_ms < query.opened_before_ms)
        if query.after is not None:
            wanted = wanted.where(REVIEWS.c.id > query.after)
        with self.database.read() as connection:
            return [self._review(row) for row in connection.execute(wanted).all()]

    def waiting(self) -> QueueLength:
        """Returns how many reviews wait, by state, and how long the oldest has."""
        counts: dict[str, int] = {}
        oldest = now = _now_ms()
        with self.database.read() as connection:
            for state in sorted(UNFINISHED):
                wanted = select(func.count(), func.min(REVIEWS.c.opened_ms)).where(_is_in(state))
                count, opened_ms = connection.execute(wanted).one()
                counts[state] = count
                oldest = min(oldest, opened_ms or now)
        return QueueLength(counts, (now - oldest) / 1000)

    def find(self, review: str) -> Review | None:
        """Returns a review, or None."""
        with self.database.read() as connection:
            row = connection.execute(select(REVIEWS).where(REVIEWS.c.id == review)).first()
        return None if row is None else self._review(row)

    def lock(self, connection: Connection, review: str) -> Review:
        """Returns a review and locks it until the transaction ends; a claim may have lapsed.

        Raises:
            ServiceProblem: `not_found`.
        """
        row = connection.execute(select(REVIEWS).where(REVIEWS.c.id == review).with_for_update()).first()
        if row is None:
            raise ServiceProblem("not_found", "There is no review of this id.")
        found = self._review(row)
        if found.state != row.state:  # the time of its claim is over
            self.move(connection, found.id, ReviewState(row.state), ReviewEvent.LAPSED)
        return found

    def of_registration(self, connection: Connection, registration: str) -> list[str]:
        """Returns the ids of the unfinished reviews of a registration."""
        mine = (REVIEWS.c.registration == registration, REVIEWS.c.state.in_(UNFINISHED))
        return list(connection.execute(select(REVIEWS.c.id).where(*mine)).scalars())

    def latest(self, connection: Connection, registration: str) -> str | None:
        """Returns the id of the newest review of a registration, whatever its state; None if it has none."""
        mine = select(REVIEWS.c.id).where(REVIEWS.c.registration == registration)
        return connection.scalar(mine.order_by(REVIEWS.c.opened_ms.desc(), REVIEWS.c.id.desc()).limit(1))

    def move(self, connection: Connection, review: str, state: ReviewState, event: ReviewEvent, **values: Any) -> None:
        """Performs a transition of a locked review.

        Raises:
            ServiceProblem: `review_unavailable`: its state does not take the event.
        """
        target = follows(state, event)
        if target is None:
            raise ServiceProblem("review_unavailable", "The review's present state does not allow this.")
        if target not in CLAIMED_STATES:
            values |= {"claimed_by": None, "claim_ends_ms": 0}
        connection.execute(update(REVIEWS).where(REVIEWS.c.id == review).values(state=target, **values))

    def sealed(
        self,
        review: str,
        opinions: Sequence[Opinion],
        statements: Sequence[str],
        outcome: Outcome | None,
        seen: Sequence[str],
    ) -> bytes:
        """Returns the sealed part of a row."""
        told: dict[str, Any] = {"opinions": [_opinion_json(each) for each in opinions], "statements": list(statements)}
        told |= {"outcome": None if outcome is None else {"decision": outcome.decision, "reason": outcome.reason}}
        return self._seal.close(review, told | {"seen": list(seen)})

    def _review(self, row: Row[Any]) -> Review:
        told = {} if row.sealed is None else self._seal.open(row.id, row.sealed)
        state = ReviewState(row.state)
        lapsed = state in CLAIMED_STATES and row.claim_ends_ms <= _now_ms()
        if lapsed:
            state = follows(state, ReviewEvent.LAPSED) or state
        held = state in CLAIMED_STATES
        outcome = told.get("outcome")
        return Review(
            row.id,
            row.registration,
            row.verification,
            state,
            tuple(row.reasons.split()),
            _iso(row.opened_ms),
            row.opened_ms,
            row.claimed_by if held else None,
            _iso(row.claim_ends_ms) if held else None,
            row.first_by,
            tuple(_opinion(each) for each in told.get("opinions", ())),
            tuple(told.get("statements", ())),
            None if outcome is None else Outcome(ReviewDecision(outcome["decision"]), ReviewReason(outcome["reason"])),
            tuple(told.get("seen", ())),
        )


def _is_in(state: ReviewState) -> Any:
    """Returns the condition for rows in a state, with claims whose time is over in the state that follows."""
    now = _now_ms()
    alive = REVIEWS.c.claim_ends_ms > now
    if state in CLAIMED_STATES:
        return and_(REVIEWS.c.state == state, alive)
    lapsing = [each for each in CLAIMED_STATES if follows(each, ReviewEvent.LAPSED) is state]
    return or_(REVIEWS.c.state == state, and_(REVIEWS.c.state.in_(lapsing), ~alive))


def _opinion_json(opinion: Opinion) -> dict[str, Any]:
    comment = None if opinion.comment is None else {"text": opinion.comment.text, "salt": opinion.comment.salt}
    named = {name: getattr(opinion, name) for name in Opinion.__slots__}
    return named | {"comment": comment}


def _opinion(entry: dict[str, Any]) -> Opinion:
    comment = None if entry["comment"] is None else Comment(**entry["comment"])
    codes = {"decision": ReviewDecision(entry["decision"]), "reason": ReviewReason(entry["reason"])}
    return Opinion(**entry | codes | {"comment": comment})


def _now_ms() -> int:
    return int(time.time() * 1000)


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
