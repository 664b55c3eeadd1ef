"""Two officers decide a review: who counts as a second one, and what two opinions make together."""

from pathlib import Path

import pytest
from review_bench import ADMIN, ANNA, BEN, CARA, OFFICERS, ReviewBench, refusal_code

from idproof.service.auth.api_keys import ApiKeys
from idproof.service.cases.states import RegistrationStatus
from idproof.service.operations.settings import Settings
from idproof.service.reviews.decisions import REASONS, ReviewDecision, ReviewReason
from idproof.service.reviews.rules import ReviewRules
from idproof.service.reviews.store import QueueQuery


def test_two_officers_accept_a_registration(bench: ReviewBench) -> None:
    registration, review = bench.referred()
    before = bench.store.load(bench.reviews.store.find(review).verification)  # type: ignore[union-attr]
    bench.reviews.claim(ANNA, review)
    first = bench.decide(ANNA, registration)
    assert first["outcome"] is None
    assert bench.status(registration) is RegistrationStatus.IN_REVIEW
    assert refusal_code(bench.reviews.claim, ANNA, review) == "second_officer_needed"
    bench.reviews.claim(BEN, review)
    second = bench.decide(BEN, registration, reason=ReviewReason.DOUBT_EXPLAINED, comment=None)
    assert second["outcome"] == {"decision": "accept", "reason": "doubt_explained"}
    assert bench.status(registration) is RegistrationStatus.ACCEPTED
    assert bench.store.load(before["id"]) == before, "the verdict is as it was"  # type: ignore[index]


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        (ReviewDecision.ACCEPT, ReviewDecision.REFUSE, RegistrationStatus.AT_COUNTER),
        (ReviewDecision.REFUSE, ReviewDecision.ACCEPT, RegistrationStatus.AT_COUNTER),
        (ReviewDecision.REFUSE, ReviewDecision.REFUSE, RegistrationStatus.REFUSED),
        (ReviewDecision.ACCEPT, ReviewDecision.NEW_CAPTURE, RegistrationStatus.AT_COUNTER),
    ],
)
def test_two_opinions_end_a_registration_only_together(
    bench: ReviewBench, first: ReviewDecision, second: ReviewDecision, status: RegistrationStatus
) -> None:
    registration, review = bench.referred()
    for client, decision in ((ANNA, first), (BEN, second)):
        bench.reviews.claim(client, review)
        bench.decide(client, registration, decision, REASONS[decision][0])
    assert bench.status(registration) is status
    if first is not second:
        assert bench.events("review_decided")[0]["reason"] == "reviewers_disagree"


def test_one_officer_suffices_for_what_ends_nothing_and_where_the_policy_says_so(tmp_path: Path) -> None:
    bench = ReviewBench(Settings(data_dir=tmp_path))
    bench.enrolled(ANNA)
    registration, review = bench.referred()
    bench.reviews.claim(ANNA, review)
    bench.decide(ANNA, registration, ReviewDecision.NEW_CAPTURE, ReviewReason.CAPTURES_UNUSABLE)
    assert bench.status(registration) is RegistrationStatus.NEEDS_NEW_CAPTURE
    assert bench.refer(registration) is RegistrationStatus.IN_REVIEW, "a second verdict has a review of its own"
    alone = ReviewBench(Settings(data_dir=tmp_path), ReviewRules(officers=1))
    again = alone.reviews.queue(ANNA, QueueQuery())[0]["id"]
    alone.reviews.claim(ANNA, again)
    alone.decide(ANNA, registration)
    assert alone.status(registration) is RegistrationStatus.ACCEPTED


def test_two_keys_or_two_clients_of_one_officer_are_not_two_officers(bench: ReviewBench) -> None:
    registration, review = bench.referred()
    bench.reviews.claim(ANNA, review)
    bench.decide(ANNA, registration)
    assert refusal_code(bench.reviews.claim, ANNA, review) == "second_officer_needed"
    # Another client under the same number, in any case of letters, is refused when it enrols.
    assert refusal_code(bench.reviewers.enrol, CARA, OFFICERS[ANNA].lower(), None) == "reviewer_taken"
    # And so is a second number of the same client.
    assert refusal_code(bench.reviewers.enrol, ANNA, "HK-7777", None) == "reviewer_taken"
    # A new key of the same officer is still that officer.
    bench.enrolled(ANNA)
    assert refusal_code(bench.reviews.claim, ANNA, review) == "second_officer_needed"
    # After a revocation somebody else may take the number over; the first opinion stays that number's.
    mine = bench.reviewers.of_client(ANNA)
    assert mine is not None
    assert bench.reviewers.revoke(mine.id, ADMIN)
    taken = bench.reviewers.enrol(CARA, OFFICERS[ANNA], None)
    bench.reviewers.confirm(taken.id, None, ADMIN)
    assert refusal_code(bench.reviews.claim, CARA, review) == "second_officer_needed"


@pytest.mark.parametrize("claimed_before", [False, True])
def test_the_opinion_of_a_merged_client_counts_as_the_remaining_clients(
    bench: ReviewBench, claimed_before: bool
) -> None:
    """One person has the keys of both clients."""
    bench.enrolled(CARA)
    registration, review = bench.referred()
    bench.reviews.claim(ANNA, review)
    bench.decide(ANNA, registration)
    if claimed_before:
        bench.reviews.claim(BEN, review)
    keys = ApiKeys(bench.store.database)
    keys.merge(ANNA, "client:between")
    keys.merge("client:between", BEN)
    if claimed_before:
        assert refusal_code(bench.decide, BEN, registration) == "second_officer_needed"
        bench.reviews.release(BEN, review)
    assert refusal_code(bench.reviews.claim, BEN, review) == "second_officer_needed"
    bench.reviews.claim(CARA, review)
    assert bench.decide(CARA, registration)["outcome"] is not None


def test_a_client_that_enrols_again_under_another_number_is_no_second_officer(bench: ReviewBench) -> None:
    registration, review = bench.referred()
    bench.reviews.claim(ANNA, review)
    bench.decide(ANNA, registration)
    mine = bench.reviewers.of_client(ANNA)
    assert mine is not None
    assert bench.reviewers.revoke(mine.id, ADMIN)
    renamed = bench.reviewers.enrol(ANNA, "HK-7777", None)
    bench.reviewers.confirm(renamed.id, None, ADMIN)
    assert refusal_code(bench.reviews.claim, ANNA, review) == "second_officer_needed"
    assert bench.reviews.queue(ANNA, QueueQuery())[0]["own_opinion"], "the page offers it to nobody in vain"
    bench.reviews.claim(BEN, review)
    bench.decide(BEN, registration)
    assert bench.status(registration) is RegistrationStatus.ACCEPTED
