"""Measures `card_light` on rendered films: cards, copies and programs in the light of a screen.

Each film goes through the tracker and the meter that a session uses. Every other check of the card, which sees the
captures themselves, is left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.card.films import measure_films
from idproof.benchmarks.harness.output import BONA_FIDE, RENDERED, Run, figure
from idproof.benchmarks.metrics import rate
from idproof.datasets.sets import ROLES
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.formations import FormationName
from idproof.datasets.specimen.lit_film import ATTACKS, Colours, LitCard, LitKind
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.datasets.specimen.posing import poses_of
from idproof.pipeline.card import screen_light
from idproof.pipeline.card.imaging import GAMMA
from idproof.pipeline.card.locating.tracker import WIDTH_PX, CardTracker
from idproof.pipeline.card.plan import draw as draw_plan
from idproof.pipeline.card.screen_light import CardLight, LightMeter, LitFrame
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.executors.task_runner import SEQUENTIAL, TaskRunner
from idproof.pipeline.guidance import downscaled_jpeg
from idproof.pipeline.types import Outcome

NEAR_MM = 180.0
"""Distance up to which a card counts as near: a telephone's lens sees it there at the sizes that a plan asks for."""
LUX_BANDS = (300.0, 1_000.0, 3_000.0)
"""Upper ends of the bands of the room's light; the last band has none."""
_OTHER_DRAWS = 200  # sequences that each film is compared with besides its own
_AFTER_MS = 350.0  # of the film after the last colour


@dataclass(frozen=True)
class LitFilm:
    """One film and what the check found.

    Attributes:
        kind: bona fide, or of attack.
        reason: of the check; empty when it passes.
        near: the card is within `NEAR_MM`.
        room_lux: light of the room on the card.
        values: correlation, the print's answer, correlation and answer of all light; None when nothing was seen.
        others: of other sequences drawn independently, the number that the same film passes for.
    """

    kind: str
    reason: str
    near: bool
    room_lux: float
    values: tuple[float, float, float, float] | None
    others: int


def measure_lit(
    *,
    count: int,
    attacks: int,
    first: int = 0,
    kinds: Sequence[str] = ATTACKS,
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
        attacks: of each kind.
        first: number of the first film of each kind; film i depends on the seed and i.
        kinds: of attack.
        portraits: photographs in LFW layout, or None for the bundled ones.
        split: whose people, artworks, cameras and parameters are drawn.
        formed_by: name of the image formation.
        seed: of everything random.
        runner: over processes or a cluster.
        progress: called with films done and in total.

    Raises:
        ValueError: an unknown kind.
        InvalidSpecimen: an unknown formation.
        DatasetInvalid: the photographs cannot be used.
    """
    wanted = {LitKind.BONA_FIDE: count, **{LitKind(kind): attacks for kind in kinds}}
    films = measure_films(measure_film, wanted, first, (portraits, split, formed_by, seed), runner, progress)
    return summarise(films, seed, {"split": split.value, "formation": str(formed_by), "first": first})


def summarise(films: Sequence[LitFilm], seed: int, made: dict[str, object]) -> Run:
    """Returns the run of these films."""
    counts: dict[str, dict[str, int]] = {}
    figures = {}
    for film in films:
        results = counts.setdefault(film.kind, {})
        results[film.reason or Outcome.PASS] = results.get(film.reason or Outcome.PASS, 0) + 1
    for kind, results in counts.items():
        passed, n = results.get(Outcome.PASS, 0), sum(results.values())
        name = "card_light.bpcer" if kind == BONA_FIDE else f"card_light.accepted.{kind}"
        figures[name] = figure(rate(n - passed if kind == BONA_FIDE else passed, n))
    genuine = [film for film in films if film.kind == BONA_FIDE]
    for near in (True, False):
        for band in range(len(LUX_BANDS) + 1):
            of_band = [film for film in genuine if film.near is near and _band(film.room_lux) == band]
            if of_band:
                name = f"card_light.bpcer.{'near' if near else 'far'}.{_band_name(band)}"
                figures[name] = figure(rate(sum(film.reason != "" for film in of_band), len(of_band)))
    if genuine:
        tried = _OTHER_DRAWS * len(genuine)
        figures["card_light.accepted.other_session"] = figure(rate(sum(film.others for film in genuine), tried))
    values = [[film.kind, round(film.room_lux), film.near, film.reason, film.values] for film in films]
    return Run("card-light", "", {}, seed, counts, figures, {"data": RENDERED, "values": values, **made})


def measure_film(task: tuple[str, int], portraits: Path | None, split: Split, formed_by: str, seed: int) -> LitFilm:
    """Renders one film, of a kind and a number, and measures it."""
    kind, index = LitKind(task[0]), task[1]
    rng = np.random.default_rng([seed, index, 99])
    plan = draw_plan(rng.bytes(32))
    light, recorded = screen_light.draw(rng.bytes(32)), screen_light.draw(rng.bytes(32))
    document, role = load_builtin(), screen_light.lit_role(plan.order)
    card = LitCard.begin(
        seed,
        index,
        PortraitSource.open(portraits),
        document,
        kind,
        poses_of(plan, Draws(rng))[ROLES[role.value]],
        split=split,
        formed_by=formed_by,
    )
    imitated = recorded if kind is LitKind.RECORDED_TABLET else light
    frames = _frames(card, light, imitated, CardTracker.open(document), LightMeter.open(document))
    answer = screen_light.measure(frames, light)
    found = screen_light.check(answer)
    others = [screen_light.draw(rng.bytes(32)) for _ in range(_OTHER_DRAWS if kind is LitKind.BONA_FIDE else 0)]
    passed = sum(screen_light.check(screen_light.measure(frames, other)).outcome is Outcome.PASS for other in others)
    values = None if answer is None else (answer.correlation, answer.answer, answer.whole, answer.whole_answer)
    near = card.distance_mm <= NEAR_MM
    return LitFilm(kind.value, found.reason or "", near, card.around.room_lux, values, passed)


def shown_colours(light: CardLight) -> Colours:
    """Returns the colours of a drawing as the films want them: linear, by time; the last one stays."""
    halves = [np.power(np.array([each.left, each.right]) / 255, GAMMA) for each in light.lights]

    def at(at_ms: float) -> NDArray[np.float64]:
        index = light.index_at(at_ms)
        return halves[-1 if index is None else index]

    return at


def _frames(
    card: LitCard, light: CardLight, imitated: CardLight, tracker: CardTracker, meter: LightMeter
) -> list[LitFrame]:
    """Measures previews as the guide does; the first one that shows the card is what later ones are compared with."""
    view, before, frames = None, None, []
    for frame in card.frames(shown_colours(light), shown_colours(imitated), light.duration_ms + _AFTER_MS):
        image = downscaled_jpeg.decode(memoryview(frame.data), WIDTH_PX)
        view = tracker.follow(image, view) or tracker.find(image)
        if view is None:
            continue
        if before is None:
            before = meter.straightened(image, view)
        if frame.at_s >= 0:
            frames.append(meter.measure(image, view, frame.at_s * 1000, before))
    return frames


def _band(lux: float) -> int:
    return sum(lux >= end for end in LUX_BANDS)


def _band_name(band: int) -> str:
    return f"below_{LUX_BANDS[band]:.0f}_lux" if band < len(LUX_BANDS) else "brighter"
