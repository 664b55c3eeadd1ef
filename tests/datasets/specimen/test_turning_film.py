"""Films between the captures: the genuine card slides its second portrait on the way, and exchanged prints jump."""

import numpy as np
import pytest
from pictures import pixels

from idproof.datasets.specimen.artwork import SCALE
from idproof.datasets.specimen.draws import Split
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.datasets.specimen.turning_film import TurningCard
from idproof.datasets.specimen.view import Pose
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import InvalidSpecimen

POSES = {name: Pose(turn, 0.0, 0.0, (0.0, 0.0), 0.55) for name, turn in (("front", 0.0), ("tilt_left", 20.0))}
POSES["tilt_right"] = Pose(-20.0, 0.0, 0.0, (0.0, 0.0), 0.55)
FAST = (6.0, 7.0)


def begin(document: DocumentType, attack: str | None = None) -> TurningCard:
    source = PortraitSource.open(None)
    return TurningCard.begin(4, 0, source, document, attack, POSES, ["front", "tilt_left"], split=Split.TUNING)


def test_a_film_shows_the_card_from_one_pose_to_the_next_and_is_the_same_each_time(document: DocumentType) -> None:
    film = list(begin(document).frames(FAST, at_rest=1))
    assert [frame.towards for frame in film] == ["front", *["tilt_left"] * (len(film) - 1)]
    assert len(film) == 1 + 8 + 1
    turns = np.array([frame.pose.turn_deg for frame in film])
    assert (turns[0], turns[-1]) == (pytest.approx(0, abs=2), pytest.approx(20, abs=2))
    assert np.diff(turns).min() > -2
    assert all(0.05 <= step <= 0.2 for step in np.diff([frame.at_s for frame in film]))
    assert pixels(film[0].data).shape == (270, 480, 3)
    again = list(begin(document).frames(FAST, at_rest=1))
    assert [frame.data for frame in again] == [frame.data for frame in film]


def test_a_still_has_the_size_of_a_capture(document: DocumentType) -> None:
    assert pixels(begin(document).still("tilt_left").data).shape == (1080, 1920, 3)


def test_a_kind_without_a_model_between_the_angles_is_told(document: DocumentType) -> None:
    with pytest.raises(InvalidSpecimen, match="no model of what photocopy_grey shows"):
        begin(document, "photocopy_grey")


@pytest.mark.parametrize("attack", ["replay_prints", "replay_tablet"])
def test_a_replay_shows_other_pictures_on_the_way(document: DocumentType, attack: str) -> None:
    card = begin(document, attack)
    leg, view = ("front", "tilt_left"), card.session.views["front"]
    shown = [card.showing(leg, progress, view)[0] for progress in (0.0, 0.1, 0.9, 1.0)]
    different = len({id(material) for material in shown})
    assert different == 2 if attack == "replay_prints" else different > 2
    assert (card.showing(leg, 0.5, view)[1] is None) is (attack == "replay_prints")


@pytest.mark.parametrize("attack", ["computed_card_rendered", "computed_face_rendered"])
def test_a_computed_film_changes_a_little_with_every_step(document: DocumentType, attack: str) -> None:
    card = begin(document, attack)
    leg, session = ("front", "tilt_left"), card.session

    def portrait(turn: float) -> np.ndarray:
        view = session.posed(dict.fromkeys(session.views, Pose(turn, 0.0, 0.0, (0.0, 0.0), 0.55))).views["front"]
        material, around = card.showing(leg, turn / 20, view)
        assert around is None
        region = next(region for region in document.regions if region.kind == "second_portrait")
        left, top, right, bottom = region.box.pixels(SCALE)
        return material.albedo[top:bottom, left:right].astype(float)

    start, near, far = (portrait(turn) for turn in (0.0, 2.0, 20.0))
    steps = np.abs(near - start).mean(), np.abs(far - start).mean()
    assert 0 < steps[0] < 0.7 * steps[1]


def test_two_prints_leave_one_way_without_an_exchange(document: DocumentType) -> None:
    card = TurningCard.begin(
        4, 0, PortraitSource.open(None), document, "replay_two_prints", POSES, ["tilt_left", "front", "tilt_right"]
    )
    legs = [("tilt_left", "front"), ("front", "tilt_right")]
    view = card.session.views["front"]
    exchanged = [card.showing(leg, 0.0, view)[0] is not card.showing(leg, 1.0, view)[0] for leg in legs]
    assert sorted(exchanged) == [False, True]
