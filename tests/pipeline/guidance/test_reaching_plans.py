"""Every plan is reached by a hand that follows the hints alone, and what is captured then follows the plan."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from guided_hand import GuidedHand
from pictures import pixels

from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.formations import FormationName, formation
from idproof.datasets.specimen.make import card_of, people_of
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.datasets.specimen.posing import pose_for
from idproof.pipeline import Policy, Verifier
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.plan import CardPose, check, draw
from idproof.pipeline.card.turns import measure_poses
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.guidance import GuidanceMemory, Guide, Hint
from idproof.pipeline.guidance.hints import CardFacts, for_card
from idproof.pipeline.types import Outcome, Role

STILLS = 2
"""Good stills that complete a stage, one directly after the other's preview: `service/stream/capture.py`."""
PREVIEWS = 300  # half a minute at ten per second
GUIDANCE_ERROR, VERIFICATION_ERROR = CardPose(0.4, 0.35, 0.002), CardPose(0.1, 0.05, 0.001)
"""Root mean square errors on 42 rendered captures with the card in place, rounded up: `TOLERANCE`."""


def with_error(pose: CardPose, error: CardPose, rng: np.random.Generator) -> CardPose:
    return CardPose(
        pose.turn_deg + rng.normal(0, error.turn_deg),
        pose.pitch_deg + rng.normal(0, error.pitch_deg),
        pose.share + rng.normal(0, error.share),
    )


def lead(
    hand: GuidedHand, wanted: CardPose, rng: np.random.Generator, hint_for: Callable[..., Hint] = for_card
) -> tuple[int, CardPose] | None:
    """Guide a hand to a pose; returns the previews that it took and the pose of the last still, or None."""
    good, pose = 0, hand.held
    bias = with_error(CardPose(0, 0, 0), GUIDANCE_ERROR, rng)  # the focal length is wrong for a whole stage alike
    for count in range(PREVIEWS):
        pose = hand.pose()
        seen = CardPose(pose.turn_deg + bias.turn_deg, pose.pitch_deg + bias.pitch_deg, pose.share + bias.share)
        hint = hint_for(CardFacts(True, seen, hand.motion, 130.0, 0.0, 0.8), wanted)
        good = good + 1 if hint is Hint.GOOD else 0
        if good > STILLS:  # a good preview asks for the first still
            return count, pose
        hand.hear(hint)
    return None


def test_a_hand_reaches_200_plans_and_its_captures_follow_them() -> None:
    rng = np.random.default_rng(11)
    taken: list[int] = []
    for _ in range(200):
        plan, hand, poses = draw(rng.bytes(32)), GuidedHand(rng), {}
        for role in plan.order:
            reached = lead(hand, plan.poses[role], rng)
            assert reached is not None, (role, plan.poses[role])
            taken.append(reached[0])
            poses[role] = with_error(reached[1], VERIFICATION_ERROR, rng)
        assert check(plan, poses).outcome is Outcome.PASS, (plan, poses)
    assert np.median(taken) < 60, "a stage takes six seconds"
    assert max(taken) < PREVIEWS


def test_a_hand_that_is_not_told_about_the_pitch_reaches_hardly_any_plan() -> None:
    """The control: without the hints for the pitch nobody holds it by chance in three captures."""

    def without_pitch(facts: CardFacts, wanted: CardPose) -> Hint:
        return for_card(replace(facts, pose=replace(facts.pose, pitch_deg=wanted.pitch_deg)), wanted)

    rng, followed = np.random.default_rng(12), 0
    for _ in range(50):
        plan, hand, poses = draw(rng.bytes(32)), GuidedHand(rng), {}
        for role in plan.order:
            reached = lead(hand, plan.poses[role], rng, without_pitch)
            poses[role] = plan.poses[role] if reached is None else reached[1]
        followed += check(plan, poses).outcome is Outcome.PASS
    assert followed < 10


class RenderedCard:
    """The card of one rendered registration, photographed in any pose."""

    def __init__(self, seed: int, document: DocumentType) -> None:
        draws = Draws(np.random.default_rng(seed), Split.TEST)
        holder, _ = people_of(seed, 0, PortraitSource.open(None), Split.TEST)
        self.card = card_of(document, holder, draws, None)
        self.session = formation(FormationName.ANALYTIC).begin(document, draws, {"front": (0.0, 0.0)})
        self.rng = draws.rng

    def photograph(self, pose: CardPose) -> bytes:
        """Returns a JPEG."""
        posed = self.session.posed({"front": pose_for(pose, float(self.rng.normal(0, 1.5)))})
        shot = posed.photograph("front", self.card.material(posed.views["front"]), self.rng)
        return posed.deliver(shot, self.rng).data


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(301, 307))
def test_a_hand_reaches_a_plan_with_rendered_previews(seed: int, verifier: Verifier, document: DocumentType) -> None:
    """The real guidance on rendered pictures, and the poses as the verification locates them in the stills."""
    assert verifier.face_detector is not None
    guide, locator = Guide.open(document, verifier.face_detector), CardLocator.open(document)
    card, rng = RenderedCard(seed, document), np.random.default_rng(seed)
    plan, hand, memory = draw(rng.bytes(32)), GuidedHand(rng), GuidanceMemory()
    views, at_s = {}, 0.0
    for role in plan.order:
        memory.begin_stage()
        good = 0
        for _ in range(PREVIEWS):
            picture, at_s = card.photograph(hand.pose()), at_s + 0.1
            found = guide.card(memoryview(picture), plan.poses[role], memory, at_s)
            good = good + 1 if found.hint is Hint.GOOD else 0
            if good > STILLS:
                views[role] = locator.locate(pixels(picture), Role(role), Policy())
                break
            hand.hear(found.hint)
        assert role in views, (role, plan.poses[role], hand.held)
    judged = check(plan, measure_poses(views, document))
    assert judged.outcome is Outcome.PASS, judged
