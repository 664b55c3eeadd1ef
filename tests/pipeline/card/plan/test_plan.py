"""The plan is drawn from the nonce alone, no pose fits two plans, and captures that show other poses are referred."""

import math
import secrets
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import pixels

from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.make import make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.datasets.specimen.posing import pose_for, poses_of
from idproof.datasets.specimen.view import Lens, Pose, View
from idproof.pipeline import Captures, Decision, Policy, Verifier
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.plan import GUIDED, TOLERANCE, CapturePlan, CardPose, check, draw
from idproof.pipeline.card.plan.types import PITCHES_DEG, SHARES, TURNS_DEG, possible_poses
from idproof.pipeline.card.turns import measure_poses
from idproof.pipeline.card.view import CardView
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.origin import CaptureOrigin
from idproof.pipeline.types import CARD_ROLES, Outcome, Role, Status

MEASURES = ("turn_deg", "pitch_deg", "share")
ERROR_DEG, ERROR_SHARE = 0.2, 0.001
"""Greatest errors of the verification's measurement on 42 rendered captures (`TOLERANCE`)."""


def key_of(plan: CapturePlan) -> tuple[CardPose, ...]:
    return tuple(plan.poses[role] for role in CARD_ROLES)


def drawn(seed: int, count: int) -> Iterator[CapturePlan]:
    rng = np.random.default_rng(seed)
    return (draw(rng.bytes(32)) for _ in range(count))


def test_a_nonce_gives_one_plan_and_every_plan_is_drawn_equally_often() -> None:
    nonce = secrets.token_bytes(32)
    assert draw(nonce) == draw(nonce)
    plans = list(drawn(1, 20_000))
    keys = {key_of(plan) for plan in plans}
    assert keys == set(product(*(possible_poses(role) for role in CARD_ROLES)))
    assert plans[0].strength_bits == math.log2(len(keys)) == math.log2(864)
    counts = np.array([sum(plan.order == order for plan in plans) for order in {plan.order for plan in plans}])
    assert len(counts) == 6
    assert np.abs(counts / len(plans) - 1 / 6).max() < 0.015
    with pytest.raises(ValueError, match="16 bytes"):
        draw(bytes(15))


def test_no_pose_fits_two_levels_and_guidance_ends_within_the_tolerance() -> None:
    tilt = TURNS_DEG[Role.CARD_TILT_LEFT]
    for levels, measure in ((tilt, "turn_deg"), (PITCHES_DEG, "pitch_deg"), (SHARES, "share")):
        assert np.diff(levels).min() >= 2 * getattr(TOLERANCE, measure) - 1e-9
        assert getattr(GUIDED, measure) < getattr(TOLERANCE, measure)


@given(st.binary(min_size=16, max_size=32), st.sampled_from(CARD_ROLES), st.sampled_from(MEASURES), st.floats(-3, 3))
def test_a_capture_follows_the_plan_within_the_tolerance_of_every_measure(
    nonce: bytes, role: Role, measure: str, away: float
) -> None:
    plan = draw(nonce)
    pose = plan.poses[role]
    moved = replace(pose, **{measure: getattr(pose, measure) + away * getattr(TOLERANCE, measure)})
    found = check(plan, {**plan.poses, role: moved})
    assert found.value == pytest.approx(abs(away), abs=2e-3)
    if abs(abs(away) - 1) > 1e-9:
        followed = abs(away) < 1
        assert (found.outcome, found.reason) == (
            (Outcome.PASS, None) if followed else (Outcome.DOUBT, "capture_plan_not_followed")
        )


def test_without_a_plan_or_a_pose_nothing_is_assessed() -> None:
    plan = draw(bytes(32))
    two = {role: pose for role, pose in plan.poses.items() if role is not Role.CARD_FRONT}
    broken = {**plan.poses, Role.CARD_FRONT: CardPose(0.0, math.nan, 0.6)}
    for found, reason in (
        (check(None, plan.poses), "capture_plan_missing"),
        (check(plan, two), "card_poses_missing"),
        (check(plan, broken), "card_poses_missing"),
    ):
        assert (found.status, found.reason) == (Status.COULD_NOT_ASSESS, reason)


def measured(plan: CapturePlan, rng: np.random.Generator) -> dict[Role, CardPose]:
    """Poses of guided captures with the error of measurement."""
    return {
        role: CardPose(
            pose.turn_deg + rng.uniform(-GUIDED.turn_deg, GUIDED.turn_deg) + rng.uniform(-ERROR_DEG, ERROR_DEG),
            pose.pitch_deg + rng.uniform(-GUIDED.pitch_deg, GUIDED.pitch_deg) + rng.uniform(-ERROR_DEG, ERROR_DEG),
            pose.share + rng.uniform(-GUIDED.share, GUIDED.share) + rng.uniform(-ERROR_SHARE, ERROR_SHARE),
        )
        for role, pose in plan.poses.items()
    }


def test_captures_of_an_earlier_plan_fit_a_new_one_once_in_864() -> None:
    """Every session against every other one: 1,000 plans, 999,000 pairs."""
    rng, plans = np.random.default_rng(5), list(drawn(2, 1000))
    earlier = [measured(plan, rng) for plan in plans]
    assert all(check(plan, poses).outcome is Outcome.PASS for plan, poses in zip(plans, earlier, strict=True))
    new = np.array([[[getattr(pose, m) for m in MEASURES] for pose in key_of(plan)] for plan in plans])
    old = np.array([[[getattr(poses[role], m) for m in MEASURES] for role in CARD_ROLES] for poses in earlier])
    tolerance = [getattr(TOLERANCE, m) for m in MEASURES]
    fits = (np.abs(old[:, None] - new[None]) <= tolerance).all(axis=(2, 3))
    np.fill_diagonal(fits, val=False)
    assert fits.sum() / (len(plans) * (len(plans) - 1)) < 1.2 / 864
    for at, of in zip(*np.nonzero(fits[:20]), strict=True):  # the array agrees with the check
        assert check(plans[of], earlier[at]).outcome is Outcome.PASS


def test_captures_of_an_applicant_without_a_plan_fit_a_new_one_at_most_once_in_200(document: DocumentType) -> None:
    """Captures as people upload them, in the poses that the specimens' generator draws."""
    draws, plans = Draws(np.random.default_rng(3)), list(drawn(4, 300))
    lens, accepted = Lens(1600.0), 0
    for _ in range(300):
        views = [
            View(document, lens, Pose.draw(draws, draws.uniform(*turn))) for turn in ((-5, 5), (18, 30), (-30, -18))
        ]
        seen = [CardView(view.homography, (1920, 1080), 100, 0.5, 12.0) for view in views]
        poses = measure_poses(dict(zip(CARD_ROLES, seen, strict=True)), document)
        accepted += sum(check(plan, poses).outcome is Outcome.PASS for plan in plans)
    assert accepted / 300**2 < 1 / 200


@pytest.mark.parametrize("focal", [1300.0, 1700.0, 2100.0])
def test_the_poses_of_exact_views_are_measured_without_knowing_the_camera(document: DocumentType, focal: float) -> None:
    for turn, pitch, share in product((19.0, 28.0), PITCHES_DEG, SHARES):
        wanted = [CardPose(0.0, pitch, share), CardPose(turn, -pitch, share), CardPose(-turn, pitch, SHARES[0])]
        poses = [pose_for(pose, 4.0, (0.02, -0.01)) for pose in wanted]
        views = [View(document, Lens(focal), pose).homography for pose in poses]
        seen = {
            role: CardView(view, (1920, 1080), 100, 0.5, 12.0) for role, view in zip(CARD_ROLES, views, strict=True)
        }
        for found, asked in zip(measure_poses(seen, document).values(), wanted, strict=True):
            assert (found.turn_deg, found.pitch_deg, found.share) == pytest.approx(
                (asked.turn_deg, asked.pitch_deg, asked.share), abs=0.02
            )


def test_rendered_captures_follow_their_own_plan_and_are_referred_under_another(
    verifier: Verifier, document: DocumentType
) -> None:
    nonce, other = bytes(32), bytes(31) + b"\x01"
    poses = poses_of(draw(nonce), Draws(np.random.default_rng(7)))
    made = make(31, 0, PortraitSource.open(None), document, poses=poses)
    own = verifier.verify(Captures.from_parts(made.parts()), origin=CaptureOrigin(plan=draw(nonce)))
    assert (own.decision, own.reasons) == (Decision.ACCEPT, ())
    assert "capture_plan" in own.required
    assert "capture_plan" not in own.not_performed
    assert 0 < (own.check("capture_plan").value or 0) < 0.8
    replayed = verifier.verify(Captures.from_parts(made.parts()), origin=CaptureOrigin(plan=draw(other)))
    assert (replayed.decision, replayed.reasons) == (Decision.REFER, ("capture_plan_not_followed",))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_rendered_captures_of_15_sessions_fit_none_of_each_others_plans(document: DocumentType) -> None:
    """210 pairs of a plan and an earlier one's captures, with the poses as the verification locates them."""
    locator, source = CardLocator.open(document), PortraitSource.open(None)
    plans, found = list(drawn(6, 15)), []
    for place, plan in enumerate(plans):
        poses = poses_of(plan, Draws(np.random.default_rng(place)))
        parts = make(41, place, source, document, poses=poses).parts()
        views = {role: locator.locate(pixels(parts[role]), role, Policy()) for role in CARD_ROLES}
        found.append(measure_poses(views, document))
    outcomes = np.array([[check(plan, poses).outcome is Outcome.PASS for poses in found] for plan in plans])
    assert outcomes.diagonal().all()
    assert outcomes.sum() - len(plans) <= 2
