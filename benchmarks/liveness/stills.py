"""Measures the networks against print and display on labelled still pictures of real faces and attacks.

A still passes when the networks' own rule calls it real. AUC is the chance that a bona fide picture gets a higher
probability of `real` than an attack does. Pictures without a detected face are counted and judged by nothing: at
capture they are refused with `face_not_found`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.output import PHOTOGRAPHS, Run, figure
from idproof.benchmarks.metrics import rate
from idproof.benchmarks.metrics.curve import area_interval
from idproof.datasets.liveness.stills import Still, read_stills
from idproof.models.profiles import load_engines
from idproof.models.types import FaceDetector, PassiveEnsemble

PROFILE = "open_faceplugin"
"""Of `idproof bench liveness --stills`: the default profile has no such network."""
FLAT, ALL = "flat", "all"
_DIGITS = 5  # of the probabilities in the run


@dataclass(frozen=True)
class JudgedStill:
    """One still and its result.

    Attributes:
        still: the picture and its label.
        real: probability of `real`, 0..1; None where no face was found.
        passed: whether the networks call it real; None where no face was found.
    """

    still: Still
    real: float | None
    passed: bool | None


def measure_stills(table: Path, *, profile: str = PROFILE) -> Run:
    """Judges every picture of a table.

    Args:
        table: CSV file with the pictures beside it, or a zip that holds both (`datasets.liveness.stills`).
        profile: with networks against print and display.

    Raises:
        BenchmarkFailed: the profile has none, or the table holds no bona fide picture with a face.
        DatasetInvalid: the table or one of its pictures cannot be used.
    """
    engines = load_engines(profile)
    if engines.passive is None:
        raise BenchmarkFailed(f"Profile {profile} has no networks against print and display.")
    judged = [_judge(still, engines.detector, engines.passive) for still in read_stills(table)]
    people = [entry for entry in judged if entry.still.bona_fide and entry.real is not None]
    attacks = [entry for entry in judged if entry.still.bona_fide is False]
    if not people:
        raise BenchmarkFailed(f"{table.name} holds no bona fide picture with a face.")
    return Run(
        bench="liveness",
        profile=profile,
        weights=engines.weights,
        seed=0,
        counts=_counts(judged),
        figures=_figures(people, attacks),
        extra={
            "data": PHOTOGRAPHS,
            "real_of_bona_fide": _values(people),
            "real_of_attacks": {
                kind: _values([entry for entry in attacks if entry.still.kind == kind]) for kind in _kinds(attacks)
            },
        },
    )


def _judge(still: Still, detector: FaceDetector, passive: PassiveEnsemble) -> JudgedStill:
    image = still.pixels()
    faces = detector.detect(image)
    return JudgedStill(still, *(passive.classify(image, faces[0]) if faces else (None, None)))


def _figures(people: Sequence[JudgedStill], attacks: Sequence[JudgedStill]) -> dict[str, Any]:
    figures = {"stills.referred.bona_fide": figure(rate(sum(not entry.passed for entry in people), len(people)))}
    groups = {kind: [entry for entry in attacks if entry.still.kind == kind] for kind in _kinds(attacks)}
    groups[FLAT] = [entry for entry in attacks if entry.still.flat]
    groups[ALL] = list(attacks)
    for kind, members in groups.items():
        seen = [entry for entry in members if entry.real is not None]
        figures[f"stills.passed.{kind}"] = figure(rate(sum(bool(entry.passed) for entry in seen), len(seen)))
        if seen:
            found = area_interval(np.array([entry.real for entry in seen]), np.array([entry.real for entry in people]))
            figures[f"stills.auc.{kind}"] = figure(found, "AUC")
    return figures


def _kinds(attacks: Sequence[JudgedStill]) -> list[str]:
    return sorted({entry.still.kind for entry in attacks})


def _counts(judged: Sequence[JudgedStill]) -> dict[str, Any]:
    """Counts pictures, those without a face, and those that pass, by label and by source."""
    by_source: dict[str, Counter[str]] = {}
    by_label: dict[str, Counter[str]] = {}
    for entry in judged:
        label = {True: "bona_fide", False: "attack", None: "unlabelled"}[entry.still.bona_fide]
        result = {True: "passed", False: "referred", None: "no_face"}[entry.passed]
        by_label.setdefault(label, Counter())[result] += 1
        by_source.setdefault(entry.still.source, Counter())[f"{label}.{result}"] += 1
    return {
        "stills": len(judged),
        "by_label": {name: dict(counter) for name, counter in by_label.items()},
        "by_source": {name: dict(counter) for name, counter in by_source.items()},
    }


def _values(judged: Sequence[JudgedStill]) -> list[float]:
    return sorted(round(entry.real, _DIGITS) for entry in judged if entry.real is not None)
