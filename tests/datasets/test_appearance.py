"""Photographs are chosen by what a face in them shows: pose, eyes, mouth and forehead."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from idproof.datasets.appearance import Appearance, looking_ahead
from idproof.datasets.rendered_people.camera import linear
from idproof.datasets.rendered_people.features import Features
from idproof.datasets.specimen.draws import Split
from idproof.datasets.specimen.make import make, people_of
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.types import RGBImage
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.errors import InvalidSpecimen


@pytest.fixture(scope="module")
def portrait() -> RGBImage:
    """An official portrait of somebody with a bare forehead and nearly closed lips."""
    picture = PortraitSource.open(None).person("bundled/second-astronaut").photographs[0]
    return np.asarray(cv2.resize(picture, (250, 250), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def seen(picture: RGBImage) -> Appearance:
    found = Appearance.of(picture)
    assert found is not None
    return found


def moved(picture: RGBImage, closes: float, opens: float) -> RGBImage:
    features = Features.find(picture)
    assert features is not None
    light = features.move(linear(picture), closes, opens)
    return np.asarray((255 * light.clip(0, 1) ** (1 / 2.2)).round(), dtype=np.uint8)


def painted(picture: RGBImage, top: int, bottom: int) -> RGBImage:
    result = picture.copy()
    result[top:bottom, 60:190] = (20, 20, 24)
    return result


def rotated(picture: RGBImage, degrees: float) -> RGBImage:
    matrix = cv2.getRotationMatrix2D((125, 125), degrees, 1.0)
    return np.asarray(cv2.warpAffine(picture, matrix, (250, 250), borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


def test_an_official_portrait_is_as_issued(portrait: RGBImage) -> None:
    assert seen(portrait).looks_ahead
    assert seen(portrait).is_as_issued


def test_closed_eyes_and_an_open_mouth_do_not_look_ahead(portrait: RGBImage) -> None:
    assert not seen(moved(portrait, 1.0, 0.0)).looks_ahead
    assert not seen(moved(portrait, 0.0, 0.7)).looks_ahead


def test_dark_glasses_a_cap_and_a_tilted_head_are_no_issued_portrait(portrait: RGBImage) -> None:
    features = Features.find(portrait)
    assert features is not None
    eyes = int(np.mean([curve[:, 1].mean() for pair in features.eyes for curve in pair]))
    glasses, cap = painted(portrait, eyes - 12, eyes + 12), painted(portrait, 0, eyes - 22)
    tilted = rotated(portrait, 20)
    assert seen(glasses).eye_contrast < 25
    assert not seen(glasses).is_as_issued
    assert seen(cap).forehead > 45
    assert not seen(cap).is_as_issued
    assert abs(seen(tilted).roll_deg) > 10
    assert not seen(tilted).is_as_issued


def test_a_picture_without_a_face_has_no_appearance() -> None:
    blank = np.full((250, 250, 3), 128, np.uint8)
    assert Appearance.of(blank) is None
    with pytest.raises(ValueError, match="looks ahead"):
        looking_ahead([blank])


@pytest.fixture
def album(tmp_path: Path, portrait: RGBImage) -> Path:
    """Somebody whose second photograph is fit for a card, and somebody without one."""
    pictures = {"Ann": [moved(portrait, 0.0, 0.7), portrait], "Ben": [moved(portrait, 1.0, 0.0)] * 2}
    for name, shown in pictures.items():
        (tmp_path / name).mkdir()
        for place, picture in enumerate(shown, start=1):
            Image.fromarray(picture).save(tmp_path / name / f"{name}_{place:04d}.jpg", quality=98)
    return tmp_path


def test_a_card_bears_the_photograph_that_an_issuer_would_take(album: Path) -> None:
    usual, issued = (PortraitSource.open(album, as_issued=chosen) for chosen in (False, True))
    assert {people_of(1, index, usual, Split.ANY)[0].label for index in range(2)} == {"Ann", "Ben"}
    holders = [people_of(1, index, issued, Split.ANY)[0] for index in range(2)]
    assert [holder.label for holder in holders] == ["Ann", "Ann"]
    first, second = usual.person("Ann").photographs
    assert np.array_equal(holders[0].photographs[0], second)
    assert np.array_equal(holders[0].photographs[1], first)
    recipe = make(1, 0, issued, load_builtin()).description["truth"]["recipe"]
    assert recipe["as_issued"]
    assert usual.as_made(recipe).as_issued
    assert not issued.as_made({}).as_issued


def test_nobody_with_such_a_photograph_is_said(album: Path) -> None:
    for path in (album / "Ann").iterdir():
        path.unlink()
    (album / "Ann").rmdir()
    with pytest.raises(InvalidSpecimen, match="issuing department"):
        people_of(1, 0, PortraitSource.open(album, as_issued=True), Split.ANY)
