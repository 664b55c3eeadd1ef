"""Poses of a card in the hand of somebody who is guided to the poses of a capture plan."""

from functools import cache

import numpy as np

from idproof.datasets.sets import ROLES, RegistrationSet
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.make import Registration, make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.datasets.specimen.view import HEIGHT, WIDTH, Lens, Pose, View
from idproof.pipeline.card.plan.types import GUIDED, CapturePlan, CardPose
from idproof.pipeline.documents import DocumentType, load_builtin
from idproof.pipeline.errors import InvalidSpecimen

_MAX_ROLL_DEG = 5.0  # guidance asks for the whole card in the picture; chosen by hand, no outside source
_MAX_OFFSET = 0.02  # shares of the picture; chosen by hand, no outside source
_WIDEST_LENS = Lens(0.72 * WIDTH)  # of the specimens' cameras; its perspective is the strongest
_MARGIN_PX = 30  # between the card and the edge, for cameras whose axis is off the middle; chosen by hand


def render(entry: RegistrationSet, source: PortraitSource, plan: CapturePlan, draws: Draws) -> Registration:
    """Renders the card of a set once more, in the poses of a plan; raises `InvalidSpecimen` if it has no recipe.

    Args:
        entry: written by `make.make_sets`.
        source: of the photographs that the set was made with.
        plan: for the poses.
        draws: of the hand that holds the card.
    """
    recipe = entry.recipe
    if recipe is None:
        raise InvalidSpecimen(f"{entry.folder.name} does not say how it was rendered.")
    try:
        return make(
            recipe["seed"],
            recipe["index"],
            source.as_made(recipe),
            load_builtin(),
            entry.truth.attack,
            characters=recipe["characters"],
            split=Split(recipe["split"]),
            poses=poses_of(plan, draws),
            formed_by=recipe["formation"],
        )
    except (KeyError, TypeError, ValueError):
        raise InvalidSpecimen(f"{entry.folder.name} does not say how it was rendered.") from None


def poses_of(plan: CapturePlan, draws: Draws) -> dict[str, Pose]:
    """Returns the pose of each capture by name: somewhere within what guidance takes, as a led hand ends."""
    return {ROLES[role.value]: pose_near(wanted, draws) for role, wanted in plan.poses.items()}


def pose_near(wanted: CardPose, draws: Draws) -> Pose:
    """Returns a pose within what guidance takes of a wanted one, with the whole card in the picture of any camera."""
    while True:
        pose = _drawn_near(wanted, draws)
        corners = View(_document(), _WIDEST_LENS, pose).corners
        if (corners > _MARGIN_PX).all() and (corners < np.array([WIDTH, HEIGHT]) - _MARGIN_PX).all():
            return pose


_STEADY = 0.6
"""Share of what guidance takes within which a hand that it has led ends. The rest, 1.2° and 0.012, is guidance's own
error (at most 1.13° on 42 rendered tuning captures, `plan.TOLERANCE`): a real hand at the edge is led on, and a
picture of a pose does not move."""


@cache
def _document() -> DocumentType:
    return load_builtin()


def _drawn_near(wanted: CardPose, draws: Draws) -> Pose:
    turn, pitch, share = (
        wanted.turn_deg + _STEADY * draws.uniform(-GUIDED.turn_deg, GUIDED.turn_deg),
        wanted.pitch_deg + _STEADY * draws.uniform(-GUIDED.pitch_deg, GUIDED.pitch_deg),
        wanted.share + _STEADY * draws.uniform(-GUIDED.share, GUIDED.share),
    )
    return pose_for(
        CardPose(turn, pitch, share),
        roll_deg=draws.uniform(-_MAX_ROLL_DEG, _MAX_ROLL_DEG),
        offset=(draws.uniform(-_MAX_OFFSET, _MAX_OFFSET), draws.uniform(-_MAX_OFFSET, _MAX_OFFSET)),
    )


def pose_for(seen: CardPose, roll_deg: float = 0.0, offset: tuple[float, float] = (0.0, 0.0)) -> Pose:
    """Returns the pose that is measured as `seen`: the renderer turns the card first and pitches it then.

    Example:
        >>> round(pose_for(CardPose(19.0, 9.0, 0.55)).turn_deg, 2)
        19.25
    """
    turned = np.sin(np.radians(seen.turn_deg)) / np.cos(np.radians(seen.pitch_deg))
    return Pose(float(np.degrees(np.arcsin(turned))), seen.pitch_deg, roll_deg, offset, seen.share)
