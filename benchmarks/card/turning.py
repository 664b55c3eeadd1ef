"""Measures `card_turned_continuously` on rendered films: cards that are turned, and pictures that are exchanged.

Each film is brought to the poses of a capture plan, as the kiosk's previews show it. It goes through the tracker, the
meter and the track that a session uses. A replay counts as accepted when the check passes; every other check of the
card, which sees the captures themselves, is left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from idproof.benchmarks.card.films import measure_films
from idproof.benchmarks.harness.output import BONA_FIDE, RENDERED, Run, figure
from idproof.benchmarks.metrics import rate
from idproof.datasets.sets import ROLES
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.formations import FormationName
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.datasets.specimen.posing import poses_of
from idproof.datasets.specimen.turning_film import TurningCard
from idproof.pipeline.card import turns
from idproof.pipeline.card.locating.tracker import WIDTH_PX, CardTracker
from idproof.pipeline.card.plan import draw
from idproof.pipeline.card.turning import TurnMeter, TurnTrack
from idproof.pipeline.card.view import CardView
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.executors.task_runner import SEQUENTIAL, TaskRunner
from idproof.pipeline.guidance import downscaled_jpeg
from idproof.pipeline.types import CheckResult, Outcome

REPLAYS = ("replay_prints", "replay_two_prints", "replay_tablet")
COMPUTED = ("computed_card_rendered", "computed_face_rendered")
"""Films that a program computes in the camera's place. Only on demand: they show a card that turns continuously."""
NOT_ASSESSED = "not_assessed"


@dataclass(frozen=True)
class TurnedFilm:
    """One film and what the check found.

    Attributes:
        kind: bona fide, or of replay.
        outcome: of the check; `not_assessed`.
        value: of the check, or None.
    """

    kind: str
    outcome: str
    value: float | None


def measure_turning(
    *,
    count: int,
    replays: int,
    first: int = 0,
    kinds: Sequence[str] = REPLAYS,
    portraits: Path | None = None,
    split: Split = Split.TEST,
    formed_by: str = FormationName.ANALYTIC,
    seed: int = 0,
    runner: TaskRunner = SEQUENTIAL,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Renders and measures films.

    Args:
        count: bona fide ones.
        replays: of each kind.
        first: number of the first film of each kind; film i depends on the seed and i.
        kinds: of replay.
        portraits: photographs in LFW layout, or None for the bundled ones.
        split: whose people, artworks, cameras and parameters are drawn.
        formed_by: name of the image formation.
        seed: of everything random.
        runner: over processes or a cluster.
        progress: called with films done and in total.

    Raises:
        InvalidSpecimen: an unknown kind or formation.
        DatasetInvalid: the photographs cannot be used.
    """
    wanted = {BONA_FIDE: count, **dict.fromkeys(kinds, replays)}
    films = measure_films(measure_film, wanted, first, (portraits, split, formed_by, seed), runner, progress)
    return summarise(films, wanted, seed, {"split": split.value, "formation": str(formed_by), "first": first})


def summarise(films: Sequence[TurnedFilm], kinds: Mapping[str, int], seed: int, made: Mapping[str, object]) -> Run:
    """Returns the run of these films."""
    counts, figures = {}, {}
    for kind in kinds:
        outcomes = [film.outcome for film in films if film.kind == kind]
        counts[kind] = {name: outcomes.count(name) for name in (*Outcome, NOT_ASSESSED)}
        passed, n = outcomes.count(Outcome.PASS), len(outcomes)
        name = "turning.bpcer" if kind == BONA_FIDE else f"turning.accepted.{kind}"
        figures[name] = figure(rate(n - passed if kind == BONA_FIDE else passed, n))
    values = {kind: [film.value for film in films if film.kind == kind] for kind in kinds}
    extra = {"data": RENDERED, "values": values, **made}
    return Run("turning", "", {}, seed, counts, figures, extra)


def measure_film(task: tuple[str, int], portraits: Path | None, split: Split, formed_by: str, seed: int) -> TurnedFilm:
    """Renders one film, of a kind and a number, and measures it."""
    kind, index = task
    rng = np.random.default_rng([seed, index, 99])
    plan = draw(rng.bytes(32))
    document = load_builtin()
    card = TurningCard.begin(
        seed,
        index,
        PortraitSource.open(portraits),
        document,
        None if kind == BONA_FIDE else kind,
        poses_of(plan, Draws(rng)),
        [ROLES[role.value] for role in plan.order],
        split=split,
        formed_by=formed_by,
    )
    tracker, meter = CardTracker.open(document), TurnMeter.open(document)
    follower = _Follower(tracker, meter)
    roles = {name: role for role, name in ROLES.items()}
    stage = None
    for frame in card.frames():
        if stage is not None and roles[frame.towards] != stage:
            follower.capture(stage)
        stage = roles[frame.towards]
        follower.see(frame.data, frame.at_s)
    assert stage is not None  # noqa: S101 - a film has frames
    follower.capture(stage)
    found = follower.check(len(plan.order) - 1)
    return TurnedFilm(kind, found.outcome.value if found.outcome else NOT_ASSESSED, found.value)


class _Follower:
    """Takes previews as the guide does, and a capture in the last frame of each stage."""

    def __init__(self, tracker: CardTracker, meter: TurnMeter) -> None:
        self._tracker, self._meter = tracker, meter
        self._track = TurnTrack(meter)
        self._view: CardView | None = None
        self._views: list[CardView] = []
        self._portrait: np.ndarray | None = None
        self._at_s = 0.0

    def see(self, preview: bytes, at_s: float) -> None:
        image = downscaled_jpeg.decode(memoryview(preview), WIDTH_PX)
        self._view, self._at_s = self._tracker.follow(image, self._view) or self._tracker.find(image), at_s
        if self._view is None:
            self._track.miss(at_s)
            return
        self._views.append(self._view)
        frame = self._meter.measure(image, self._view, at_s, self._portrait)
        pose = turns.measure_pose(self._view, turns.focal_length(self._views), self._tracker.document)
        self._track.add(frame, pose)
        if self._portrait is None:
            self._portrait = self._meter.portrait(image, self._view)

    def capture(self, stage: str) -> None:
        pose = turns.measure_pose(self._views[-1], turns.focal_length(self._views), self._tracker.document)
        self._track.require_seen(self._at_s, self._views[::6])
        self._track.end_leg(stage, pose)

    def check(self, ways: int) -> CheckResult:
        return self._track.check(ways)
