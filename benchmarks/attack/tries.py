"""Makes the registration of one try: captures in the poses of a plan, a selfie, and frames that answer a challenge."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.attack.kinds import RECIPES, Recipe
from idproof.datasets.appearance import looking_ahead
from idproof.datasets.rendered_people import clips
from idproof.datasets.rendered_people.clips import Sitting
from idproof.datasets.specimen.attacks import ATTACKS
from idproof.datasets.specimen.camera import jpeg
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.make import SAME_PHOTOGRAPH, Registration, make, people_of
from idproof.datasets.specimen.portraits import Person, PortraitSource
from idproof.datasets.specimen.posing import poses_of
from idproof.datasets.specimen.view import Pose
from idproof.models.types import RGBImage
from idproof.pipeline.card.plan.draw import draw as draw_plan
from idproof.pipeline.card.plan.types import CapturePlan
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.liveness.challenge import GRANTABLE, Options
from idproof.pipeline.liveness.frames import Clip
from idproof.pipeline.liveness.response import FrameTiming, LivenessResponse

# Chosen by hand; no outside source.
_APART, _LOOKED_AT = 1009, 60  # distance between places that stand in for one try, and how many are looked at
_SIDE_PX = 250  # of the photograph that frames are made from
_QUALITY = 90
_ANSWERED_S = 30.0
_CROP_PX = (540, 720)  # width and height of a selfie that is a crop of the card's portrait
_TINT = (1.08, 1.0, 0.90)  # skin-like


@dataclass(frozen=True)
class Try:
    """One registration, still in memory.

    Attributes:
        parts: the four pictures by role.
        plan: that the session drew.
        answer: to the challenge, or None.
        frames: of the answer.
        same_photograph: the selfie's person had no photograph but the one on the card.
    """

    parts: Mapping[str, bytes] = field(repr=False)
    plan: CapturePlan
    answer: LivenessResponse | None
    frames: tuple[bytes, ...] = field(repr=False)
    same_photograph: bool


@dataclass(frozen=True)
class _Film:
    """An answer to a challenge: its frames, and the selfie that was taken with them."""

    selfie: bytes = field(repr=False)
    answer: LivenessResponse
    frames: tuple[bytes, ...] = field(repr=False)


class TryMaker:
    """Makes tries with people, cameras and parameters of the test split.

    The last card and the last clip are kept: kinds that differ in neither use the same bytes.

    Args:
        seed: of everything drawn.
        portraits: photographs in LFW layout, or None for the bundled ones.
        document: type of the card.

    Raises:
        DatasetInvalid: the photographs cannot be used.
    """

    def __init__(self, seed: int, portraits: Path | None, document: DocumentType) -> None:
        self._seed, self._source, self._document = seed, _opened(portraits), document
        self._people: dict[tuple[int, bool], tuple[int, Person, RGBImage]] = {}
        self._last_card: tuple[object, Registration] | None = None
        self._last_film: tuple[object, _Film] | None = None

    def make(self, kind: str, index: int) -> Try:
        """Makes try `index` of a kind; raises `InvalidSpecimen` where the source has too few people for it."""
        recipe = RECIPES[kind]
        draws = Draws(np.random.default_rng((self._seed, index, 1)), Split.TEST)
        plan, earlier = (draw_plan(draws.rng.bytes(32)) for _ in range(2))
        poses = poses_of(earlier if recipe.other_plan else plan, draws)
        place, person, photograph = self._somebody(recipe, index)
        made = self._registration(index, place, recipe, poses)
        parts = made.parts()
        same = made.description["truth"]["selfie_source"] == SAME_PHOTOGRAPH
        if recipe.selfie_of_card:
            photograph = _portrait(made, self._document)
            cropped = np.asarray(cv2.resize(photograph, _CROP_PX, interpolation=cv2.INTER_CUBIC))
            parts["selfie"] = jpeg(cropped, _QUALITY)
        if recipe.frames is None:
            return Try(parts, plan, None, (), same)
        film = self._film(index, person, recipe, photograph, draws)
        if not recipe.selfie_of_card:
            parts["selfie"] = film.selfie
        return Try(parts, plan, film.answer, film.frames, same)

    def _somebody(self, recipe: Recipe, index: int) -> tuple[int, Person, RGBImage]:
        key = index, recipe.card is not None and ATTACKS[recipe.card].other_selfie
        if key not in self._people:
            self._people = {known: found for known, found in self._people.items() if known[0] == index}
            self._people[key] = _somebody(recipe, self._seed, index, self._source)
        return self._people[key]

    def _registration(self, index: int, place: int, recipe: Recipe, poses: Mapping[str, Pose]) -> Registration:
        key = index, place, recipe.card, recipe.other_plan
        if self._last_card is None or self._last_card[0] != key:
            made = make(self._seed, place, self._source, self._document, recipe.card, split=Split.TEST, poses=poses)
            self._last_card = key, made
        return self._last_card[1]

    def _film(self, index: int, person: Person, recipe: Recipe, photograph: RGBImage, draws: Draws) -> _Film:
        key = index, person.label, replace(recipe, card=None)
        if self._last_film is None or self._last_film[0] != key:
            self._last_film = key, _filmed(recipe, photograph, draws)
        return self._last_film[1]


def _filmed(recipe: Recipe, photograph: RGBImage, draws: Draws) -> _Film:
    sitting = _sat(recipe, photograph, draws)
    living = recipe.frames == clips.BONA_FIDE
    shot = clips.bona_fide(sitting) if living else clips.ATTACKS[str(recipe.frames)](sitting)
    selfie = jpeg(clips.selfie(sitting) if living else shot.frames[0].pixels, _QUALITY)
    return _Film(selfie, _answer(sitting, shot), tuple(jpeg(frame.pixels, _QUALITY) for frame in shot.frames))


@lru_cache(maxsize=1)
def _opened(portraits: Path | None) -> PortraitSource:
    return PortraitSource.open(portraits)


def _somebody(recipe: Recipe, seed: int, index: int, source: PortraitSource) -> tuple[int, Person, RGBImage]:
    """The place of a registration, the person at the camera, and the photograph that stands for them there.

    It is not the photograph on the card, which is found by itself, and it looks ahead as somebody does who waits for an
    instruction (`datasets.appearance`). Where the source has nobody with such a second photograph the last one of the
    first person who has any second one stands for them; where it has nobody with two, the place is `index`, and the try
    is counted as one of the `same_photograph`.
    """
    other = recipe.card is not None and ATTACKS[recipe.card].other_selfie
    standing_in: tuple[int, Person] | None = None
    for place in range(index, index + _LOOKED_AT * _APART, _APART):
        person = people_of(seed, place, source, Split.TEST)[other]
        if len(person.photographs) > 1:
            standing_in = standing_in or (place, person)
            with suppress(ValueError):
                return place, person, looking_ahead(person.photographs[1:])
    place, person = standing_in or (index, people_of(seed, index, source, Split.TEST)[other])
    return place, person, person.photographs[-1]


def _sat(recipe: Recipe, photograph: RGBImage, draws: Draws) -> Sitting:
    square = cv2.resize(photograph, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    options = Options(**dict.fromkeys(GRANTABLE, True)) if recipe.options_all else None
    return Sitting.draw(np.asarray(square, dtype=np.uint8), draws, options)


def _answer(sitting: Sitting, shot: Clip) -> LivenessResponse:
    timings = [FrameTiming(frame.captured_ms, frame.number) for frame in shot.frames]
    received = sitting.challenge.issued_at + timedelta(seconds=_ANSWERED_S)
    return LivenessResponse(sitting.challenge, timings, received)


def _portrait(made: Registration, document: DocumentType) -> RGBImage:
    """The card's main portrait out of the front capture, tinted."""
    name: Any = made.description["captures"]["front"]
    picture = cv2.imdecode(np.frombuffer(made.pictures[name], np.uint8), cv2.IMREAD_COLOR_RGB)
    corners: NDArray[np.float32] = np.array(made.description["truth"]["corners"]["front"], dtype=np.float32)
    width, height = document.size_px
    frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    card = cv2.warpPerspective(np.asarray(picture), cv2.getPerspectiveTransform(corners, frame), (width, height))
    left, top, right, bottom = document.portrait.pixels(document.px_per_mm)
    tinted = card[top:bottom, left:right] * np.array(_TINT)
    return np.asarray(tinted.clip(0, 255), dtype=np.uint8)
