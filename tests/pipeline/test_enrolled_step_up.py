"""A step-up by the holder's own template accepts the living holder alone, and keeps nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from held_faces import HOLDER, answer_of, frames_of, jpeg, photographs, sat, selfie_of

from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline import Decision, Limits, Outcome, Role, Verifier, assurance, step_up
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.config import Policy
from idproof.pipeline.face import detection, enrolled
from idproof.pipeline.findings import Findings
from idproof.pipeline.liveness import injection
from idproof.pipeline.liveness.challenge import Challenge, Options, draw
from idproof.pipeline.liveness.frames import MIN_FRAMES
from idproof.pipeline.liveness.response import FrameTiming, LivenessResponse
from idproof.pipeline.origin import CaptureOrigin
from idproof.pipeline.types import CheckResult, Status
from idproof.pipeline.vault import Vault
from idproof.pipeline.vault.kinds import ENROLLED_TEMPLATE, TEMPLATE

DEVICE = CaptureOrigin(CaptureLevel.DEVICE)
TIMINGS = tuple(FrameTiming(33.0 * number, number) for number in range(MIN_FRAMES))


def challenge(options: Options | None = None) -> Challenge:
    return draw(bytes([5]) * 32, issued_at=datetime.now(UTC), options=options or Options())


def template_of(verifier: Verifier, person: str = HOLDER) -> Any:
    """The template of another photograph than the one before the camera."""
    engines = verifier.executor.tools.engines  # type: ignore[attr-defined]
    picture = detection.pad_edges(photographs(person)[0])
    face = detection.find_portrait_face(picture, engines.detector, "selfie")
    return engines.embedder.embed([engines.embedder.align(picture, face.landmarks)])


@pytest.fixture
def check(verifier: Verifier) -> Callable[..., step_up.HolderCheck]:
    """Checks whoever is before the camera against a person's enrolled template."""

    def run(
        person: str = HOLDER,
        *,
        frames: list[Any] | None = None,
        origin: CaptureOrigin = DEVICE,
        asked: Challenge | None = None,
    ) -> step_up.HolderCheck:
        policy = replace(Policy(), required=("fields_readable", "face_comparison"))
        mine = Verifier(replace(verifier.rules, policy=policy), verifier.executor)
        asked = asked or challenge()
        frames = frames or frames_of(sat(), asked)
        answer = answer_of(asked, frames)
        with mine.vault.open() as session:
            session.put(TEMPLATE, ENROLLED_TEMPLATE, template_of(verifier, person))
            session.receive(Role.SELFIE).write(selfie_of(sat()))
            for name, frame in zip(answer.names, frames, strict=True):
                session.receive(name).write(jpeg(frame.pixels))
            found = mine.check_enrolled(session, answer, origin)
            assert session.outstanding == 0
        return found

    return run


def test_the_holder_is_accepted_and_nothing_stays(check: Any) -> None:
    found = check()
    assert (found.decision, found.reasons) == (Decision.ACCEPT, ())
    assert {*found.required} <= {result.name for result in found.checks if result.outcome is Outcome.PASS}
    assert enrolled.NAME in found.required
    assert injection.PORTRAIT not in {result.name for result in found.checks}, "there is no picture to copy"
    roles = {role for entry in found.deletion.wiped if entry.kind == TEMPLATE for role in entry.roles}
    assert {ENROLLED_TEMPLATE, "portrait", "selfie", "selfie_colour"} <= roles
    assert found.deletion.outstanding == 0


def test_another_persons_template_is_not_accepted(check: Any) -> None:
    found = check(PortraitSource.open(None).others(HOLDER)[0])
    assert (found.decision, found.reasons[0]) == (Decision.REJECT, enrolled.DIFFERS)


def test_a_print_of_the_holder_is_not_accepted(check: Any) -> None:
    asked = challenge()
    assert check(frames=frames_of(sat(), asked, "print_flat"), asked=asked).decision is Decision.REJECT


def test_files_and_reduced_challenges_are_not_accepted(check: Any) -> None:
    found = check(origin=CaptureOrigin(CaptureLevel.UPLOAD))
    assert (found.decision, found.reasons) == (Decision.REFER, ("captures_injectable",))
    asked = challenge(Options(cannot_turn=True))
    found = check(frames=frames_of(sat(), asked), asked=asked)
    assert "challenge_reduced" in found.reasons
    assert found.decision is Decision.REFER


def test_the_template_is_the_one_that_a_registration_computes(verifier: Verifier) -> None:
    engines = verifier.executor.tools.engines  # type: ignore[attr-defined]
    assert verifier.template_network == engines.embedder_sha256
    assert verifier.template_network in engines.weights.values()
    assert np.isclose(np.linalg.norm(template_of(verifier)), 1.0, atol=1e-5)


def passed(name: str) -> CheckResult:
    return CheckResult(name, Status.ASSESSED, Outcome.PASS, score=1.0)


def test_a_comparison_that_could_not_be_made_keeps_its_reason() -> None:
    named = enrolled.named(CheckResult.not_assessed("face_comparison", "because"))
    assert named == CheckResult.not_assessed(enrolled.NAME, "because")


@pytest.mark.parametrize("fault", ["missing", Status.COULD_NOT_ASSESS, Outcome.DOUBT, Outcome.FAIL])
def test_no_required_check_may_be_left_out(fault: Any) -> None:
    """A check that was not made, could not be assessed, or did not pass accepts nobody."""
    policy = replace(Policy(), required=("captures_fresh",))
    rules: Any = SimpleNamespace(policy=policy, profile="open")
    asked = challenge()
    answer = LivenessResponse(asked, TIMINGS, datetime.now(UTC))
    needed = step_up.required_of_enrolled(rules, answer)
    assert {enrolled.NAME, "captures_fresh", assurance.NAME} <= set(needed)

    def decided(checks: list[CheckResult]) -> Decision:
        examiner: Any = SimpleNamespace(examine_enrolled=lambda *_: Findings(tuple(checks), {}, {}, {}))
        with Vault(Limits()).open() as session:
            return step_up.check_enrolled(session, rules, examiner, answer, DEVICE).decision

    examined = [name for name in needed if name != assurance.NAME]
    assert decided([passed(name) for name in examined]) is Decision.ACCEPT
    for name in examined:
        others = [passed(other) for other in examined if other != name]
        match fault:
            case Status():
                others.append(CheckResult.not_assessed(name, "reason"))
            case Outcome():
                others.append(replace(passed(name), outcome=fault, reason="reason"))
        assert decided(others) is (Decision.REJECT if fault is Outcome.FAIL else Decision.REFER), name
