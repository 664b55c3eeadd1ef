"""An applicant who is asked for less never passes by that alone, and what was not asked is not passed."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.pipeline.decide import decide
from idproof.pipeline.liveness import requirements
from idproof.pipeline.liveness.challenge import PROFILE_OPTIONS, Options, draw
from idproof.pipeline.liveness.response import FrameTiming, LivenessResponse
from idproof.pipeline.types import CheckResult, Decision, Outcome, Status

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVERYTHING = {name: True for name in Options().to_json() if name not in PROFILE_OPTIONS}
REDUCING = ("cannot_turn", "cannot_nod", "cannot_approach", "photosensitive")
some_options = st.builds(Options, **{name: st.booleans() for name in EVERYTHING})


def response(options: Options, *, permitted: bool = False) -> LivenessResponse:
    challenge = draw(bytes(16), issued_at=NOW, options=options)
    timings = [FrameTiming(float(ms), i) for i, ms in enumerate(challenge.capture_ms())]
    return LivenessResponse(challenge, timings, NOW, reduction_permitted=permitted)


def passed(names: tuple[str, ...]) -> list[CheckResult]:
    return [CheckResult(name, Status.ASSESSED, Outcome.PASS) for name in names]


def best_checks(given_response: LivenessResponse) -> list[CheckResult]:
    """The checks if everything that was asked passes: the best that the client can reach."""
    challenge = given_response.challenge
    asked = requirements.check(challenge, reduction_permitted=given_response.reduction_permitted)
    measured = ["liveness", "liveness_fresh", "liveness_selfie", "liveness_selfie_scene", "liveness_portrait_copy"]
    measured += ["liveness_actions"] if challenge.head_steps else []
    measured += ["liveness_eyes_mouth"] if len(challenge.head_steps) < len(challenge.steps) else []
    measured += ["liveness_depth"] if any(step.action != "come_closer" for step in challenge.head_steps) else []
    lights = ("liveness_light", "liveness_light_strength", "liveness_light_distance")
    measured += lights if challenge.lights else ()
    return [asked, *passed(tuple(measured))]


def best_decision(given_response: LivenessResponse) -> Decision:
    return decide(best_checks(given_response), requirements.required(given_response))[0]


def test_who_can_do_everything_can_be_accepted() -> None:
    assert best_decision(response(Options())) is Decision.ACCEPT
    assert best_decision(response(Options(more_time=True))) is Decision.ACCEPT


@pytest.mark.parametrize("place", range(12))
@pytest.mark.parametrize("permitted", [False, True])
def test_a_check_that_was_not_made_never_accepts(place: int, *, permitted: bool) -> None:
    answer = response(Options(), permitted=permitted)
    checks = best_checks(answer)
    assert len(checks) == 12
    absent = checks.pop(place)
    assert decide(checks, requirements.required(answer)) == (Decision.REFER, (f"{absent.name}_missing",))


@given(some_options)
def test_ticking_boxes_gains_nothing(options: Options) -> None:
    expected = Decision.REFER if options.reduces else Decision.ACCEPT
    assert best_decision(response(options)) is expected


@given(some_options)
def test_a_grant_by_staff_is_worth_what_can_still_be_measured(options: Options) -> None:
    permitted = response(options, permitted=True)
    turns = any(step.action != "come_closer" for step in permitted.challenge.head_steps)
    enough = permitted.challenge.strength_bits >= requirements.MIN_BITS
    accepted = best_decision(permitted) is Decision.ACCEPT
    assert accepted == (enough and turns) == requirements.can_pass(options)
    assert accepted == requirements.can_pass(options)


def test_everything_ticked_asks_nothing_and_is_referred_even_with_a_grant() -> None:
    permitted = response(Options(**EVERYTHING), permitted=True)
    assert (permitted.challenge.steps, permitted.challenge.lights) == ((), ())
    asked = requirements.check(permitted.challenge, reduction_permitted=True)
    assert (asked.outcome, asked.reason, asked.value) == (Outcome.DOUBT, "challenge_reduced", 0.0)


@pytest.mark.parametrize("name", REDUCING)
def test_one_thing_that_a_person_cannot_do_leaves_ten_bits(name: str) -> None:
    challenge = response(Options(**{name: True})).challenge
    assert challenge.strength_bits >= requirements.MIN_BITS


def test_eyes_or_mouth_that_were_asked_for_must_have_passed() -> None:
    neither = Options(cannot_blink=True, cannot_open_mouth=True)
    assert "liveness_eyes_mouth" in requirements.required(response(Options()))
    assert "liveness_eyes_mouth" in requirements.required(response(Options(), permitted=True))
    assert "liveness_eyes_mouth" in requirements.required(response(neither)), "ticking both boxes gains nothing"
    assert "liveness_eyes_mouth" not in requirements.required(response(neither, permitted=True))
    unseen = Options(eyelids=False, lips=False)
    assert "liveness_eyes_mouth" not in requirements.required(response(unseen))


def test_no_frames_leave_liveness_missing() -> None:
    assert decide([], requirements.required(None)) == (Decision.REFER, ("liveness_missing",))
