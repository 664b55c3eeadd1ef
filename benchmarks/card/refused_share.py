"""Judges clips at a chosen share of refused originals, as the row published for MIDV-DynAttack is read.

The share of originals that are refused is fixed, and the share of each attack that is found is compared there: two
methods at different shares do not compare. Two operating points are reported.

- `found`: setting and threshold from other documents, so that at most that share of *their* originals is refused. The
  share refused of the tested originals is then whatever it is.
- `matched`: the threshold that refuses at most that share of the tested originals themselves. It reads the labels of
  the tested originals, never an attack's, and serves to stand beside a published row.

The setting is the one that finds most of MIDV-Holo's three static copies of the other documents; no attack of
MIDV-DynAttack and no replaced photograph has a part in it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.card.public_protocol import Figures, Scores, places
from idproof.benchmarks.harness.output import figure, plain
from idproof.benchmarks.metrics import rate
from idproof.datasets.public import Clip
from idproof.pipeline.errors import DatasetInvalid

PUBLISHED_REFUSED = 0.074
"""Share of originals refused by the method whose row is published."""
PUBLISHED_FOUND: Mapping[str, tuple[int, int]] = {
    "photo_replacement": (56, 100),
    "swap": (104, 150),
    "swap_three": (38, 50),
    "plain_holo": (68, 150),
    "leaf_holo": (104, 150),
    "no_holo": (153, 250),
    "hand_cut": (80, 100),
    "double_sticker": (50, 50),
}
"""Class to clips found, of clips tested: the published row as it reached this project; not read from the publication.

The row has 41 and 39 of 50 for the two hand-cut foils without saying which is which, so they are pooled. It has no
figure for the laminated blanks, the coloured LED or the laser.
"""
POOLED: Mapping[str, tuple[str, ...]] = {"hand_cut": ("holo_star_world", "holo_completemask")}
_STATIC = ("copy_without_holo", "photo_holo_copy", "pseudo_holo_copy")


def judge_at_refused_share(
    clips: Sequence[Clip],
    scores: Mapping[str, list[Scores | None]],
    seed: int,
    *,
    usual: int = 0,
    share: float = PUBLISHED_REFUSED,
) -> tuple[Figures, str]:
    """Returns the figures of each method over the tested clips, and the protocol in words.

    Args:
        clips: of every class.
        scores: method to the scores of each clip, one per setting; higher is more genuine. None counts as refused.
        seed: of the folds, when none are published.
        usual: setting that is used when there are no static copies to choose by.
        share: of originals that may be refused, 0..1.

    Raises:
        DatasetInvalid: one document only, or no original of another document.
    """
    tested, fold, protocol = places(clips, seed)
    classes = np.array([clips[i].published_class for i in tested])
    genuine = np.array([clips[i].attack is None for i in tested])
    figures: Figures = {}
    for name, values in scores.items():
        settings = max((len(value) for value in values if value is not None), default=1)
        nothing = np.full(settings, -np.inf)
        table = np.array([nothing if (value := values[i]) is None else value for i in tested])
        found, setting = _found_elsewhere(table, genuine, classes, fold, share, min(usual, settings - 1))
        figures |= _rates(f"card.public.{name}", found, genuine, classes)
        matched = table[:, setting] < threshold_refusing(table[genuine, setting], share)
        figures |= _rates(f"card.public.{name}.matched", matched, genuine, classes)
    originals = int(genuine.sum())
    published = {f"card.public.published.found.{kind}": figure(rate(*n)) for kind, n in PUBLISHED_FOUND.items()}
    published["card.public.published.refused_originals"] = plain(PUBLISHED_REFUSED, originals, "share")
    words = f"{protocol}; thresholds refuse at most {share:.1%} of the originals of other documents"
    return figures | published, words


def threshold_refusing(originals: NDArray[np.float64], share: float) -> float:
    """Returns the highest threshold below which at most `share` of the originals lie: refused is `score < threshold`.

    Raises:
        ValueError: no score, or a share outside 0..1.

    Example:
        >>> threshold_refusing(np.array([0.1, 0.4, 0.6, 0.9]), 0.25)
        0.4
        >>> threshold_refusing(np.array([0.1, 0.4, 0.6, 0.9]), 0.2)
        0.1
    """
    if len(originals) == 0 or not 0 <= share <= 1:
        raise ValueError("a threshold needs originals, and a share of 0 to 1")
    ordered = np.sort(originals)
    # One part in a million, so that 0.07 of 100 is 7 although the product is a little less.
    return float(ordered[min(int(share * len(ordered) + 1e-6), len(ordered) - 1)])


def _found_elsewhere(
    table: Scores,
    genuine: NDArray[np.bool_],
    classes: NDArray[np.str_],
    fold: NDArray[np.int64],
    share: float,
    usual: int,
) -> tuple[NDArray[np.bool_], int]:
    """Returns whether each clip is refused by the setting and threshold of other folds, and the most chosen setting."""
    refused, chosen = np.zeros(len(table), dtype=np.bool_), []
    static = np.isin(classes, _STATIC)
    for place in np.unique(fold):
        train, test = fold != place, fold == place
        if not (train & genuine).any():
            raise DatasetInvalid("The set holds too few originals: some of two or more documents are needed.")
        limits = np.array([threshold_refusing(column[train & genuine], share) for column in table.T])
        setting = usual
        if (train & static).any():
            by_setting = (table[train & static] < limits).mean(axis=0)
            setting = usual if by_setting[usual] == by_setting.max() else int(np.argmax(by_setting))
        refused[test] = table[test, setting] < limits[setting]
        chosen.append(setting)
    return refused, int(np.bincount(chosen).argmax())


def _rates(name: str, refused: NDArray[np.bool_], genuine: NDArray[np.bool_], classes: NDArray[np.str_]) -> Figures:
    figures = {f"{name}.refused_originals": figure(rate(int((refused & genuine).sum()), int(genuine.sum())))}
    groups = {**{kind: (kind,) for kind in sorted(set(classes[~genuine].tolist()))}, **POOLED}
    for kind, members in groups.items():
        of_kind = np.isin(classes, members)
        if of_kind.any():
            figures[f"{name}.found.{kind}"] = figure(rate(int((refused & of_kind).sum()), int(of_kind.sum())))
    return figures
