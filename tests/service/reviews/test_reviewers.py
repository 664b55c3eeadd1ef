"""Enrolments of reviewers: confirmed by somebody else by the key's fingerprint, one officer per client, revocable."""

from pathlib import Path

import commands
import pytest
from review_bench import ADMIN, ANNA, BEN, CARA, OFFICERS, ReviewBench
from sqlalchemy import select, update

from idproof.service.auth.api_keys import ApiKeys
from idproof.service.errors import ServiceProblem, StoreUnavailable
from idproof.service.operations.settings import Settings
from idproof.service.reviews.reviewers import _MOST_PENDING
from idproof.service.reviews.rules import ReviewRules
from idproof.service.reviews.states import ReviewerState
from idproof.service.storage.schema_registrations import REVIEWERS


@pytest.fixture
def bench(tmp_path: Path) -> ReviewBench:
    return ReviewBench(Settings(data_dir=tmp_path))


def point(bench: ReviewBench, client: str) -> bytes:
    found = bench.reviewers.of_client(client)
    assert found is not None
    assert found.recipient is not None
    return found.recipient.public_key


def test_an_enrolment_counts_once_somebody_else_confirmed_its_fingerprint(bench: ReviewBench) -> None:
    (made,) = bench.enrolled(ANNA)
    waiting = bench.reviewers.enrol(BEN, OFFICERS[BEN], point(bench, ANNA))
    assert waiting.state is ReviewerState.PENDING
    assert bench.reviewers.recipients() == [made.recipient]
    for fingerprint, by, code in (
        (waiting.fingerprint, BEN, "reviewer_taken"),
        ("0000 " * 7 + "0000", ADMIN, "fingerprint_differs"),
        (None, ADMIN, "fingerprint_differs"),
    ):
        with pytest.raises(ServiceProblem) as caught:
            bench.reviewers.confirm(waiting.id, fingerprint, by)
        assert caught.value.code == code
    assert waiting.fingerprint is not None
    typed = waiting.fingerprint.replace(" ", "").upper()
    assert bench.reviewers.confirm(waiting.id, typed, ADMIN).state is ReviewerState.ACTIVE
    with pytest.raises(ServiceProblem):
        bench.reviewers.confirm(waiting.id, typed, ADMIN)  # twice
    assert len(bench.reviewers.recipients()) == 2


def test_a_new_key_replaces_the_old_one_only_when_it_is_confirmed(bench: ReviewBench) -> None:
    (old,) = bench.enrolled(ANNA)
    bench.enrolled(BEN)
    new = bench.reviewers.enrol(ANNA, OFFICERS[ANNA], point(bench, BEN))
    assert bench.reviewers.of_client(ANNA) == old, "the confirmed one stays in force meanwhile"
    bench.reviewers.confirm(new.id, new.fingerprint, ADMIN)
    assert bench.reviewers.require_active(ANNA).id == new.id
    assert [each.state for each in bench.reviewers.entries() if each.id == old.id] == [ReviewerState.REVOKED]


def test_a_revoked_reviewer_is_none_at_once(bench: ReviewBench) -> None:
    (made,) = bench.enrolled(ANNA)
    assert bench.reviewers.revoke(made.id, ADMIN)
    assert not bench.reviewers.revoke(made.id, ADMIN)
    assert bench.reviewers.recipients() == []
    with pytest.raises(ServiceProblem, match="in force"):
        bench.reviewers.require_active(ANNA)
    assert [about["by"] for about in bench.events("reviewer_revoked")] == [ADMIN]


def test_who_only_writes_the_database_cannot_exchange_a_key(bench: ReviewBench) -> None:
    anna, ben = bench.enrolled(ANNA, BEN)
    waiting = bench.reviewers.enrol(CARA, OFFICERS[CARA], point(bench, BEN))
    with bench.store.database.write() as connection:
        # The sealed part of another row does not open in its place.
        theirs = connection.scalar(select(REVIEWERS.c.sealed).where(REVIEWERS.c.id == ben.id))
        mine = connection.scalar(select(REVIEWERS.c.sealed).where(REVIEWERS.c.id == anna.id))
        connection.execute(update(REVIEWERS).where(REVIEWERS.c.id == anna.id).values(sealed=theirs))
        # A row that nobody confirmed does not become active by its column.
        connection.execute(update(REVIEWERS).where(REVIEWERS.c.id == waiting.id).values(state="active"))
    with pytest.raises(StoreUnavailable):
        bench.reviewers.recipients()
    with bench.store.database.write() as connection:
        connection.execute(update(REVIEWERS).where(REVIEWERS.c.id == anna.id).values(sealed=mine))
        # A client that stands in for an officer is found out.
        connection.execute(update(REVIEWERS).where(REVIEWERS.c.id == ben.id).values(client="client:thief"))
    assert bench.reviewers.recipients() == [anna.recipient]
    for client in (CARA, "client:thief"):
        with pytest.raises(ServiceProblem):
            bench.reviewers.require_active(client)


def test_few_enrolments_wait_at_once_and_bad_keys_are_refused(bench: ReviewBench) -> None:
    for _ in range(_MOST_PENDING):
        bench.reviewers.enrol(ANNA, OFFICERS[ANNA], None)
    with pytest.raises(ServiceProblem):
        bench.reviewers.enrol(ANNA, OFFICERS[ANNA], None)
    for data in (b"\x04" + bytes(64), bytes(65), b"\x04" * 10):
        with pytest.raises(ServiceProblem) as caught:
            bench.reviewers.enrol(BEN, OFFICERS[BEN], data)
        assert caught.value.code == "public_key_invalid"


def test_where_the_policy_asks_for_no_second_person_an_enrolment_is_in_force(tmp_path: Path) -> None:
    bench = ReviewBench(Settings(data_dir=tmp_path), ReviewRules(confirmed=False))
    assert bench.reviewers.enrol(ANNA, OFFICERS[ANNA], None).state is ReviewerState.ACTIVE
    assert bench.events("reviewer_confirmed")[0]["by"] == ANNA


def test_operators_list_confirm_and_revoke(bench: ReviewBench) -> None:
    (anna,) = bench.enrolled(ANNA)
    waiting = bench.reviewers.enrol(BEN, OFFICERS[BEN], point(bench, ANNA))
    where = ("--data-dir", bench.settings.data_dir)
    shown = commands.idproof("reviewer", "list", *where).stdout.splitlines()
    assert shown[0].startswith(f"{waiting.id}  HK-0422  of {BEN}  pending")
    assert shown[0].endswith(str(waiting.fingerprint))
    assert "HK-0421" in shown[1]
    wrong = commands.idproof("reviewer", "confirm", waiting.id, "--fingerprint", "0" * 32, *where)
    assert (wrong.returncode, wrong.stderr.split(":")[0]) == (2, "fingerprint_differs")
    right = commands.idproof("reviewer", "confirm", waiting.id, "--fingerprint", waiting.fingerprint, *where)
    assert right.stdout == "HK-0422 reviews from now on\n"
    assert commands.idproof("reviewer", "revoke", anna.id, *where).stdout == "revoked\n"
    assert commands.idproof("reviewer", "revoke", anna.id, *where).returncode == 1


def test_a_client_that_is_merged_into_another_is_no_second_officer(bench: ReviewBench) -> None:
    keys = ApiKeys(bench.store.database)
    bench.enrolled(ANNA, BEN)
    keys.merge(ANNA, BEN)
    assert {each.officer: each.state for each in bench.reviewers.entries()} == {
        OFFICERS[ANNA]: ReviewerState.REVOKED,
        OFFICERS[BEN]: ReviewerState.ACTIVE,
    }
    assert len(bench.reviewers.recipients()) == 1
