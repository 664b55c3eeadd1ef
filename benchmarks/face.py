"""The face comparison over all pairs of a labelled set: error rates, and the operating points a profile runs at.

Written to `models/operating_points/PROFILE_face.json`, its output is where the verification takes its thresholds from.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.metrics import Rate, best_accuracy, fmr_at, fnmr_at, threshold_at_fmr
from idproof.benchmarks.output import Run, figure, plain
from idproof.datasets.lfw import AlignedFaces
from idproof.models.types import Embeddings, Engines

OPERATING_POINTS = (1e-2, 1e-3, 1e-4, 1e-5)
_BATCH = 32


def run(
    faces: AlignedFaces,
    engines: Engines,
    *,
    dataset: str,
    pairs: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Embed every picture once and compare all with all.

    Args:
        faces: labelled, aligned pictures.
        engines: the profile to measure.
        dataset: its name, for the record.
        pairs: a CSV of labelled pairs (`datasets.lfw.read_pairs`) for the pair accuracy, or None.
        progress: called with pictures done and in total.
    """
    templates = embed(faces, engines, progress)
    impostors, genuines = all_pairs(templates, faces.subjects())
    thresholds = {fmr: threshold_at_fmr(impostors, fmr) for fmr in OPERATING_POINTS}
    points = [_operating_point(impostors, genuines, fmr, threshold) for fmr, threshold in thresholds.items()]
    figures = {
        f"face.fnmr@fmr{_short(fmr)}": figure(fnmr_at(genuines, threshold)) for fmr, threshold in thresholds.items()
    }
    if pairs is not None:
        accuracy, n = _pair_accuracy(faces, templates, pairs)
        figures["face.pairs.accuracy"] = plain(accuracy, n, "share")
    return Run(
        bench="face",
        profile=engines.profile,
        weights=engines.weights,
        seed=0,
        counts={
            "people": len(set(faces.names)),
            "pictures": len(faces.names),
            "impostor_comparisons": int(impostors.size),
            "genuine_comparisons": int(genuines.size),
        },
        figures=figures,
        extra={"dataset": dataset, "labels": "as published", "operating_points": points},
    )


def embed(faces: AlignedFaces, engines: Engines, progress: Callable[[int, int], None]) -> Embeddings:
    """(n, dimensions), one unit-length row a picture."""
    rows = []
    for start in range(0, len(faces.names), _BATCH):
        rows.append(engines.embedder.embed(faces.pictures(start, start + _BATCH)))
        progress(min(start + _BATCH, len(faces.names)), len(faces.names))
    return np.concatenate(rows)


def all_pairs(
    templates: Embeddings, subjects: Sequence[int], block: int = 1024
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Impostor and genuine scores of every unordered pair of pictures.

    Example:
        >>> impostors, genuines = all_pairs(np.eye(3, dtype=np.float32), [0, 0, 1])
        >>> impostors.size, genuines.size
        (2, 1)
    """
    labels = np.asarray(subjects)
    impostors, genuines = [], []
    for start in range(0, len(templates), block):
        scores = templates[start : start + block] @ templates.T
        rows = np.arange(start, start + len(scores))
        later = rows[:, None] < np.arange(len(templates))[None]
        same = labels[rows][:, None] == labels[None]
        impostors.append(scores[later & ~same])
        genuines.append(scores[later & same])
    return np.concatenate(impostors), np.concatenate(genuines)


def _operating_point(
    impostors: NDArray[np.float32], genuines: NDArray[np.float32], fmr: float, threshold: float
) -> dict[str, float | dict[str, float]]:
    return {
        "fmr": fmr,
        "threshold": threshold,
        "measured_fmr": _plain_rate(fmr_at(impostors, threshold)),
        "measured_fnmr": _plain_rate(fnmr_at(genuines, threshold)),
    }


def _plain_rate(rate: Rate) -> dict[str, float]:
    return {"value": rate.value, "low": rate.low, "high": rate.high, "n": rate.n}


def _short(fmr: float) -> str:
    return f"{fmr:.0e}".replace("e-0", "e-")


def _pair_accuracy(faces: AlignedFaces, templates: Embeddings, pairs: Path) -> tuple[float, int]:
    scores: dict[bool, list[float]] = {True: [], False: []}
    for one, other, same in faces.read_pairs(pairs):
        scores[same].append(float(templates[one] @ templates[other]))
    impostors, genuines = np.array(scores[False]), np.array(scores[True])
    return best_accuracy(impostors, genuines), impostors.size + genuines.size
