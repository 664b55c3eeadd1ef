"""Reviews: two officers, signed statements bound to the verdict, sealed comments, erasure, delivery, audit log."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from joserfc import jws as jose
from review_bench import ANNA, BEN, CARA, COMMENT, NUMBER, OFFICERS, ReviewBench, refusal_code
from sqlalchemy import Connection, select

from idproof.service.cases.next_steps import NextStep
from idproof.service.cases.states import RegistrationStatus
from idproof.service.errors import AuditBroken, ServiceProblem, SignatureInvalid
from idproof.service.operations import retention
from idproof.service.operations.settings import Settings
from idproof.service.outbox.queue import Kind
from idproof.service.reviews.decisions import ReviewDecision, ReviewReason
from idproof.service.reviews.reviews import MOST_CLAIMS, WantedDecision
from idproof.service.reviews.statement import TYPE
from idproof.service.reviews.states import ReviewState
from idproof.service.reviews.store import QueueQuery, Review, ReviewStore
from idproof.service.signing.jws import verify
from idproof.service.storage.schema import OUTBOX


def test_each_opinion_is_a_statement_bound_to_the_verdict_and_to_the_first(bench: ReviewBench) -> None:
    registration, review = bench.referred()
    bench.reviews.claim(ANNA, review)
    first = bench.decide(ANNA, registration)["statement"]
    bench.reviews.claim(BEN, review)
    second = bench.decide(BEN, registration)["statement"]
    jwks = bench.ring.current.public()
    one, two = verify(first, jwks, TYPE), verify(second, jwks, TYPE)
    verdict = bench.store.load(one["verification"])
    assert verdict is not None
    payload = jose.extract_compact(verdict["jws"].encode()).payload
    assert one["verdict_sha256"] == two["verdict_sha256"] == hashlib.sha256(payload).hexdigest()
    assert (one["officer"], two["officer"]) == (OFFICERS[ANNA], OFFICERS[BEN])
    assert (one["first_sha256"], one["outcome"]) == (None, None)
    assert two["first_sha256"] == hashlib.sha256(jose.extract_compact(first.encode()).payload).hexdigest()
    assert two["outcome"] == {"decision": "accept", "reason": "records_confirm"}
    with pytest.raises(SignatureInvalid):
        verify(first, jwks)  # no verdict, though the same key signed it
    with pytest.raises(SignatureInvalid):
        verify(verdict["jws"], jwks, TYPE)
    assert COMMENT not in first + second
    assert one["comment_sha256"] != hashlib.sha256(COMMENT.encode()).hexdigest(), "salted: it cannot be guessed"


def test_a_decision_whose_answer_was_lost_can_be_sent_again(bench: ReviewBench) -> None:
    registration, review = bench.referred()
    bench.reviews.claim(ANNA, review)
    first = bench.decide(ANNA, registration)
    assert bench.decide(ANNA, registration) == first
    refuse = (ReviewDecision.REFUSE, ReviewReason.OTHER_PERSON)
    assert refusal_code(bench.decide, ANNA, registration, *refuse) == "review_not_claimed"  # it is final
    assert refusal_code(bench.decide, BEN, registration) == "review_not_claimed"  # another officer's is not given
    bench.reviews.claim(BEN, review)
    second = bench.decide(BEN, registration)
    assert bench.decide(BEN, registration) == second
    assert second["outcome"] is not None
    assert bench.decide(ANNA, registration) == first, "what the second officer decided is not in it"
    assert len(bench.events("review_proposed")) == len(bench.events("review_decided")) == 1
    with bench.store.database.read() as connection:
        kinds = connection.execute(select(OUTBOX.c.kind).where(OUTBOX.c.verification == registration)).scalars().all()
    assert kinds.count(Kind.REVIEW) == 1


def test_the_same_decision_about_a_later_review_is_another_one(bench: ReviewBench) -> None:
    registration, review = bench.referred()
    again = (ReviewDecision.NEW_CAPTURE, ReviewReason.CAPTURES_UNUSABLE)
    bench.reviews.claim(ANNA, review)
    first = bench.decide(ANNA, registration, *again)
    bench.refer(registration)
    assert refusal_code(bench.decide, ANNA, registration, *again) == "review_not_claimed"
    later = bench.reviews.queue(ANNA, QueueQuery())[0]["id"]
    bench.reviews.claim(ANNA, later)
    assert bench.decide(ANNA, registration, *again)["statement"] != first["statement"]
    assert len(bench.events("review_decided")) == 2


def test_no_reviewer_accepts_a_child_without_a_guardian(bench: ReviewBench) -> None:
    registration, review = bench.referred("guardian_missing")
    bench.reviews.claim(ANNA, review)
    assert "accept" not in bench.reviews.read(ANNA, review)["decisions"], "the page does not offer it"
    assert refusal_code(bench.decide, ANNA, registration) == "reason_unsuitable"
    bench.decide(ANNA, registration, ReviewDecision.NEW_CAPTURE, ReviewReason.CAPTURES_UNUSABLE)
    assert bench.status(registration) is RegistrationStatus.NEEDS_NEW_CAPTURE


def test_only_who_holds_a_review_reads_and_decides_it(bench: ReviewBench) -> None:
    registration, review = bench.referred()
    assert refusal_code(bench.reviews.read, ANNA, review) == "review_not_claimed"
    assert refusal_code(bench.decide, ANNA, registration) == "review_not_claimed"
    bench.reviews.claim(ANNA, review)
    assert refusal_code(bench.reviews.claim, BEN, review) == "review_unavailable"
    assert refusal_code(bench.reviews.read, BEN, review) == "review_not_claimed"
    assert refusal_code(bench.reviews.release, BEN, review) == "review_not_claimed"
    assert refusal_code(bench.decide, BEN, registration) == "review_not_claimed"
    for stranger in (CARA, "client:nobody"):
        assert refusal_code(bench.reviews.queue, stranger, QueueQuery()) == "reviewer_unconfirmed"
        assert refusal_code(bench.reviews.claim, stranger, review) == "reviewer_unconfirmed"
        assert refusal_code(bench.decide, stranger, registration) == "reviewer_unconfirmed"
    other = WantedDecision(OFFICERS[BEN], ReviewDecision.ACCEPT, ReviewReason.RECORDS_CONFIRM)
    assert refusal_code(bench.reviews.decide, ANNA, registration, other) == "officer_differs"
    wrong = (ANNA, registration, ReviewDecision.ACCEPT, ReviewReason.OTHER_PERSON)
    assert refusal_code(bench.decide, *wrong) == "reason_unsuitable"
    own = (ANNA, registration, ReviewDecision.ACCEPT, ReviewReason.REVIEWERS_DISAGREE)
    assert refusal_code(bench.decide, *own) == "reason_unsuitable"
    assert bench.status(registration) is RegistrationStatus.IN_REVIEW


def test_what_a_reviewer_reads(bench: ReviewBench) -> None:
    _, review = bench.referred("face_similarity_low", "card_overexposed")
    entry = bench.reviews.queue(ANNA, QueueQuery())[0]
    assert NUMBER not in str(entry)
    bench.reviews.claim(ANNA, review)
    found = bench.reviews.read(ANNA, review)
    assert found["verdict"]["form"]["number"] == NUMBER
    assert "jws" not in found["verdict"]
    assert [attempt["reasons"] for attempt in found["attempts"]] == [["face_similarity_low", "card_overexposed"]]
    assert all({"value", "limit", "outcome"} <= check.keys() for check in found["verdict"]["checks"])
    about = bench.events("review_read")[0]
    assert (about["review"], about["officer"], about["by"]) == (review, OFFICERS[ANNA], ANNA)


def test_a_second_officer_does_not_see_the_first_opinion(bench: ReviewBench) -> None:
    registration, review = bench.referred()
    bench.reviews.claim(ANNA, review)
    bench.decide(ANNA, registration, ReviewDecision.REFUSE, ReviewReason.OTHER_PERSON)
    bench.reviews.claim(BEN, review)
    found = bench.reviews.read(BEN, review)
    assert found["first_officer"] == OFFICERS[ANNA]
    assert "refuse" not in {key for key in found if key != "decisions"}
    shown = str({key: value for key, value in found.items() if key != "decisions"})
    assert "other_person" not in shown
    assert COMMENT not in shown


def test_nothing_is_read_or_decided_without_its_line(bench: ReviewBench, tmp_path: Path) -> None:
    registration, review = bench.referred()
    bench.reviews.claim(ANNA, review)
    head = tmp_path / "keys" / "audit.head"
    kept = head.read_text()
    head.write_text("no head")
    for call in (lambda: bench.reviews.read(ANNA, review), lambda: bench.decide(ANNA, registration)):
        with pytest.raises(AuditBroken):
            call()
    head.write_text(kept)
    found = bench.reviews.store.find(review)
    assert found is not None
    assert (found.state, found.opinions) == (ReviewState.CLAIMED, ())
    assert bench.status(registration) is RegistrationStatus.IN_REVIEW


def test_the_queue_is_paged_and_filtered(bench: ReviewBench) -> None:
    made = [bench.referred("face_similarity_low" if i % 2 else "card_overexposed")[1] for i in range(6)]
    first = bench.reviews.queue(ANNA, QueueQuery(limit=4))
    rest = bench.reviews.queue(ANNA, QueueQuery(limit=4, after=first[-1]["id"]))
    assert [entry["id"] for entry in first + rest] == made
    dark = bench.reviews.queue(ANNA, QueueQuery(reason="face_similarity_low"))
    assert [entry["id"] for entry in dark] == made[1::2]
    assert bench.reviews.queue(ANNA, QueueQuery(reason="face_similarity")) == []
    assert bench.reviews.queue(ANNA, QueueQuery(opened_before_ms=0)) == []
    bench.reviews.claim(BEN, made[0])
    taken = bench.reviews.queue(ANNA, QueueQuery(states=frozenset({ReviewState.CLAIMED})))
    assert [(entry["id"], entry["claimed_by"], entry["mine"]) for entry in taken] == [(made[0], OFFICERS[BEN], False)]


def test_one_officer_holds_few_reviews_at_once(bench: ReviewBench) -> None:
    made = [bench.referred()[1] for _ in range(MOST_CLAIMS + 1)]
    for review in made[:-1]:
        bench.reviews.claim(ANNA, review)
    assert refusal_code(bench.reviews.claim, ANNA, made[-1]) == "review_unavailable"
    bench.reviews.claim(ANNA, made[0])  # its own again
    bench.reviews.release(ANNA, made[0])
    bench.reviews.claim(ANNA, made[-1])


def test_claims_that_one_officer_makes_together_are_counted_one_after_another(
    on_either: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = ReviewBench(on_either)
    bench.enrolled(ANNA)
    made = [bench.referred()[1] for _ in range(MOST_CLAIMS + 1)]
    for review in made[: MOST_CLAIMS - 1]:
        bench.reviews.claim(ANNA, review)
    locked, both = ReviewStore.lock, threading.Barrier(2)
    refused: list[str] = []

    def lock_together(store: ReviewStore, connection: Connection, review: str) -> Review:
        found = locked(store, connection, review)
        with suppress(threading.BrokenBarrierError):  # one waits for the other in vain, as it should
            both.wait(2)
        return found

    def try_it(review: str) -> None:
        try:
            bench.reviews.claim(ANNA, review)
        except ServiceProblem as problem:
            refused.append(problem.code)

    monkeypatch.setattr(ReviewStore, "lock", lock_together)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(try_it, made[-2:]))
    assert refused == ["review_unavailable"]
    entries = bench.reviews.queue(ANNA, QueueQuery(limit=100))
    assert sum(entry["mine"] for entry in entries) == MOST_CLAIMS


def test_of_two_who_claim_at_once_one_gets_it(bench: ReviewBench) -> None:
    _, review = bench.referred()
    got: list[str] = []
    ready = threading.Barrier(2)

    def try_it(client: str) -> None:
        ready.wait()
        with suppress(ServiceProblem):
            bench.reviews.claim(client, review)
            got.append(client)

    threads = [threading.Thread(target=try_it, args=(client,)) for client in (ANNA, BEN)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    assert bench.reviews.read(got[0], review)["mine"]


def test_erasing_the_registration_erases_the_review_with_its_comment(bench: ReviewBench, tmp_path: Path) -> None:
    registration, review = bench.referred()
    bench.reviews.claim(ANNA, review)
    bench.decide(ANNA, registration)
    row = bench.reviews.store.find(review)
    assert row is not None
    assert row.opinions[0].comment is not None
    assert row.opinions[0].comment.text == COMMENT
    assert COMMENT.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("verdicts.sqlite*"))
    assert COMMENT not in (tmp_path / "audit.jsonl").read_text()
    assert retention.erase_person(bench.store, bench.audit, NUMBER, by="operator") == 1
    assert bench.reviews.store.find(review) is None
    assert refusal_code(bench.reviews.claim, BEN, review) == "not_found"


def test_the_core_gets_the_statements_before_the_status_that_follows(bench: ReviewBench) -> None:
    registration, review = bench.referred()
    bench.reviews.claim(ANNA, review)
    bench.decide(ANNA, registration)
    kinds = [entry.kind for entry in bench.outbox.entries() if entry.registration == registration]
    assert Kind.REVIEW not in kinds, "one opinion decides nothing"
    bench.reviews.claim(BEN, review)
    decided = bench.decide(BEN, registration)
    entries = [entry for entry in bench.outbox.entries() if entry.registration == registration]
    assert [entry.kind for entry in entries][-2:] == [Kind.REVIEW, Kind.STATUS]
    claims = bench.delivery_worker._claims(entries[-2])
    assert claims is not None
    assert (claims["review"], claims["decision"]) == (review, "accept")
    assert claims["statements"][-1] == decided["statement"]
    assert len(claims["statements"]) == 2
    status = bench.delivery_worker._claims(entries[-1])
    assert status is not None
    payload = jose.extract_compact(decided["statement"].encode()).payload
    assert status["statement_sha256"] == hashlib.sha256(payload).hexdigest()
    retention.erase_registration(bench.store, bench.audit, registration, by="operator")
    assert bench.delivery_worker._claims(entries[-2]) is None
    assert all(entry.kind is not Kind.REVIEW for entry in bench.outbox.entries())


def test_a_review_whose_registration_moved_on_is_withdrawn(bench: ReviewBench) -> None:
    from idproof.service.cases.states import RegistrationEvent

    registration, review = bench.referred()
    bench.reviews.claim(ANNA, review)
    bench.move(registration, RegistrationEvent.EXPIRED)
    assert refusal_code(bench.decide, ANNA, registration) == "review_unavailable"
    assert refusal_code(bench.reviews.read, ANNA, review) == "review_unavailable"
    bench.reviews.clean()
    found = bench.reviews.store.find(review)
    assert found is not None
    assert found.state is ReviewState.WITHDRAWN
    assert bench.reviews.queue(ANNA, QueueQuery()) == []
    assert bench.status(registration) is RegistrationStatus.EXPIRED


def test_a_refer_that_new_captures_may_settle_waits_for_no_reviewer(bench: ReviewBench) -> None:
    registration = bench.cases.open("one", "r").id
    assert bench.refer(registration, step=NextStep.CAPTURE) is RegistrationStatus.NEEDS_NEW_CAPTURE
    assert bench.reviews.queue(ANNA, QueueQuery()) == []
