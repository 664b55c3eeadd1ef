"""The seam: one name, one formation; the first one stays as it was, and all take every attack's material."""

import io
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from idproof.datasets.specimen import make_sets
from idproof.datasets.specimen.draws import Split
from idproof.datasets.specimen.formations import FormationName, formation
from idproof.datasets.specimen.formations.photographs import (
    CC0,
    NOT_STATED,
    PUBLIC_DOMAIN,
    SCENES,
    SURFACES,
    Photograph,
)
from idproof.datasets.specimen.make import Registration, make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline import Policy, Role
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.view import corners
from idproof.pipeline.documents import DocumentType, load_builtin
from idproof.pipeline.errors import InvalidSpecimen

# Means of the `tilt_left` capture over 8 × 5 areas before there was a second formation.
BEFORE = {
    None: [
        [150, 154, 152, 148, 142, 130, 111, 102],
        [153, 151, 157, 175, 187, 173, 113, 104],
        [153, 152, 162, 179, 183, 159, 113, 104],
        [151, 146, 149, 174, 170, 144, 111, 102],
        [146, 145, 139, 130, 123, 116, 107, 98],
    ],
    "light_led": [
        [147, 152, 151, 147, 141, 128, 108, 99],
        [150, 150, 159, 176, 187, 171, 110, 100],
        [151, 151, 164, 181, 183, 157, 110, 100],
        [148, 144, 149, 173, 169, 141, 108, 98],
        [144, 143, 138, 129, 122, 113, 104, 95],
    ],
    "portrait_swap_digital": [
        [150, 154, 152, 148, 142, 130, 111, 102],
        [153, 152, 165, 175, 187, 173, 113, 104],
        [153, 140, 124, 179, 183, 159, 113, 104],
        [151, 151, 148, 174, 170, 144, 111, 102],
        [146, 145, 139, 130, 123, 116, 107, 98],
    ],
}
NEW = [FormationName.COMPOSITED, pytest.param(FormationName.PATH_TRACED, marks=pytest.mark.long)]
FAMILIES = ["light_led", "light_laser", "screen_monitor", "digital_warp"]
NAMES = ("front", "tilt_left", "tilt_right")


@lru_cache(maxsize=16)
def formed(name: str, attack: str | None = None, index: int = 0) -> Registration:
    if name == FormationName.PATH_TRACED:
        pytest.importorskip("mitsuba", reason="the extra `render` is not installed")
    return make(31, index, PortraitSource.open(None), load_builtin(), attack, formed_by=name)


def pixels(registration: Registration, name: str) -> np.ndarray:
    sent = registration.pictures[registration.description["captures"][name]]
    return np.array(Image.open(io.BytesIO(sent)).convert("RGB"))


@pytest.mark.parametrize("attack", BEFORE)
def test_the_first_formation_pictures_as_it_did_alone(
    rendered: Callable[..., Registration], attack: str | None
) -> None:
    grey = cv2.cvtColor(pixels(rendered(attack), "tilt_left"), cv2.COLOR_RGB2GRAY)
    assert np.abs(cv2.resize(grey, (8, 5), interpolation=cv2.INTER_AREA).astype(int) - BEFORE[attack]).max() <= 1
    assert "formation" not in rendered(attack).description["truth"]


def test_an_unknown_formation_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpecimen, match="no image formation etching; known are analytic"):
        make_sets(tmp_path / "out", 1, 0, formed_by="etching")
    assert not (tmp_path / "out").exists()


def test_every_name_has_its_formation() -> None:
    assert len({type(formation(name)) for name in FormationName}) == len(FormationName) == len(NEW) + 2


@pytest.mark.parametrize("name", NEW)
def test_the_same_seed_gives_the_same_bytes(name: str) -> None:
    first = formed(name)
    again = make(31, 0, PortraitSource.open(None), load_builtin(), formed_by=name)
    assert again.pictures == first.pictures
    assert again.description == first.description


@pytest.mark.parametrize("name", NEW)
def test_another_formation_shows_the_same_card_and_says_its_name(
    rendered: Callable[..., Registration], name: str
) -> None:
    truth, first = formed(name).description["truth"], rendered().description["truth"]
    assert truth["formation"] == name
    assert all(truth[key] == first[key] for key in ("fields", "person", "artwork_seed", "bona_fide"))
    assert truth["corners"] != first["corners"]


@pytest.mark.parametrize("name", NEW)
def test_the_card_is_where_the_truth_says(document: DocumentType, name: str) -> None:
    locator, registration = CardLocator.open(document), formed(name)
    for capture in NAMES:
        picture = pixels(registration, capture)
        found = corners(locator.locate(picture, Role.CARD_FRONT, Policy()), document)
        away = np.linalg.norm(found - registration.description["truth"]["corners"][capture], axis=1)
        assert away.max() * 1920 / picture.shape[1] < 3.0


@pytest.mark.parametrize("name", NEW)
@pytest.mark.parametrize("attack", FAMILIES)
def test_attacks_of_every_family_go_through(name: str, attack: str) -> None:
    """A lamp, a projected pattern, light of its own with surroundings, and captures changed by computer."""
    attacked, honest = formed(name, attack), formed(name)
    assert attacked.description["truth"]["attack"] == attack
    for capture in NAMES:
        one, other = (pixels(registration, capture).astype(int) for registration in (attacked, honest))
        assert one.shape == other.shape
        assert np.abs(one - other).mean() > 1


def test_tuning_and_test_never_show_the_same_photograph() -> None:
    tuning, test = (
        {
            (photograph.name, photograph.pixels().tobytes())
            for among in (SURFACES, SCENES)
            for photograph in among[split]
        }
        for split in (Split.TUNING, Split.TEST)
    )
    assert not {name for name, _ in tuning} & {name for name, _ in test}
    assert not {shown for _, shown in tuning} & {shown for _, shown in test}


def test_the_recorded_licence_is_the_one_that_the_package_documents() -> None:
    def documented(photograph: Photograph) -> str:
        load = data.stereo_motorcycle if photograph.name == "motorcycle_left" else getattr(data, photograph.name)
        text = " ".join((load.__doc__ or "").lower().split())
        return next((known for known in (CC0, PUBLIC_DOMAIN) if known.lower() in text), NOT_STATED)

    held = [photograph for among in (SURFACES, SCENES) for chosen in among.values() for photograph in chosen]
    assert {each.name: each.licence for each in held} == {each.name: documented(each) for each in held}
