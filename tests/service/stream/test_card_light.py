"""The screen's light on the card in a session: asked for before the stills, answered, asked for again, and required."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from device_sessions import new_session
from pictures import pixels
from rendered_applicant import FIRST, PLAN, Applicant, Rendered

from idproof.models.types import RGBImage
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.card.screen_light import lit_role
from idproof.pipeline.card.screen_light.track import MOST_ASKED
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.guidance import Guide
from idproof.pipeline.liveness.challenge import Options
from idproof.pipeline.origin import CaptureOrigin
from idproof.pipeline.types import Outcome, Status
from idproof.service.errors import StreamProblem
from idproof.service.registrations.streamed_session import add_stream
from idproof.service.stream.parameters import CardLightUse
from idproof.service.stream.simulator.player import in_light, small_of, swaying

LIT = lit_role(PLAN.order).value
Seen = Callable[[RGBImage, dict[str, Any], float], RGBImage]


@pytest.fixture(scope="module")
def genuine() -> Rendered:
    return Rendered(None)


@pytest.fixture(scope="module")
def guide(document: DocumentType) -> Guide:
    return Guide.open(document, None)  # type: ignore[arg-type]  # no face is looked for


@pytest.fixture
def applicant(guide: Guide) -> Iterator[Applicant]:
    made = Applicant(guide, CardLightUse.REQUIRED)
    yield made
    made.session.end()


def reach(applicant: Applicant, seen: Rendered) -> dict[str, Any]:
    """Hold the card in the pose that is lit; returns the message `light`."""
    for role in PLAN.order:
        if role.value == LIT:
            return turn_until_light(applicant, seen)
        applicant.turn(seen.ways.get(role.value, ()))
        applicant.take(seen)
    raise AssertionError("no pose is lit")


def hold_until_light(applicant: Applicant, seen: Rendered) -> dict[str, Any]:
    for _ in range(30):
        if applicant.said[-1]["type"] == "light":
            assert (applicant.said[-2]["hint"], applicant.said[-2]["want"]) == ("hold_for_colours", "preview")
            return applicant.said[-1]
        applicant.show(seen.in_place[LIT])
    raise AssertionError(f"no light was asked for: {applicant.hints[-12:]}")


def turn_until_light(applicant: Applicant, seen: Rendered) -> dict[str, Any]:
    for picture in seen.ways[LIT]:
        applicant.show(picture)
        if applicant.said[-1]["type"] == "light":
            break
    return hold_until_light(applicant, seen)


def lights(applicant: Applicant) -> list[dict[str, Any]]:
    return [message for message in applicant.said if message["type"] == "light"]


def answer(applicant: Applicant, seen: Rendered, message: dict[str, Any], under: Seen, until_ms: float = 1e9) -> None:
    """Shows the light, and what is in the card's place under it."""
    light, rng = message["light"], np.random.default_rng(4)
    began = applicant.at_ms + 50
    applicant.session.begin_light(round(began * 1000))
    small = small_of(pixels(seen.stills[LIT])[..., ::-1])
    while applicant.at_ms - began < min(light["duration_ms"] + 200, until_ms):
        at_ms = applicant.at_ms + 100 - began - 60  # a camera's lag
        found = applicant.show(swaying(under(small, light, max(at_ms, 0.0)), 1.0, rng))
        assert found["want"] == "preview"


def nothing_changes(picture: RGBImage, light: dict[str, Any], at_ms: float) -> RGBImage:
    return picture


def finish(applicant: Applicant, seen: Rendered) -> None:
    """Take what is left of the card."""
    for role in PLAN.order[PLAN.order.index(lit_role(PLAN.order)) :]:
        if role.value != LIT:
            applicant.turn(seen.ways[role.value])
        applicant.take(seen)


def test_a_card_that_answers_passes_and_is_then_captured(applicant: Applicant, genuine: Rendered) -> None:
    message = reach(applicant, genuine)
    assert message["left"] == MOST_ASKED - 1
    assert len(message["light"]["lights"]) == 8
    answer(applicant, genuine, message, in_light)
    finish(applicant, genuine)
    found = applicant.session.check_light()
    assert found is not None
    assert found.outcome is Outcome.PASS, found
    assert applicant.session.check_turning().outcome is Outcome.PASS, "the light interrupts no way"
    assert len(lights(applicant)) == 1
    origin = add_stream(CaptureOrigin(CaptureLevel.DEVICE), applicant.session)
    assert origin.lit
    assert [check.name for check in origin.checks] == ["card_turned_continuously", "card_light"]


def test_what_does_not_answer_is_captured_and_does_not_pass(applicant: Applicant, genuine: Rendered) -> None:
    answer(applicant, genuine, reach(applicant, genuine), nothing_changes)
    finish(applicant, genuine)
    found = applicant.session.check_light()
    assert found is not None
    assert (found.status, found.reason) == (Status.COULD_NOT_ASSESS, "card_light_too_weak")
    assert len(lights(applicant)) == 1, "nobody learns that it did not answer"


def test_the_answer_to_another_light_does_not_pass(applicant: Applicant, genuine: Rendered) -> None:
    def recorded(picture: RGBImage, light: dict[str, Any], at_ms: float) -> RGBImage:
        exchanged = [each | {"left": each["right"], "right": each["left"]} for each in light["lights"]]
        return in_light(picture, {"lights": exchanged}, at_ms)

    answer(applicant, genuine, reach(applicant, genuine), recorded)
    found = applicant.session.check_light()
    assert found is not None
    assert found.outcome is not Outcome.PASS


def test_a_card_that_leaves_the_light_is_lit_again_in_other_colours(applicant: Applicant, genuine: Rendered) -> None:
    first = reach(applicant, genuine)
    answer(applicant, genuine, first, in_light, until_ms=2000)
    for _ in range(7):
        applicant.show(genuine.nothing)
    second = hold_until_light(applicant, genuine)
    assert second["light"] != first["light"]
    assert second["left"] == MOST_ASKED - 2
    answer(applicant, genuine, second, in_light)
    found = applicant.session.check_light()
    assert found is not None
    assert found.outcome is Outcome.PASS


def test_a_device_that_shows_nothing_goes_on_and_is_not_assessed(applicant: Applicant, genuine: Rendered) -> None:
    reach(applicant, genuine)
    for _ in range(130):
        applicant.show(genuine.in_place[LIT])
        if applicant.hints[-1] == "good":
            break
    assert len(lights(applicant)) == MOST_ASKED
    finish(applicant, genuine)
    found = applicant.session.check_light()
    assert found is not None
    assert (found.status, found.reason) == (Status.COULD_NOT_ASSESS, "card_light_not_seen")


def test_colours_count_only_when_they_are_asked_for(applicant: Applicant) -> None:
    with pytest.raises(StreamProblem, match="No light is asked for"):
        applicant.session.begin_light(0)


def test_the_picture_before_the_light_is_overwritten(applicant: Applicant, genuine: Rendered) -> None:
    pictures = applicant.session.pictures
    answer(applicant, genuine, reach(applicant, genuine), in_light)
    with pictures.borrow_unlit() as card:
        assert card is not None
    applicant.take(genuine)
    with pictures.borrow_unlit() as card:
        assert card is None


def test_a_capture_that_is_taken_again_is_lit_again(applicant: Applicant, genuine: Rendered) -> None:
    answer(applicant, genuine, reach(applicant, genuine), in_light)
    applicant.take(genuine)
    applicant.session.retake(FIRST)
    found = applicant.session.check_light()
    assert found is not None
    assert found.reason == "card_light_not_seen"


def test_a_session_without_light_has_no_such_check() -> None:
    session = new_session()
    assert session.check_light() is None
    origin = add_stream(CaptureOrigin(CaptureLevel.DEVICE), session)
    assert not origin.lit


def test_who_is_sensitive_to_changing_light_is_not_shown_it_and_cannot_take_that_back() -> None:
    """With the option a person decides unless staff granted it; without it the missing answer refers."""
    session = new_session(card_light=CardLightUse.NOT_SHOWN)
    session._options = Options(photosensitive=True)
    assert session.check_light() is None
    session._options = Options()
    found = session.check_light()
    assert found is not None
    assert found.status is Status.COULD_NOT_ASSESS
