"""Puppets are computed from one selfie: the head moves and is lit as asked, and what is behind it stays."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from idproof.datasets.rendered_people.clips import ATTACKS, PUPPETS, SPECIES, Sitting
from idproof.datasets.rendered_people.puppets import HeadMesh, taken_once
from idproof.datasets.rendered_people.surface import Pose
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.profiles import load_landmarker
from idproof.models.types import RGBImage
from idproof.pipeline.liveness.challenge import Action, Options

DARK = (0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def photograph() -> RGBImage:
    picture = PortraitSource.open(None).person("bundled/astronaut").photographs[0]
    return np.asarray(cv2.resize(picture, (250, 250), interpolation=cv2.INTER_AREA), dtype=np.uint8)


@pytest.fixture(scope="module")
def sitting(photograph: RGBImage) -> Sitting:
    sat = Sitting.draw(photograph, Draws(np.random.default_rng(2), Split.TEST))
    return replace(sat, camera=replace(sat.camera, size=(384, 512), stalls=False))


@pytest.fixture(scope="module")
def mesh(photograph: RGBImage) -> HeadMesh:
    return HeadMesh.of(photograph, 1.0)


def seen(mesh: HeadMesh, sitting: Sitting, pose: Pose, glow: tuple[float, float, float] = DARK) -> np.ndarray:
    texture = np.square(sitting.photograph.astype(np.float32) / 255)
    return mesh.see(texture, pose, sitting.camera, glow, (0.0, 0.0))


def test_puppets_are_species_apart_from_those_of_the_standard_run() -> None:
    assert set(PUPPETS) == {"puppet_relief", "puppet_camera", "puppet_mesh", "puppet_eyes", "puppet_animated"}
    assert not set(PUPPETS) & set(SPECIES)
    assert set(ATTACKS) == {*SPECIES, *PUPPETS}


@pytest.mark.parametrize("kind", sorted(PUPPETS))
def test_a_puppet_answers_at_the_times_of_the_challenge(kind: str, sitting: Sitting) -> None:
    clip = PUPPETS[kind](replace(sitting, draws=Draws(np.random.default_rng(1), Split.TEST)))
    assert len(clip.frames) == len(sitting.challenge.capture_ms())
    assert len({frame.pixels.tobytes() for frame in clip.frames}) == len(clip.frames)


def test_the_head_turns_before_a_background_that_stays(mesh: HeadMesh, sitting: Sitting) -> None:
    ahead, aside = (seen(mesh, sitting, Pose(yaw)) for yaw in (0.0, 20.0))
    change = np.abs(ahead - aside).mean(axis=2)
    height, width = change.shape
    corner = change[: height // 8, : width // 8].mean()
    face = change[height // 3 : height // 2, width // 3 : 2 * width // 3].mean()
    assert corner < 1e-6
    assert face > 0.01


def test_the_screens_light_falls_on_the_head_more_than_on_what_is_behind(mesh: HeadMesh, sitting: Sitting) -> None:
    dark, lit = (seen(mesh, sitting, Pose(), glow) for glow in (DARK, (1.0, 0.2, 0.2)))
    gain = (lit + 1e-3) / (dark + 1e-3)
    height, width = gain.shape[:2]
    face = gain[height // 3 : height // 2, 3 * width // 8 : 5 * width // 8]
    behind = gain[: height // 8, : width // 8]
    assert np.median(face[..., 0]) > np.median(behind[..., 0])
    assert np.median(face[..., 0]) > np.median(face[..., 1])


def test_the_selfie_brings_its_own_grain(photograph: RGBImage) -> None:
    rng = np.random.default_rng(0)
    clean, grainy = (taken_once(photograph, noise, 95, rng) for noise in (0.0, 6.0))
    assert np.abs(grainy.astype(int) - photograph).mean() > np.abs(clean.astype(int) - photograph).mean() + 1


def test_the_animated_head_moves_its_lids_and_lips_from_the_one_selfie(photograph: RGBImage) -> None:
    """A challenge that asks for neither shows the solid head whose eyes move."""
    asked = Options(eyelids=True, lips=True)
    sat = next(
        found
        for seed in range(20)
        if (found := Sitting.draw(photograph, Draws(np.random.default_rng(seed), Split.TEST), asked))
        and any(step.action is Action.OPEN_MOUTH for step in found.challenge.steps)
    )
    step = next(step for step in sat.challenge.steps if step.action is Action.OPEN_MOUTH)
    place = [i for i, at in enumerate(sat.challenge.capture_ms()) if step.start_ms <= at < step.end_ms]
    networks = load_landmarker()

    def opening(kind: str) -> float:
        clip = PUPPETS[kind](replace(sat, draws=Draws(np.random.default_rng(1), Split.TEST)))
        found = []
        for frame in (clip.frames[i].pixels for i in place):
            (face, *_) = networks.detector.detect(frame)
            found.append(networks.landmarker.mesh(frame, face).mouth_opening)
        return max(found)

    assert opening("puppet_animated") > opening("puppet_mesh") + 0.1
