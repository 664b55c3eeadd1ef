"""Makes the templates of a labelled set, once per run and in memory only."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from idproof.datasets.lfw import LabelledFaces
from idproof.models.profiles import load_engines
from idproof.models.types import DetectedFace, Embeddings, Engines, RGBImage
from idproof.pipeline.errors import DatasetInvalid
from idproof.pipeline.executors.task_runner import TaskRunner

ALIGNED, ORIGINAL = "lfw-112", "lfw"
DATASETS = (ORIGINAL, ALIGNED)
_BATCH = 32  # pictures per call of the network. Chosen by hand.

Batch = tuple[list[int], tuple[Embeddings, Embeddings] | None]
"""Indices of the pictures with a face, and the features of each, upright and mirrored."""


@dataclass(frozen=True)
class Templates:
    """The templates of a set.

    Attributes:
        places: (n,) index of the picture of each row; pictures without a face are left out.
        people: (n,) number of the person of each row, from 0.
        steps: processing step to templates of unit length, in order; the last step is the one in force.
    """

    places: NDArray[np.intp]
    people: NDArray[np.intp]
    steps: Mapping[str, Embeddings]

    @property
    def in_force(self) -> Embeddings:
        """(n, dimensions), as the verification makes them."""
        return list(self.steps.values())[-1]

    @property
    def pictures(self) -> NDArray[np.intp]:
        """Number of pictures per person."""
        return np.bincount(self.people)


def make(
    faces: LabelledFaces,
    dataset: str,
    engines: Engines,
    progress: Callable[[int, int], None],
    runner: TaskRunner | None = None,
) -> Templates:
    """Makes one template per picture and step.

    Args:
        faces: the set.
        dataset: `lfw-112`, aligned by its publisher; or `lfw`, where detector and alignment are ours.
        engines: the profile to measure.
        progress: called with pictures done and in total.
        runner: over a cluster, whose nodes open the same profile; None for this process.

    Raises:
        DatasetInvalid: no face was found in any picture.
    """
    places: list[int] = []
    upright, mirrored = [], []
    total = len(faces.names)
    starts = range(0, total, _BATCH)
    if runner is None:
        batches: Iterable[Batch] = (_batch(start, faces, dataset, engines) for start in starts)
    else:
        batches = runner(_batch_elsewhere, starts, faces, dataset, engines.profile)
    for start, (found, views) in zip(starts, batches, strict=True):
        places += found
        if views is not None:
            upright.append(views[0])
            mirrored.append(views[1])
        progress(min(start + _BATCH, total), total)
    if not places:
        raise DatasetInvalid("No face was found in any picture of the set.")
    one_crop, other_crop = np.concatenate(upright), np.concatenate(mirrored)
    return Templates(
        places=np.array(places),
        people=np.array(faces.subjects())[places],
        steps={"one_crop": unit(one_crop), "flip_averaged": unit(one_crop + other_crop)},
    )


def _batch(start: int, faces: LabelledFaces, dataset: str, engines: Engines) -> Batch:
    pictures = faces.pictures(start, start + _BATCH)
    found = [picture if dataset == ALIGNED else _aligned(picture, engines) for picture in pictures]
    crops = [face for face in found if face is not None]
    places = [start + i for i, face in enumerate(found) if face is not None]
    return places, engines.embedder.raw_features(crops) if crops else None


def _batch_elsewhere(start: int, faces: LabelledFaces, dataset: str, profile: str) -> Batch:
    return _batch(start, faces, dataset, _engines(profile))


@lru_cache(maxsize=1)
def _engines(profile: str) -> Engines:
    return load_engines(profile)


def unit(features: Embeddings) -> Embeddings:
    """Returns the rows at unit length."""
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(length, 1e-12), dtype=np.float32)


def central(picture: RGBImage, engines: Engines) -> DetectedFace | None:
    """Returns the face nearest to the middle of a picture, which is the named person in this set."""
    return most_central(picture, engines.detector.detect(picture))


def most_central(picture: RGBImage, faces: Iterable[DetectedFace]) -> DetectedFace | None:
    """Returns that one of these faces which is nearest to the middle of the picture."""
    height, width = picture.shape[:2]

    def off_centre(face: DetectedFace) -> float:
        x, y, w, h = face.box
        return float(np.hypot(x + w / 2 - width / 2, y + h / 2 - height / 2))

    return min(faces, key=off_centre, default=None)


def _aligned(picture: RGBImage, engines: Engines) -> RGBImage | None:
    face = central(picture, engines)
    return None if face is None else engines.embedder.align(picture, face.landmarks)
