"""Chooses the people of rendered liveness clips; tuning and measuring never share a person."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from idproof.datasets.appearance import Appearance
from idproof.datasets.lfw import LabelledFaces
from idproof.datasets.specimen.draws import Split
from idproof.models.types import FaceDetector, RGBImage
from idproof.pipeline.errors import DatasetInvalid

_RIVAL_AREA = 0.1
"""Area of a second face, as a share of the first, from which a picture is passed over. Chosen by hand."""


def photographs(
    root: Path, split: Split, count: int, seed: int, detector: FaceDetector, excluding: Collection[str] = ()
) -> Iterator[tuple[str, RGBImage]]:
    """Yields the name and one photograph of each of `count` people of a split, in a random order.

    An applicant is alone before the camera and looks ahead (`Appearance.looks_ahead`) until something else is asked
    for. Photographs without a face, with a second face that is not small, of somebody who looks aside, shouts or shows
    the teeth, or whose eyes are closed, are passed over.

    Args:
        root: LFW's 250 × 250 pictures, folder or zip.
        split: of the people.
        count: how many people.
        seed: of the order.
        detector: finds the faces.
        excluding: names of people who are passed over, because an earlier run drew them.

    Raises:
        DatasetInvalid: no such pictures, or fewer people.
    """
    faces = LabelledFaces.open(root)
    first = {name: place for place, name in reversed(list(enumerate(faces.names))) if split.holds(name)}
    names = sorted(first)
    others = len(first.keys() - set(excluding))
    if others < count:
        raise DatasetInvalid(f"{root.name} holds {others} such people of the split {split}; {count} are needed.")
    given = 0
    for place in np.random.default_rng(seed).permutation(len(names)):
        if given == count:
            return
        name = names[place]
        if name in excluding:
            continue
        (picture,) = faces.pictures(first[name], first[name] + 1)
        if _alone(detector, picture) and _looks_ahead(picture):
            given += 1
            yield name, picture
    if given < count:
        raise DatasetInvalid(f"{root.name} holds {given} people who look ahead alone in a picture; {count} are needed.")


def drawn_by(root: Path, split: Split, count: int, seeds: Sequence[int], detector: FaceDetector) -> frozenset[str]:
    """Returns the names of everybody whom runs of `count` people with these seeds drew."""
    return frozenset(name for seed in seeds for name, _ in photographs(root, split, count, seed, detector))


def _looks_ahead(picture: RGBImage) -> bool:
    seen = Appearance.of(picture)
    return seen is not None and seen.looks_ahead


def _alone(detector: FaceDetector, picture: RGBImage) -> bool:
    found = detector.detect(picture)
    return bool(found) and (len(found) == 1 or found[1].area < _RIVAL_AREA * found[0].area)
