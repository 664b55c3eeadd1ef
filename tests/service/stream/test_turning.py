"""The frames between the captures of the card: watched as they arrive, asked for again, and never kept."""

from collections.abc import Iterator

import pytest
from device_sessions import NONCE, SECRET, complete_stills, new_session
from rendered_applicant import FIRST, PLAN, SECOND, THIRD, Applicant, Rendered

from idproof.pipeline.card.plan import GUIDED
from idproof.pipeline.card.turning import meter
from idproof.pipeline.card.turning.track import LONGEST_ASKED_S, LONGEST_GAP_S, MOST_FRAMES
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.guidance import Guide
from idproof.pipeline.types import Outcome, Role, Status
from idproof.pipeline.vault.kinds import CROP
from idproof.service.stream.chain import Chain


@pytest.fixture(scope="module")
def genuine() -> Rendered:
    return Rendered(None)


@pytest.fixture(scope="module")
def prints() -> Rendered:
    return Rendered("replay_prints")


@pytest.fixture(scope="module")
def guide(document: DocumentType) -> Guide:
    return Guide.open(document, None)  # type: ignore[arg-type]  # no face is looked for


@pytest.fixture
def applicant(guide: Guide) -> Iterator[Applicant]:
    made = Applicant(guide)
    yield made
    made.session.end()


def capture(applicant: Applicant, seen: Rendered) -> None:
    for role in PLAN.order:
        applicant.turn(seen.ways.get(role.value, ()))
        applicant.take(seen)


def test_a_card_that_is_turned_passes(applicant: Applicant, genuine: Rendered) -> None:
    capture(applicant, genuine)
    found = applicant.session.check_turning()
    assert found.outcome is Outcome.PASS, found
    assert "turn_again" not in applicant.hints


def test_prints_that_are_exchanged_on_the_way_are_taken_and_then_fail(applicant: Applicant, prints: Rendered) -> None:
    """No hint says what is wrong with them."""
    capture(applicant, prints)
    found = applicant.session.check_turning()
    assert (found.outcome, found.reason) == (Outcome.FAIL, "card_pictures_exchanged"), found
    assert "turn_again" not in applicant.hints


def test_pictures_that_come_from_elsewhere_for_each_angle_are_not_taken_at_once_and_never_pass(
    applicant: Applicant, genuine: Rendered
) -> None:
    """Each stage shows the next capture at once: there is no way between them."""
    applicant.take(genuine)
    with pytest.raises(AssertionError, match="was not taken"):
        applicant.take(genuine)
    assert applicant.session.stage == SECOND
    assert "turn_again" in applicant.hints
    applicant.at_ms += LONGEST_ASKED_S * 1000  # whoever cannot be seen turning the card is not kept here for ever
    applicant.take(genuine)
    applicant.turn(genuine.ways[THIRD])
    applicant.take(genuine)
    found = applicant.session.check_turning()
    assert (found.status, found.reason) == (Status.COULD_NOT_ASSESS, "card_turn_not_seen")


@pytest.mark.parametrize("interrupted", ["put down", "another card"])
def test_an_applicant_who_was_interrupted_turns_the_card_again_and_passes(
    applicant: Applicant, genuine: Rendered, monkeypatch: pytest.MonkeyPatch, interrupted: str
) -> None:
    applicant.take(genuine)
    way = genuine.ways[SECOND]
    applicant.turn(way[: len(way) // 2])
    away = round(LONGEST_GAP_S * 10) + 2
    if interrupted == "put down":
        applicant.turn([genuine.nothing] * away)
    else:
        with monkeypatch.context() as patch:
            patch.setattr(meter, "_alike", lambda one, other: 0.1)
            applicant.turn([way[len(way) // 2]] * away)
    said = applicant.show(way[len(way) // 2])
    assert said["turn_target"] == targets(FIRST)
    applicant.turn(way[len(way) // 2 :])
    with pytest.raises(AssertionError, match="was not taken"):
        applicant.take(genuine)
    assert "turn_again" in applicant.hints
    applicant.turn([*way[::-1], *[genuine.in_place[FIRST]] * 2, *way])  # back, and there again
    applicant.take(genuine)
    applicant.turn(genuine.ways[THIRD])
    applicant.take(genuine)
    assert applicant.session.check_turning().outcome is Outcome.PASS


def targets(stage: str) -> list[float]:
    turn = PLAN.poses[Role(stage)].turn_deg
    return [turn - GUIDED.turn_deg, turn + GUIDED.turn_deg]


def test_a_thumb_for_a_moment_costs_nothing(applicant: Applicant, genuine: Rendered) -> None:
    applicant.take(genuine)
    way = genuine.ways[SECOND]
    applicant.turn([*way[:3], *[genuine.nothing] * 5, *way[3:]])
    applicant.take(genuine)
    assert applicant.session.stage == THIRD
    assert "turn_again" not in applicant.hints


def test_a_stage_that_is_taken_again_needs_its_way_again(applicant: Applicant, genuine: Rendered) -> None:
    capture(applicant, genuine)
    assert applicant.session.check_turning().outcome is Outcome.PASS
    applicant.session.retake(THIRD)
    assert applicant.session.check_turning().reason == "card_turn_not_seen"
    with pytest.raises(AssertionError, match="was not taken"):
        applicant.take(genuine)
    applicant.session.retake(FIRST)
    assert not applicant.session.pictures.vault_session.holds(CROP, "turned_portrait")


def test_only_numbers_of_few_frames_are_kept_and_one_small_portrait_in_the_vault(
    applicant: Applicant, genuine: Rendered
) -> None:
    applicant.take(genuine)
    held = applicant.session.pictures.vault_session
    with held.borrow(CROP, "turned_portrait") as portrait:
        assert portrait.size < 6000
    applicant.turn([genuine.in_place[FIRST]] * (MOST_FRAMES + 20))
    turning = applicant.session._memory.turning
    assert turning is not None
    assert turning.frames <= MOST_FRAMES
    assert held.outstanding == 3, "two stills and the portrait"
    applicant.session.pictures.prepare_verification()
    assert not held.holds(CROP, "turned_portrait")


def test_a_session_without_frames_of_the_way_is_not_assessed() -> None:
    session, device = new_session(), Chain(SECRET, NONCE)
    complete_stills(session, device)
    found = session.check_turning()
    assert (found.status, found.reason) == (Status.COULD_NOT_ASSESS, "card_turn_not_seen")
    session.end()
