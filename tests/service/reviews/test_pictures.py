"""Sealed pictures: for reviewers alone, once each, for minutes, bounded; destroyed with a receipt however it ends."""

import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from review_bench import ADMIN, ANNA, BEN, CARA, PICTURES, ReviewBench

from idproof.pipeline.vault.sealed_copies import TakenCopies
from idproof.service.cases.next_steps import NextStep
from idproof.service.cases.states import RegistrationStatus
from idproof.service.errors import AuditBroken, ServiceProblem
from idproof.service.operations import retention
from idproof.service.operations.settings import Settings
from idproof.service.reviews.pictures import PictureRules
from idproof.service.reviews.reviews import Reviews
from idproof.service.reviews.rules import ReviewRules
from idproof.service.reviews.statement import TYPE
from idproof.service.signing.jws import verify

SUITE = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def a_bench(folder: Path, **limits: float) -> ReviewBench:
    made = ReviewBench(Settings(data_dir=folder), ReviewRules(), PictureRules(**{"views": 2, **limits}))  # type: ignore[arg-type]
    made.enrolled(ANNA, BEN)
    return made


@pytest.fixture
def bench(tmp_path: Path) -> ReviewBench:
    return a_bench(tmp_path)


def opened(bench: ReviewBench, client: str, taken: TakenCopies) -> dict[str, bytes]:
    cipher = AESGCM(SUITE.decrypt(taken.key, bench.private[client], info=taken.info))
    return {role: cipher.decrypt(data[:12], data[12:], role.encode()) for role, data in taken.pictures.items()}


def gone(reviews: Reviews, client: str, review: str) -> str:
    with pytest.raises(ServiceProblem) as caught:
        reviews.take_pictures(client, review)
    return caught.value.code


def test_each_officer_who_holds_the_review_is_given_them_once(bench: ReviewBench) -> None:
    registration, review = bench.referred()
    assert gone(bench.reviews, ANNA, review) == "review_not_claimed"
    bench.reviews.claim(ANNA, review)
    assert bench.reviews.read(ANNA, review)["pictures_until"] is not None
    assert opened(bench, ANNA, bench.reviews.take_pictures(ANNA, review)) == PICTURES
    assert gone(bench.reviews, ANNA, review) == "pictures_gone"
    first = verify(bench.decide(ANNA, registration)["statement"], bench.ring.current.public(), TYPE)
    assert first["pictures_seen"] is True
    bench.reviews.claim(BEN, review)
    assert opened(bench, BEN, bench.reviews.take_pictures(BEN, review)) == PICTURES
    assert bench.pictures is not None
    assert bench.pictures.verifications() == [], "after the second view nothing is left"
    second = verify(bench.decide(BEN, registration)["statement"], bench.ring.current.public(), TYPE)
    assert second["deletion"]["wiped"][0]["kind"] == "sealed_copy"
    assert (second["deletion"]["wiped"][0]["count"], second["deletion"]["outstanding"]) == (4, 0)
    causes = [about["cause"] for about in bench.events("review_pictures_destroyed")]
    assert causes == ["viewed"]
    assert [about["by"] for about in bench.events("review_pictures_taken")] == [ANNA, BEN]


def test_each_statement_says_whether_its_officer_saw_them_in_whatever_order(tmp_path: Path) -> None:
    bench = a_bench(tmp_path, views=2)
    registration, review = bench.referred()
    for client in (ANNA, BEN):  # both look, and give the review back
        bench.reviews.claim(client, review)
        bench.reviews.take_pictures(client, review)
        bench.reviews.release(client, review)
    for client in (ANNA, BEN):
        bench.reviews.claim(client, review)
        statement = bench.decide(client, registration)["statement"]
        assert verify(statement, bench.ring.current.public(), TYPE)["pictures_seen"], client


def test_a_decision_destroys_what_nobody_looked_at(bench: ReviewBench) -> None:
    registration, review = bench.referred()
    for client in (ANNA, BEN):
        bench.reviews.claim(client, review)
        told = verify(bench.decide(client, registration)["statement"], bench.ring.current.public(), TYPE)
        assert told["pictures_seen"] is False
    assert told["deletion"]["wiped"][0]["count"] == 4
    assert [about["cause"] for about in bench.events("review_pictures_destroyed")] == ["decided"]


def test_they_are_destroyed_when_their_time_is_over(tmp_path: Path) -> None:
    bench = a_bench(tmp_path, lifetime_s=0.3)
    _, review = bench.referred()
    bench.reviews.claim(ANNA, review)
    deadline = time.monotonic() + 10
    while bench.pictures is not None and bench.pictures.verifications() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert gone(bench.reviews, ANNA, review) == "pictures_gone"
    while not (told := bench.events("review_pictures_destroyed")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [about["cause"] for about in told] == ["time_over"]


def test_a_verdict_that_leads_to_no_review_leaves_none(bench: ReviewBench) -> None:
    registration = bench.cases.open("one", "r").id
    assert bench.refer(registration, step=NextStep.CAPTURE) is RegistrationStatus.NEEDS_NEW_CAPTURE
    assert bench.pictures is not None
    assert bench.pictures.verifications() == []
    assert [about["cause"] for about in bench.events("review_pictures_destroyed")] == ["not_reviewed"]


def test_an_erasure_reaches_them_within_a_cleaning(bench: ReviewBench) -> None:
    registration, review = bench.referred()
    retention.erase_registration(bench.store, bench.audit, registration, by="operator")
    assert gone(bench.reviews, ANNA, review) == "not_found"
    bench.reviews.clean()
    assert bench.pictures is not None
    assert bench.pictures.verifications() == []
    assert [about["cause"] for about in bench.events("review_pictures_destroyed")] == ["erased"]


def test_over_the_limit_of_bytes_none_are_kept_and_the_review_goes_on(tmp_path: Path) -> None:
    size = sum(len(data) + 28 for data in PICTURES.values())
    bench = a_bench(tmp_path, most_bytes=size)
    _, first = bench.referred()
    _, second = bench.referred()
    for review, kept in ((first, True), (second, False)):
        bench.reviews.claim(ANNA, review)
        assert (bench.reviews.read(ANNA, review)["pictures_until"] is not None) is kept
    document = bench.store.load(bench.reviews.store.find(second).verification)  # type: ignore[union-attr]
    assert document is not None
    assert document["deletion"]["sealed_copies"] == 0, "the verdict says how many copies exist"


def test_without_a_reviewer_with_a_key_none_are_made(tmp_path: Path) -> None:
    bench = ReviewBench(Settings(data_dir=tmp_path), ReviewRules(), PictureRules())
    bench.referred()
    assert bench.pictures is not None
    assert bench.pictures.verifications() == []
    assert bench.events("review_pictures_kept") == []


def test_who_enrols_or_is_revoked_later_is_given_none(bench: ReviewBench) -> None:
    _, review = bench.referred()
    bench.enrolled(CARA)
    bench.reviews.claim(CARA, review)
    assert gone(bench.reviews, CARA, review) == "pictures_gone"
    bench.reviews.release(CARA, review)
    mine = bench.reviewers.require_active(ANNA)
    bench.reviewers.revoke(mine.id, ADMIN)
    assert gone(bench.reviews, ANNA, review) == "reviewer_unconfirmed"


def test_nothing_is_given_or_kept_without_its_line(bench: ReviewBench, tmp_path: Path) -> None:
    _, review = bench.referred()
    bench.reviews.claim(ANNA, review)
    head = tmp_path / "keys" / "audit.head"
    kept = head.read_text()
    head.write_text("no head")
    with pytest.raises(AuditBroken):
        bench.reviews.take_pictures(ANNA, review)
    head.write_text(kept)
    assert opened(bench, ANNA, bench.reviews.take_pictures(ANNA, review)) == PICTURES


def test_the_end_of_the_process_destroys_them(bench: ReviewBench) -> None:
    bench.referred()
    assert bench.pictures is not None
    bench.pictures.close()
    assert bench.pictures.verifications() == []
    assert [about["cause"] for about in bench.events("review_pictures_destroyed")] == ["stopped"]
