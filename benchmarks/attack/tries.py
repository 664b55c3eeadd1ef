"""Makes the registration of one try: captures in the poses of a plan, a selfie, and frames that answer a challenge."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.attack.kinds import RECIPES, Recipe
from idproof.datasets.rendered_people import clips
from idproof.datasets.rendered_people.clips import Sitting
from idproof.datasets.specimen.attacks import ATTACKS
from idproof.datasets.specimen.camera import jpeg
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.make import SAME_PHOTOGRAPH, Registration, make, people_of
from idproof.datasets.specimen.portraits import Person, PortraitSource
from idproof.datasets.specimen.posing import poses_of
from idproof.models.types import RGBImage
from idproof.pipeline.card.plan.draw import draw as draw_plan
from idproof.pipeline.card.plan.types import CapturePlan
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.liveness.challenge import REDUCING, Options
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


def make_try(kind: str, index: int, seed: int, portraits: Path | None, document: DocumentType) -> Try:
    """Makes try `index` of a kind with people, cameras and parameters of the test split.

    Raises:
        InvalidSpecimen: the source has too few people for the kind.
        DatasetInvalid: the photographs cannot be used.
    """
    recipe, source = RECIPES[kind], _opened(portraits)
    draws = Draws(np.random.default_rng((seed, index, 1)), Split.TEST)
    plan, earlier = (draw_plan(draws.rng.bytes(32)) for _ in range(2))
    poses = poses_of(earlier if recipe.other_plan else plan, draws)
    place, person = _somebody(recipe, seed, index, source)
    made = make(seed, place, source, document, recipe.card, split=Split.TEST, poses=poses)
    parts, photograph = made.parts(), person.photographs[-1]
    same = made.description["truth"]["selfie_source"] == SAME_PHOTOGRAPH
    if recipe.selfie_of_card:
        photograph = _portrait(made, document)
        parts["selfie"] = jpeg(np.asarray(cv2.resize(photograph, _CROP_PX, interpolation=cv2.INTER_CUBIC)), _QUALITY)
    if recipe.frames is None:
        return Try(parts, plan, None, (), same)
    sitting = _sat(recipe, photograph, draws)
    shot = clips.bona_fide(sitting) if recipe.frames == clips.BONA_FIDE else clips.ATTACKS[recipe.frames](sitting)
    if not recipe.selfie_of_card:
        living = recipe.frames == clips.BONA_FIDE
        parts["selfie"] = jpeg(clips.selfie(sitting) if living else shot.frames[0].pixels, _QUALITY)
    frames = tuple(jpeg(frame.pixels, _QUALITY) for frame in shot.frames)
    return Try(parts, plan, _answer(sitting, shot), frames, same)


@lru_cache(maxsize=1)
def _opened(portraits: Path | None) -> PortraitSource:
    return PortraitSource.open(portraits)


def _somebody(recipe: Recipe, seed: int, index: int, source: PortraitSource) -> tuple[int, Person]:
    """The place of a registration whose person at the camera has a photograph that is not on the card, and that person.

    A photograph that is on the card as well is found by itself, and attackers have others of themselves. Where the
    source has nobody with two, the place is `index`, and the try is counted as one of the `same_photograph`.
    """
    other = recipe.card is not None and ATTACKS[recipe.card].other_selfie
    places = range(index, index + _LOOKED_AT * _APART, _APART)
    people = ((place, people_of(seed, place, source, Split.TEST)[other]) for place in places)
    first = next(people)
    return next((found for found in (first, *people) if len(found[1].photographs) > 1), first)


def _sat(recipe: Recipe, photograph: RGBImage, draws: Draws) -> Sitting:
    square = cv2.resize(photograph, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    options = Options(**dict.fromkeys(REDUCING, True)) if recipe.options_all else None
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
