"""Measures how often bona fide photographs are referred for their quality, and the cost of detection and quality."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import cv2
import numpy as np

from idproof.benchmarks.face.templates import central, most_central
from idproof.benchmarks.harness.output import PHOTOGRAPHS, Run, figure, plain
from idproof.benchmarks.metrics import rate
from idproof.datasets.lfw import LabelledFaces
from idproof.datasets.specimen.draws import Split
from idproof.models.types import Engines, RGBImage
from idproof.pipeline.applicant_face import ApplicantFace, choose_applicant
from idproof.pipeline.face import quality
from idproof.pipeline.face.quality.types import Better
from idproof.pipeline.types import Outcome

SHARE = 0.01
"""Share of the tuning people's photographs on the poor side of each component's limit. Chosen by hand."""
_FRAME_PX = 320  # as guidance uses them
_FRAMES = 40  # timed. Chosen by hand.
_DIGITS = 5

Measured = list[list[quality.Measure]]
Progress = Callable[[int, int], None]


def measure_quality(
    faces: LabelledFaces, engines: Engines, *, dataset: str, progress: Progress = lambda done, total: None
) -> Run:
    """Measures the false refusals of the people of the test split, with the limits in force.

    `quality.several_faces` is the share of photographs in which no face is clearly the applicant's, and
    `quality.other_face` of those in which another face than the one in the middle is chosen.

    Args:
        faces: original pictures, the person in the middle.
        engines: the profile.
        dataset: its name.
        progress: called with pictures done and in total.
    """
    of_test = faces.of(Split.TEST.holds)
    seen = _seen(of_test, engines, progress)
    found = [quality.check(each.face) for each in seen]
    several = sum(each.choice.ambiguous for each in seen)
    other = sum(each.choice.face not in (None, each.face.found) for each in seen)
    doubted = [[r.name for r in results if r.outcome is not Outcome.PASS] for results in found]
    figures: dict[str, Mapping[str, Any]] = {
        "quality.refused": figure(rate(sum(map(bool, doubted)), len(found))),
        **{
            f"quality.refused.{name}": figure(rate(sum(name in names for names in doubted), len(found)))
            for name in quality.NAMES
        },
        "quality.several_faces": figure(rate(several, len(found))),
        "quality.other_face": figure(rate(other, len(found))),
        **frame_cost(of_test.pictures(0, _FRAMES), engines),
    }
    return Run(
        bench="quality",
        profile=engines.profile,
        weights=engines.weights,
        seed=0,
        counts={"people": len(set(of_test.names)), "pictures": len(of_test.names), "faces": len(found)},
        figures=figures,
        extra={"data": PHOTOGRAPHS, "dataset": dataset, "not_assessed": list(quality.NOT_ASSESSED)},
    )


def calibrate_quality(
    faces: LabelledFaces, engines: Engines, *, dataset: str, progress: Progress = lambda done, total: None
) -> dict[str, Any]:
    """Returns the limits as they are written to a file, from the people of the tuning split."""
    of_tuning = faces.of(Split.TUNING.holds)
    found = [quality.measure(each.face) for each in _seen(of_tuning, engines, progress)]
    limits, percentiles = {}, {}
    for component in zip(*found, strict=True):
        values = np.array([m.value for m in component if m.value is not None])
        name = component[0].name
        at = SHARE if component[0].better is Better.HIGHER else 1 - SHARE
        limits[name] = round(float(np.quantile(values, at)), _DIGITS)
        percentiles[name] = [round(float(value), _DIGITS) for value in np.quantile(values, np.linspace(0, 1, 101))]
    return {
        "limits": limits,
        "percentiles": percentiles,
        "source": {
            "dataset": dataset,
            "rule": f"a share of {SHARE} of the photographs lies on the poor side of each limit",
            "people": len(set(of_tuning.names)),
            "pictures": len(found),
            "version": version("idproof"),
        },
    }


def frame_cost(pictures: Sequence[RGBImage], engines: Engines) -> dict[str, dict[str, Any]]:
    """Measures the median processor time of a frame with a longer side of 320 pixels: detection, alignment and quality.

    It is the processor time of this process on one thread, so other work on the machine hardly affects it.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        times = np.array([_timed(picture, engines) for picture in pictures])
    finally:
        cv2.setNumThreads(before)
    names = ("detection", "quality", "total")
    columns = np.column_stack([times, times.sum(axis=1)])
    return {
        f"quality.frame.{name}.p50_ms": plain(float(np.median(columns[:, i])), len(times), "ms")
        for i, name in enumerate(names)
    }


def _timed(picture: RGBImage, engines: Engines) -> tuple[float, float]:
    scale = _FRAME_PX / max(picture.shape[:2])
    frame = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale), dtype=np.uint8)
    start = time.process_time()
    face = central(frame, engines)
    detected = time.process_time()
    if face is not None:
        quality.check(quality.Face.of(frame, face, engines.embedder.align(frame, face.landmarks), engines.landmarker))
    return (detected - start) * 1000, (time.process_time() - detected) * 1000


@dataclass(frozen=True, repr=False)
class _Seen:
    """The face in the middle of a photograph, and the face that would be taken for the applicant's."""

    face: quality.Face
    choice: ApplicantFace


def _seen(faces: LabelledFaces, engines: Engines, progress: Progress) -> list[_Seen]:
    found = []
    for place in range(len(faces.names)):
        picture = faces.pictures(place, place + 1)[0]
        everybody = engines.detector.detect(picture)
        face = most_central(picture, everybody)
        if face is not None:
            aligned = engines.embedder.align(picture, face.landmarks)
            found.append(
                _Seen(quality.Face.of(picture, face, aligned, engines.landmarker), choose_applicant(picture, everybody))
            )
        progress(place + 1, len(faces.names))
    return found
