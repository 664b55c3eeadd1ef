"""Reviews of referred registrations: claimed by one officer at a time, and decided by one or two signed opinions."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, func, select, update

from idproof.pipeline.vault import VaultSession
from idproof.pipeline.vault.sealed_copies import TakenCopies
from idproof.service.cases.guardians import lacks_guardian
from idproof.service.cases.states import RegistrationEvent, RegistrationStatus
from idproof.service.cases.store import Registrations
from idproof.service.errors import ServiceProblem
from idproof.service.operations.audit import AuditLog
from idproof.service.outbox.queue import Outbox
from idproof.service.reviews.decisions import FINAL, REASONS, ReviewDecision, ReviewReason, together
from idproof.service.reviews.pictures import Cause, HeldPictures
from idproof.service.reviews.reviewers import Reviewer, Reviewers
from idproof.service.reviews.rules import ReviewRules
from idproof.service.reviews.statement import Comment, Opinion, Outcome, review_statement
from idproof.service.reviews.states import CLAIMED_STATES, UNFINISHED, ReviewEvent
from idproof.service.reviews.store import QueueQuery, Review, ReviewStore
from idproof.service.signing.jws import payload_hash
from idproof.service.signing.keys import KeyRing
from idproof.service.storage.schema_registrations import REGISTRATIONS, REVIEWS
from idproof.service.storage.verdicts import VerdictStore

MOST_CLAIMS = 5
"""Reviews that one officer holds at once, so that nobody reads the whole queue's personal data. Chosen by hand."""
EVENT_OF: dict[ReviewDecision, RegistrationEvent] = {
    ReviewDecision.ACCEPT: RegistrationEvent.REVIEW_ACCEPTED,
    ReviewDecision.REFUSE: RegistrationEvent.REVIEW_REFUSED,
    ReviewDecision.NEW_CAPTURE: RegistrationEvent.REVIEW_TO_CAPTURE,
    ReviewDecision.COUNTER: RegistrationEvent.REVIEW_TO_COUNTER,
}


@dataclass(frozen=True, slots=True)
class WantedDecision:
    """One reviewer's opinion, as the reviewer sent it.

    Attributes:
        officer: who the reviewer says to be; must be the officer of the client.
        decision: of `ReviewDecision`.
        reason: code, of those that the decision takes.
        comment: the reviewer's own words, or None.
    """

    officer: str
    decision: ReviewDecision
    reason: ReviewReason
    comment: str | None = field(default=None, repr=False)


class Reviews:
    """Every method may raise `StoreUnavailable`, and `AuditBroken` where something changes or is read.

    Args:
        verdicts: that are reviewed, and their database.
        registrations: moved by decisions.
        reviewers: who may review.
        audit: gets a line for each step.
        outbox: delivers the statements to the core.
        keys: sign the statements.
        issuer: of the statements.
        rules: of reviews.
        pictures: sealed for reviewers; None where they see none.
        core: whether statements are delivered.
    """

    def __init__(
        self,
        verdicts: VerdictStore,
        registrations: Registrations,
        reviewers: Reviewers,
        audit: AuditLog,
        outbox: Outbox,
        keys: KeyRing,
        issuer: str,
        rules: ReviewRules | None = None,
        pictures: HeldPictures | None = None,
        *,
        core: bool = True,
    ) -> None:
        self.reviewers = reviewers
        self.rules = rules or ReviewRules()
        self.pictures = pictures
        self.store = ReviewStore(verdicts.database, verdicts.seal)
        self._database = verdicts.database
        self._verdicts = verdicts
        self._registrations = registrations
        self._audit = audit
        self._outbox = outbox
        self._keys = keys
        self._issuer = issuer
        self._core = core

    def queue(self, client: str, query: QueueQuery) -> list[dict[str, Any]]:
        """Returns a part of the queue for an active reviewer: nothing that was read from a card."""
        me = self.reviewers.require_active(client)
        officers = {each.id: each.officer for each in self.reviewers.entries()}
        return [self._entry(review, me, officers) for review in self.store.queue(query)]

    def claim(self, client: str, review_id: str) -> dict[str, Any]:
        """Claims a review, or renews the officer's own claim.

        Raises:
            ServiceProblem: `not_found`; `review_unavailable`: somebody else holds it, or it is over, or the officer
                holds too many; `second_officer_needed`: the officer gave the first opinion.
        """
        me = self.reviewers.require_active(client)
        ends_ms = int((time.time() + self.rules.claim_s) * 1000)
        with self._database.write() as connection:
            self.reviewers.lock_active(connection, me.id)  # claims that one officer makes together are counted in turn
            review = self.store.lock(connection, review_id)
            self._require_in_review(connection, review)
            self._require_second(review, me)
            if review.claimed_by == me.id:
                connection.execute(update(REVIEWS).where(REVIEWS.c.id == review_id).values(claim_ends_ms=ends_ms))
                return self._entry(review, me, {me.id: me.officer})
            held = (REVIEWS.c.claimed_by == me.id, REVIEWS.c.claim_ends_ms > int(time.time() * 1000))
            if (connection.scalar(select(func.count()).select_from(REVIEWS).where(*held)) or 0) >= MOST_CLAIMS:
                raise ServiceProblem("review_unavailable", f"One officer holds at most {MOST_CLAIMS} reviews at once.")
            claim = {"claimed_by": me.id, "claim_ends_ms": ends_ms}
            self.store.move(connection, review_id, review.state, ReviewEvent.CLAIMED, **claim)
            self._note("review_claimed", review, me)
        claimed = self.store.find(review_id)
        return {} if claimed is None else self._entry(claimed, me, {me.id: me.officer})

    def release(self, client: str, review_id: str) -> None:
        """Gives a claimed review back to the queue; raises `ServiceProblem` `review_not_claimed`."""
        me = self.reviewers.require_active(client)
        with self._database.write() as connection:
            review = self.store.lock(connection, review_id)
            _require_claim(review, me)
            self.store.move(connection, review_id, review.state, ReviewEvent.RELEASED)
            self._note("review_released", review, me)

    def read(self, client: str, review_id: str) -> dict[str, Any]:
        """Returns a review's fields, checks with their limits, and attempts, for the officer who holds it.

        Raises:
            ServiceProblem: `not_found`, `review_not_claimed` or `review_unavailable`.
        """
        me = self.reviewers.require_active(client)
        review = self._claimed(review_id, me)
        verdict = self._verdicts.load(review.verification)
        registration = self._registrations.find(review.registration, None)
        if verdict is None or registration is None:
            raise ServiceProblem("not_found", "The registration was erased.")
        self._note("review_read", review, me)
        withheld = {ReviewDecision.ACCEPT} if lacks_guardian(verdict) else set()
        offered = {decision: codes for decision, codes in REASONS.items() if decision not in withheld}
        return self._entry(review, me, {me.id: me.officer}) | {
            "first_officer": review.opinions[0].officer if review.opinions else None,
            "attempts": [_attempt_json(attempt) for attempt in registration.attempts],
            "decisions": {str(decision): [str(code) for code in codes] for decision, codes in offered.items()},
            "verdict": {name: verdict.get(name) for name in _SHOWN},
        }

    def take_pictures(self, client: str, review_id: str) -> TakenCopies:
        """Returns the sealed pictures of a review that the officer holds, once.

        Raises:
            ServiceProblem: `not_found`, `review_not_claimed` or `pictures_gone`.
        """
        me = self.reviewers.require_active(client)
        review = self._claimed(review_id, me)
        taken = None if self.pictures is None else self.pictures.take(review.verification, me.id, client)
        if taken is None:
            raise ServiceProblem("pictures_gone", "There are no pictures for this reviewer, or no longer.")
        with self._database.write() as connection:
            locked = self.store.lock(connection, review_id)
            seen = [*locked.seen, me.id]  # several officers may see them, and each one's statement says so
            sealed = self.store.sealed(review_id, locked.opinions, locked.statements, locked.outcome, seen)
            connection.execute(update(REVIEWS).where(REVIEWS.c.id == review_id).values(seen_by=me.id, sealed=sealed))
        return taken

    def decide(self, client: str, registration: str, wanted: WantedDecision) -> dict[str, Any]:
        """Records an officer's opinion; the last that the rules ask for moves the registration and tells the core.

        Args:
            client: whose officer decides.
            registration: its id; the officer holds its review.
            wanted: the decision.

        Returns:
            The statement and the outcome; the same again where the officer sends once more what was recorded.

        Raises:
            ServiceProblem: `officer_differs`, `reason_unsuitable`, `review_not_claimed`, `second_officer_needed`,
                `review_unavailable` or `registration_closed`: nothing was recorded.
        """
        me = self.reviewers.require_active(client)
        if wanted.officer.casefold() != me.officer.casefold():
            raise ServiceProblem("officer_differs", "This key belongs to another officer.")
        if wanted.reason not in REASONS[wanted.decision]:
            raise ServiceProblem("reason_unsuitable", "This reason does not belong to this decision.")
        with self._database.write() as connection:
            self._lock_registration(connection, registration)
            found = self.store.latest(connection, registration)
            if found is None:
                raise ServiceProblem("review_not_claimed", "Claim the review first.")
            review = self.store.lock(connection, found)
            recorded = _recorded(review, me, wanted)
            if recorded is not None:  # the answer to the officer's own request was lost
                return recorded
            _require_claim(review, me)
            self._require_in_review(connection, review)
            self._require_second(review, me)
            return self._record(connection, review, me, wanted)

    def open(self, connection: Connection, registration: str, verification: str, reasons: list[str]) -> None:
        """Opens the review of a registration that is now `in_review`, in the transaction that stores its verdict."""
        self.store.open(connection, registration, verification, reasons)
        if self.pictures is not None:
            self.pictures.expect(verification)

    @contextmanager
    def offer_copies(self, verification: str, session: VaultSession) -> Iterator[None]:
        """Lets a verification seal copies of its captures, and destroys them at the end unless `open` was called.

        Args:
            verification: its id.
            session: holds the captures.
        """
        if self.pictures is None:
            yield
            return
        session.copy_with(partial(self.pictures.keep, verification))
        try:
            yield
        finally:
            self.pictures.destroy_unexpected(verification)

    def waiting_pictures(self, verification: str) -> int:
        """Returns the number of sealed pictures of a verification that wait for a reviewer."""
        return 0 if self.pictures is None else self.pictures.count(verification)

    def clean(self) -> None:
        """Withdraws reviews whose registration was decided in another way, and destroys pictures without a review."""
        in_review = select(REGISTRATIONS.c.id).where(REGISTRATIONS.c.status == RegistrationStatus.IN_REVIEW)
        stale = (REVIEWS.c.state.in_(UNFINISHED), REVIEWS.c.registration.not_in(in_review))
        with self._database.write() as connection:
            for review_id in connection.execute(select(REVIEWS.c.id).where(*stale)).scalars().all():
                review = self.store.lock(connection, review_id)
                self.store.move(connection, review_id, review.state, ReviewEvent.WITHDRAWN)
        if self.pictures is not None:
            held = self.pictures.verifications()
            wanted = select(REVIEWS.c.verification).where(REVIEWS.c.state.in_(UNFINISHED))
            with self._database.read() as connection:
                alive = set(connection.execute(wanted.where(REVIEWS.c.verification.in_(held))).scalars())
            for verification in held:
                if verification not in alive:
                    self.pictures.destroy(verification, Cause.ERASED)

    def _record(self, connection: Connection, review: Review, me: Reviewer, wanted: WantedDecision) -> dict[str, Any]:
        verdict = self._verdicts.load(review.verification)
        if verdict is None:
            raise ServiceProblem("not_found", "The registration was erased.")
        if wanted.decision is ReviewDecision.ACCEPT and lacks_guardian(verdict):
            raise ServiceProblem("reason_unsuitable", "No reason accepts an applicant whose guardian did not join.")
        last = connection.scalar(select(REVIEWS.c.seen_by).where(REVIEWS.c.id == review.id))
        seen = me.id in (*review.seen, last)  # only `last` was stored by earlier versions
        comment = None if not wanted.comment else Comment.of(wanted.comment)
        about = (me.id, me.officer, wanted.decision, wanted.reason, comment, seen)
        opinion = Opinion(len(review.opinions) + 1, *about, datetime.now(UTC).isoformat(timespec="seconds"))
        outcome = self._outcome(review, opinion)
        receipt = None
        if outcome is not None and self.pictures is not None:
            receipt = self.pictures.destroy(review.verification, Cause.DECIDED)
        first = review.statements[0] if review.statements else None
        ids = {"review": review.id, "registration": review.registration}
        statement = review_statement(ids, verdict, opinion, first, outcome, receipt, self._keys.current, self._issuer)
        told = ([*review.opinions, opinion], [*review.statements, statement], outcome, review.seen)
        sealed = self.store.sealed(review.id, *told)
        if outcome is None:
            self.store.move(connection, review.id, review.state, ReviewEvent.PROPOSED, sealed=sealed, first_by=me.id)
            self._note("review_proposed", review, me)
        else:
            self._conclude(connection, review, me, outcome, sealed, statement)
        return _answer(review, statement, outcome)

    def _conclude(
        self, connection: Connection, review: Review, me: Reviewer, outcome: Outcome, sealed: bytes, statement: str
    ) -> None:
        values = {"sealed": sealed, "decision": outcome.decision, "decided_ms": int(time.time() * 1000)}
        self.store.move(connection, review.id, review.state, ReviewEvent.CONCLUDED, **values)
        if self._core:
            self._outbox.add_review(connection, review.registration, review.id)
        digest = payload_hash(statement)
        self._registrations.move(
            connection, review.registration, EVENT_OF[outcome.decision], by=me.client, statement=digest
        )
        self._note("review_decided", review, me, decision=outcome.decision, reason=outcome.reason, statement=digest)

    def _outcome(self, review: Review, opinion: Opinion) -> Outcome | None:
        """Returns what an opinion decides with the one before; None while another officer's is awaited."""
        if not review.opinions:
            alone = self.rules.officers == 1 or opinion.decision not in FINAL
            return Outcome(opinion.decision, opinion.reason) if alone else None
        decision = together(review.opinions[0].decision, opinion.decision)
        agreed = decision is opinion.decision
        return Outcome(decision, opinion.reason if agreed else ReviewReason.REVIEWERS_DISAGREE)

    def _entry(self, review: Review, me: Reviewer, officers: dict[str, str]) -> dict[str, Any]:
        mine = review.claimed_by == me.id
        until = None if self.pictures is None else self.pictures.until(review.verification)
        waits = self.pictures is not None and self.pictures.waits_for(review.verification, me.id)
        return {
            "id": review.id,
            "registration": review.registration,
            "verification": review.verification,
            "state": review.state,
            "reasons": list(review.reasons),
            "opened_at": review.opened_at,
            "age_s": max(0, int(time.time() - review.opened_ms / 1000)),
            "claimed_by": officers.get(review.claimed_by or "", None if review.claimed_by is None else "?"),
            "claim_ends_at": review.claim_ends_at if mine else None,
            "mine": mine,
            "own_opinion": self._gave_first(review, me),
            "pictures_until": until if waits else None,
            "outcome": None if review.outcome is None else asdict(review.outcome),
        }

    def _claimed(self, review_id: str, me: Reviewer) -> Review:
        review = self.store.find(review_id)
        if review is None:
            raise ServiceProblem("not_found", "There is no review of this id.")
        _require_claim(review, me)
        with self._database.read() as connection:
            self._require_in_review(connection, review)
        return review

    def _require_in_review(self, connection: Connection, review: Review) -> None:
        wanted = select(REGISTRATIONS.c.status).where(REGISTRATIONS.c.id == review.registration)
        if connection.scalar(wanted) != RegistrationStatus.IN_REVIEW:
            raise ServiceProblem("review_unavailable", "The registration waits for no review any more.")

    def _gave_first(self, review: Review, me: Reviewer) -> bool:
        """Returns whether the first opinion is this officer's: of the same number, or of the same client."""
        same_officer = any(each.officer.casefold() == me.officer.casefold() for each in review.opinions)
        return same_officer or any(self.reviewers.client_of(each.reviewer) == me.client for each in review.opinions)

    def _require_second(self, review: Review, me: Reviewer) -> None:
        if self._gave_first(review, me):
            raise ServiceProblem("second_officer_needed", "Another officer gives the second opinion.")

    def _lock_registration(self, connection: Connection, registration: str) -> None:
        """Locks the registration before its review, in the order of erasures."""
        connection.execute(select(REGISTRATIONS.c.id).where(REGISTRATIONS.c.id == registration).with_for_update())

    def _note(self, event: str, review: Review, me: Reviewer, **more: Any) -> None:
        about = {"review": review.id, "registration": review.registration, "id": review.verification}
        self._audit.append(event, **about, **more, officer=me.officer, by=me.client)


_SHOWN = (
    *("id", "decision", "reasons", "checks", "required", "not_performed", "fields", "form", "document_type"),
    *("capture_level", "injectable", "policy", "profile", "started_at", "deletion"),
)
"""Members of a verdict that a reviewer sees."""


def _require_claim(review: Review, me: Reviewer) -> None:
    if review.state not in CLAIMED_STATES or review.claimed_by != me.id:
        raise ServiceProblem("review_not_claimed", "Claim the review first; the claim may have ended.")


def _recorded(review: Review, me: Reviewer, wanted: WantedDecision) -> dict[str, Any] | None:
    """Returns the answer to a decision that is already recorded in these words; None where it is not.

    The answer to a first opinion does not say what the second officer decided meanwhile.
    """
    for number, (opinion, statement) in enumerate(zip(review.opinions, review.statements, strict=True), start=1):
        comment = None if opinion.comment is None else opinion.comment.text
        given = (opinion.reviewer, opinion.decision, opinion.reason, comment)
        if given == (me.id, wanted.decision, wanted.reason, wanted.comment or None):
            return _answer(review, statement, review.outcome if number == len(review.opinions) else None)
    return None


def _answer(review: Review, statement: str, outcome: Outcome | None) -> dict[str, Any]:
    answer = {"review": review.id, "registration": review.registration, "statement": statement}
    return answer | {"outcome": None if outcome is None else asdict(outcome)}


def _attempt_json(attempt: Any) -> dict[str, Any]:
    return asdict(attempt) | {"reasons": list(attempt.reasons)}
