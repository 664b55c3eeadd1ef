"""Measures error rates per group of people or pictures, at the thresholds in force.

NIST SP 800-63A-4 allows no group an error rate more than a quarter above that of all together, at one fixed threshold
(`metrics.groups.gate`, which the report applies). Labels come from a file, or from how the pictures were taken. Sex,
age and origin are never guessed from a face.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.face.pairs import all_pairs
from idproof.benchmarks.face.templates import Templates, central
from idproof.benchmarks.harness.output import figure
from idproof.benchmarks.metrics import Rate, fmr_at, fnmr_at
from idproof.benchmarks.metrics.groups import gate
from idproof.benchmarks.metrics.resample import Comparisons, interval, weighted_fnmr
from idproof.datasets.lfw import LabelledFaces
from idproof.models.types import DetectedFace, Engines, RGBImage
from idproof.pipeline.errors import DatasetInvalid
from idproof.pipeline.face.quality import pose, sharpness
from idproof.pipeline.face.quality.types import Face

Labels = Mapping[str, NDArray[np.str_]]
"""Kind of label to the label of each template's picture; an empty label belongs to no group."""
Groups = dict[str, dict[str, Rate]]
CAPTURE = "capture"
"""Value of `--groups` for labels of how each picture was taken."""
_THIRDS = ("lowest third", "middle third", "highest third")
_MONOCHROME = 6.0  # grey levels: largest median difference of the channels of a monochrome picture. Chosen by hand.
_DRAWS = 400  # for two digits of a 95 % interval


@dataclass(frozen=True)
class ByGroup:
    """Rates of all pictures and per group.

    Attributes:
        figures: rates over all pictures.
        groups: the same figures per group.
        gates: per figure, the groups that are more than a quarter worse than all, and those with too few attempts to
            decide.
    """

    figures: Mapping[str, Mapping[str, Any]]
    groups: Mapping[str, Mapping[str, Mapping[str, Any]]]
    gates: Mapping[str, Mapping[str, Sequence[str]]]


def labels_from(file: Path, faces: LabelledFaces, places: NDArray[np.intp]) -> Labels:
    """Reads labels from a CSV: a column `person` or `file`, and one column for each kind of label.

    Args:
        file: people are named as their folders are, files as `Name/Name_0001.jpg`; people and files that
            are not named have no label.
        faces: the set.
        places: the pictures that have a template.

    Raises:
        DatasetInvalid: unreadable, without such columns, or naming nobody in the set.
    """
    try:
        with file.open(newline="", encoding="utf-8") as opened:
            rows = list(csv.DictReader(opened))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise DatasetInvalid(f"{file.name} cannot be read.") from None
    key = next((name for name in ("file", "person") if rows and name in rows[0]), None)
    kinds = [name for name in (rows[0] if rows else ()) if name not in ("file", "person", None)]
    if key is None or not kinds:
        raise DatasetInvalid(f"{file.name} has a column `person` or `file`, and one or more of labels.")
    known = {row[key]: row for row in rows}
    named = [faces.names[i] if key == "person" else "/".join(PurePosixPath(faces.paths[i]).parts[-2:]) for i in places]
    if not known.keys() & set(named):
        raise DatasetInvalid(f"{file.name} names nobody of {faces.root.name}.")
    return {kind: np.array([(known.get(name, {}).get(kind) or "").strip() for name in named]) for kind in kinds}


def labels_of_capture(faces: LabelledFaces, places: NDArray[np.intp], engines: Engines) -> Labels:
    """Returns labels of how each picture was taken: colour, and thirds of sharpness, head turn and surrounding light.

    The light is measured beside the face, so that it says nothing about skin.
    """
    rows = [_taken(faces.pictures(int(place), int(place) + 1)[0], engines) for place in places]
    colour, *measured = (np.array(column) for column in zip(*rows, strict=True))
    kinds = dict(zip(("sharpness", "turn", "light"), map(_thirds, measured), strict=True))
    return {"colour": np.where(colour <= _MONOCHROME, "monochrome", "colour"), **kinds}


def rates(templates: Templates, labels: Labels, thresholds: Mapping[float, float], seed: int = 0) -> ByGroup:
    """Returns `face.in_force.fnmr@fmrX` and `face.in_force.fmr@fmrX`, over all and per group, at fixed thresholds.

    A genuine comparison belongs to a group when one of its pictures does, an impostor comparison when both do. Groups
    without comparisons of a kind are left out. Intervals of the FNMR are by person.

    Args:
        templates: of the set.
        labels: of its pictures.
        thresholds: false match rate to the threshold in force.
        seed: of the intervals.
    """
    everybody = np.ones(templates.people.size, dtype=bool)
    overall = _rates(templates, everybody, thresholds, seed)
    groups: Groups = {name: {} for name in overall}
    for kind, label in labels.items():
        for name in sorted(set(label.tolist()) - {""}):
            for what, rate in _rates(templates, label == name, thresholds, seed).items():
                groups[what][f"{kind}: {name}"] = rate
    gates = {what: gate(overall[what], members) for what, members in groups.items() if members}
    return ByGroup(
        figures={what: figure(rate) for what, rate in overall.items()},
        groups={what: {name: figure(rate) for name, rate in members.items()} for what, members in groups.items()},
        gates={what: {"beyond": list(g.beyond), "undecided": list(g.undecided)} for what, g in gates.items()},
    )


def _rates(
    templates: Templates, inside: NDArray[np.bool_], thresholds: Mapping[float, float], seed: int
) -> dict[str, Rate]:
    impostors = all_pairs(templates.in_force[inside], templates.people[inside]).impostors
    genuines = _genuine(templates, inside)
    found = {}
    for fmr, threshold in thresholds.items():
        end = f"@fmr{fmr:.0e}".replace("e-0", "e-")
        if genuines.scores.size:
            found[f"face.in_force.fnmr{end}"] = _fnmr(genuines, threshold, seed)
        if impostors.size:
            found[f"face.in_force.fmr{end}"] = fmr_at(impostors, threshold)
    return found


def _genuine(templates: Templates, inside: NDArray[np.bool_]) -> Comparisons:
    scores, whose = [], []
    for person in np.unique(templates.people[inside]):
        places = np.flatnonzero(templates.people == person)
        one, other = np.triu_indices(places.size, 1)
        kept = inside[places[one]] | inside[places[other]]
        every = templates.in_force[places] @ templates.in_force[places].T
        scores.append(every[one[kept], other[kept]])
        whose.append(np.full(int(kept.sum()), person))
    people = np.unique(np.concatenate(whose), return_inverse=True)[1]
    return Comparisons(np.concatenate(scores), people, people)


def _fnmr(genuines: Comparisons, threshold: float, seed: int) -> Rate:
    exact = fnmr_at(genuines.scores, threshold)
    units = int(genuines.first.max()) + 1
    if units < 2 or not 0 < exact.value < 1:
        return exact  # every draw would give the same rate
    low, high = interval(lambda w: weighted_fnmr(genuines, threshold, w), units, draws=_DRAWS, seed=seed)
    return Rate(exact.value, low, high, exact.n)


def _taken(picture: RGBImage, engines: Engines) -> tuple[float, float, float, float]:
    face = central(picture, engines)
    if face is None:
        raise ValueError("a picture with a template has a face")
    seen = Face.of(picture, face, engines.embedder.align(picture, face.landmarks))
    channels = picture.astype(np.float32)
    apart = float(np.median(np.ptp(channels, axis=2)))
    values = [component.measure(seen).value for component in (sharpness, pose)]
    fine, turned = (float("nan") if value is None else value for value in values)
    return apart, fine, turned, _light_around(picture, face)


def _light_around(picture: RGBImage, face: DetectedFace) -> float:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    mask = np.ones(grey.shape, dtype=bool)
    x, y, width, height = face.box
    mask[max(0, round(y - 0.3 * height)) :, max(0, round(x - 0.2 * width)) : round(x + 1.2 * width)] = False
    return float(grey[mask].mean()) if mask.any() else float("nan")


def _thirds(values: NDArray[np.float64]) -> NDArray[np.str_]:
    """Returns the third of each value; equal values share one, missing values have none."""
    known = values[~np.isnan(values)]
    limits: Sequence[float] = np.quantile(known, (1 / 3, 2 / 3)).tolist() if known.size else (0.0, 0.0)
    return np.where(np.isnan(values), "", np.array(_THIRDS)[np.searchsorted(limits, np.nan_to_num(values))])
