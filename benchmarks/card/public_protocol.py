"""Judges clips: thresholds from some documents, errors on the others, in the measures of the papers.

An original is the positive class. The folds of the clips are those published with Pouliquen et al., "Weakly Supervised
Training for Hologram Verification in Identity Documents" (ICDAR 2024), when they are there; otherwise they are drawn so
that no document is in two of them. As in that paper the replaced photographs are tested and never calibrated on, and
the F-score is over originals and copies.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.harness.output import figure, plain
from idproof.benchmarks.metrics import rate
from idproof.datasets.public import Clip, folds
from idproof.pipeline.errors import DatasetInvalid

FOLDS = 5  # as in the paper
UNCALIBRATED = ("photo_replacement",)

Scores = NDArray[np.float64]
"""Shape (settings,): the scores of one clip; or (clips, settings)."""
Figures = dict[str, dict[str, Any]]
_Mask = NDArray[np.bool_]


def judge(clips: Sequence[Clip], scores: Mapping[str, list[Scores | None]], seed: int) -> tuple[Figures, str]:
    """Returns the figures of each method over the tested clips, and the protocol in words."""
    tested, fold, protocol = places(clips, seed)
    classes = np.array([clips[i].published_class for i in tested])
    genuine = np.array([clips[i].attack is None for i in tested])
    calibrated = ~np.isin(classes, UNCALIBRATED)
    figures: Figures = {}
    for name, values in scores.items():
        settings = max((len(value) for value in values if value is not None), default=1)
        nothing = np.full(settings, -np.inf)  # a clip without a score is never called genuine
        table = np.array([nothing if (value := values[i]) is None else value for i in tested])
        try:
            accepted = _accepted(table, genuine, calibrated, fold)
            unsplit = max(best_threshold(table[calibrated, s], genuine[calibrated])[1] for s in range(settings))
        except ValueError:
            raise DatasetInvalid(
                "The set holds too few documents to calibrate on some and test on others: originals and copies of two "
                "or more documents are needed."
            ) from None
        figures |= _rates(f"card.public.{name}", accepted, genuine, classes, calibrated)
        figures[f"card.public.{name}.f_score_unsplit"] = plain(unsplit, int(calibrated.sum()), "share")
    return figures, protocol


def best_threshold(scores: Scores, genuine: _Mask) -> tuple[float, float]:
    """Returns the threshold with the best F-score, and that F-score: genuine when `score >= threshold`.

    The threshold lies in the middle between two scores; of equally good thresholds the highest is returned.

    Raises:
        ValueError: there are not both genuine and other scores.

    Example:
        >>> best_threshold(np.array([0.1, 0.2, 0.6, 0.9]), np.array([False, False, True, True]))
        (0.4, 1.0)
    """
    if not genuine.any() or genuine.all():
        raise ValueError("a threshold needs genuine and other scores")
    steps = np.unique(scores[np.isfinite(scores)])
    candidates = np.concatenate([[np.inf], (steps[1:] + steps[:-1])[::-1] / 2, steps[:1]])
    f_scores = [_f_score(scores >= threshold, genuine) for threshold in candidates]
    place = int(np.argmax(f_scores))
    return float(candidates[place]), f_scores[place]


def false_holograms(clips: Sequence[Clip], scores: Sequence[Scores | None], setting: int, threshold: float) -> Figures:
    """Returns, per class, how often the uncalibrated baseline finds a hologram where there is none."""
    figures: Figures = {}
    for kind in sorted({clip.published_class for clip in clips}):
        pairs = zip(clips, scores, strict=True)
        values = [score[setting] for clip, score in pairs if clip.published_class == kind and score is not None]
        if values:
            events = sum(bool(value >= threshold) for value in values)
            figures[f"card.public.baseline.false_hologram.{kind}"] = figure(rate(events, len(values)))
    return figures


def places(clips: Sequence[Clip], seed: int) -> tuple[list[int], NDArray[np.int64], str]:
    """Returns the indices of the tested clips, the fold of each, and the protocol in words.

    Raises:
        DatasetInvalid: one document only, and no published folds.
    """
    published = sorted({clip.split for clip in clips if clip.split is not None})
    if len(published) > 1:
        tested = [i for i, clip in enumerate(clips) if clip.split is not None]
        fold = [published.index(clips[i].split or "") for i in tested]
        return tested, np.array(fold), f"{len(published)} folds published with Pouliquen et al. (ICDAR 2024)"
    count = min(FOLDS, len({clip.document for clip in clips}))
    if count < 2:
        raise DatasetInvalid("The set holds one document only: none is left to calibrate on.")
    words = f"{count} folds of documents drawn with seed {seed}: the set publishes none, or they are not beside it"
    return list(range(len(clips))), np.array(folds(clips, count, seed)), words


def _accepted(table: Scores, genuine: _Mask, calibrated: _Mask, places: NDArray[np.int64]) -> _Mask:
    """Returns whether each clip is called genuine, by the setting and threshold of the other folds."""
    accepted = np.zeros(len(table), dtype=np.bool_)
    for place in np.unique(places):
        train, test = calibrated & (places != place), places == place
        choices = [best_threshold(column[train], genuine[train]) for column in table.T]
        setting = int(np.argmax([f_score for _, f_score in choices]))
        accepted[test] = table[test, setting] >= choices[setting][0]
    return accepted


def _rates(name: str, accepted: _Mask, genuine: _Mask, classes: NDArray[np.str_], calibrated: _Mask) -> Figures:
    found, n = int((accepted & genuine).sum()), int(genuine.sum())
    called = int((accepted & calibrated).sum())
    figures = {
        f"{name}.bpcer": figure(rate(n - found, n)),
        f"{name}.precision": figure(rate(found, called)),
        f"{name}.recall": figure(rate(found, n)),
        f"{name}.f_score": plain(_f_score(accepted[calibrated], genuine[calibrated]), int(calibrated.sum()), "share"),
    }
    for kind in sorted(set(classes[~genuine].tolist())):
        of_kind = classes == kind
        figures[f"{name}.apcer.{kind}"] = figure(rate(int((accepted & of_kind).sum()), int(of_kind.sum())))
    return figures


def _f_score(accepted: _Mask, genuine: _Mask) -> float:
    return float(2 * (accepted & genuine).sum() / max(1, accepted.sum() + genuine.sum()))
