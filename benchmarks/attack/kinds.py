"""The attacks that are tried: what the card, the selfie and the frames of a registration are."""

from collections.abc import Mapping
from dataclasses import dataclass

from idproof.datasets.rendered_people.clips import BONA_FIDE as LIVING
from idproof.datasets.rendered_people.clips import PUPPETS
from idproof.datasets.specimen.attacks import AttackKind

HONEST = "bona_fide"


@dataclass(frozen=True)
class Recipe:
    """The makings of one kind of registration.

    Attributes:
        card: attack on the captures of the card; None for a genuine card.
        frames: `LIVING` for a living person who answers the challenge, a species of `clips.ATTACKS`, or None.
        other_plan: the captures show the poses of an earlier session's plan.
        options_all: every accessibility option is ticked, without a permit.
        selfie_of_card: the selfie, and what the frames are made from, is a tinted crop of the card's own portrait.
    """

    card: AttackKind | None = None
    frames: str | None = LIVING
    other_plan: bool = False
    options_all: bool = False
    selfie_of_card: bool = False


_COMPUTED = {kind.value: Recipe(card=kind) for kind in AttackKind if kind.startswith("computed_")}
_PUPPETS = {name: Recipe(frames=name) for name in ("warped_frame", *PUPPETS)}

RECIPES: Mapping[str, Recipe] = {
    HONEST: Recipe(),
    **_COMPUTED,
    "replay_identical": Recipe(other_plan=True),
    "replay_noised": Recipe(card=AttackKind.REPLAY_NOISED, other_plan=True),
    "options_all": Recipe(frames="photo_moved", options_all=True),
    "no_frames": Recipe(frames=None),
    "selfie_crop": Recipe(frames="puppet_mesh", selfie_of_card=True),
    **_PUPPETS,
}
"""Every kind by name. Beside a computed card a living person answers, as the selfie's person can: the card alone has to
be found. `warped_frame` and the puppets are one photograph of the holder that a program animates, beside a genuine
card."""

ATTACKS = tuple(name for name in RECIPES if name != HONEST)
