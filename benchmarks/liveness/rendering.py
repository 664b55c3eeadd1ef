"""Renders the clips that liveness is measured and calibrated on, and opens what examines them, once per process."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from idproof.benchmarks.liveness.people import photographs
from idproof.datasets.rendered_people.clips import ATTACKS, BONA_FIDE, Distance, Sitting, bona_fide
from idproof.datasets.specimen.draws import Draws, Split
from idproof.models.profiles import load_engines
from idproof.models.types import RGBImage
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.liveness import examiner
from idproof.pipeline.liveness.examiner import LivenessExaminer
from idproof.pipeline.liveness.frames import Clip

_SEED_DOMAIN = 1_000_003
"""Keeps the seeds of clips apart from other seeds of the same run; any fixed number would do."""


@dataclass(frozen=True)
class ClipTask:
    """One clip to render and examine.

    Attributes:
        photograph: of the person, (250, 250, 3).
        kind: `bona_fide` or a species of attack.
        split: whose cameras, light and materials are drawn.
        seed: of everything drawn.
        profile: of the networks.
        distance: of the person from the camera.
        calibration: file of the limits in force.
        gaze: whether eyes that do not stay on the screen refer.
    """

    photograph: RGBImage
    kind: str
    split: Split
    seed: tuple[int, ...]
    profile: str
    distance: Distance = Distance.ARM
    calibration: Path = examiner.CALIBRATION_FILE
    gaze: bool = False


class OpenEngines:
    """The networks that examine clips, on one thread.

    Attributes:
        weights: file name to SHA-256.
        detector: finds faces.
        landmarker: finds eyelids and lips, where the profile has its networks.
    """

    def __init__(self, profile: str) -> None:
        cv2.setNumThreads(1)
        engines = load_engines(profile)
        self.weights = engines.weights
        self.detector = engines.detector
        self._embedder, self._ensemble, self.landmarker = engines.embedder, engines.passive, engines.landmarker

    def examiner(self, calibration: Calibration, *, gaze: bool = False) -> LivenessExaminer:
        """Returns an examiner with these limits, which refers eyes that do not stay on the screen if asked to."""
        return LivenessExaminer(self.detector, self._embedder, calibration, self._ensemble, self.landmarker, gaze)


@lru_cache(maxsize=1)
def open_engines(profile: str) -> OpenEngines:
    """Opens the networks of a profile, once per process."""
    return OpenEngines(profile)


def clip_tasks(
    root: Path,
    split: Split,
    clips: Mapping[str, int],
    profile: str,
    seed: int,
    distance: Distance = Distance.ARM,
    excluding: Collection[str] = (),
) -> list[ClipTask]:
    """Returns a task per clip, each with another person of the split.

    Args:
        root: LFW's 250 × 250 pictures, folder or zip.
        split: of the people.
        clips: kind to the number of clips.
        profile: of the networks.
        seed: of the people and of everything rendered.
        distance: of every person from the camera.
        excluding: names of people who are not drawn.
    """
    people = photographs(root, split, sum(clips.values()), seed, open_engines(profile).detector, excluding)
    return [
        ClipTask(photograph, kind, split, (seed, _SEED_DOMAIN, index, number), profile, distance)
        for number, (kind, count) in enumerate(clips.items())
        for index, (_, photograph) in enumerate(islice(people, count))
    ]


def render(task: ClipTask) -> tuple[Sitting, Clip]:
    """Renders the clip of a task."""
    draws = Draws(np.random.default_rng(task.seed), task.split)
    faces = open_engines(task.profile).detector.detect(task.photograph)
    eyes = faces[0].landmarks[:2] if faces else None
    sitting = Sitting.draw(task.photograph, draws, distance=task.distance, eyes=eyes)
    return sitting, (bona_fide if task.kind == BONA_FIDE else ATTACKS[task.kind])(sitting)
