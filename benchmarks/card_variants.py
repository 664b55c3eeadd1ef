"""What the card's checks are measured against, in the same run and on the same registrations.

- the published baseline (`midv_holo_baseline`), which claims the copies and foreign holograms;
- a supervised variant: one classifier over the values of all checks, trained on attacks, and for each kind once more
  without it. It shows what learning from attacks gains on known kinds and loses on new ones.

Both get a threshold at which at most 1 % of the bona fide tuning registrations are refused.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.metrics import rate
from idproof.benchmarks.output import figure

_REFUSED = 0.01
_BONA_FIDE = "bona_fide"


class Examined(Protocol):
    """What is needed of a measured registration."""

    @property
    def kind(self) -> str:
        """`bona_fide` or the attack's."""
        ...

    @property
    def values(self) -> Mapping[str, float | None]:
        """Check to value."""
        ...

    @property
    def baseline(self) -> float | None:
        """Score of the published baseline."""
        ...


Figures = dict[str, dict[str, object]]


def baseline(tested: Sequence[Examined], tuned: Sequence[Examined]) -> Figures:
    """`card.baseline.bpcer` and `card.baseline.apcer.KIND`; a card that was not found is refused."""
    scores = [-1.0 if m.baseline is None else m.baseline for m in tuned if m.kind == _BONA_FIDE]
    threshold = float(np.quantile(scores, _REFUSED, method="lower"))
    return _table("card.baseline", tested, lambda m: m.baseline is not None and m.baseline >= threshold)


def supervised(tested: Sequence[Examined], tuned: Sequence[Examined], seed: int) -> Figures:
    """`card.supervised.…` trained with all kinds, `card.supervised.leave_one_out.apcer.KIND` without that kind."""
    names = sorted({name for m in [*tuned, *tested] for name in m.values})
    figures = _table("card.supervised", tested, _trained(tuned, names, seed))
    for kind in sorted({m.kind for m in tested} - {_BONA_FIDE}):
        without = _trained([m for m in tuned if m.kind != kind], names, seed)
        key = f"apcer.{kind}"
        alone = _table("alone", [m for m in tested if m.kind == kind], without)
        figures[f"card.supervised.leave_one_out.{key}"] = alone[f"alone.{key}"]
    return figures


def _trained(tuned: Sequence[Examined], names: Sequence[str], seed: int) -> Callable[[Examined], bool]:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    usable = [m for m in tuned if m.values]
    features, genuine = _features(usable, names), np.array([m.kind == _BONA_FIDE for m in usable])
    model = HistGradientBoostingClassifier(random_state=seed, min_samples_leaf=5, class_weight="balanced")
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    # The threshold comes from scores of registrations that the model, at that moment, had not seen.
    held_out = cross_val_predict(model, features, genuine, cv=folds, method="predict_proba")[:, 1]
    threshold = float(np.quantile(held_out[genuine], _REFUSED, method="lower"))
    model.fit(features, genuine)

    def accepts(m: Examined) -> bool:
        return bool(m.values) and bool(model.predict_proba(_features([m], names))[0, 1] >= threshold)

    return accepts


def _features(measured: Sequence[Examined], names: Sequence[str]) -> NDArray[np.float64]:
    """(registrations, checks): values, NaN where a check could not be assessed."""
    return np.array([[np.nan if (v := m.values.get(n)) is None else v for n in names] for m in measured], dtype=float)


def _table(prefix: str, tested: Sequence[Examined], accepts: Callable[[Examined], bool]) -> Figures:
    figures: Figures = {}
    for kind in sorted({m.kind for m in tested}):
        taken = [accepts(m) for m in tested if m.kind == kind]
        bona_fide = kind == _BONA_FIDE
        errors = len(taken) - sum(taken) if bona_fide else sum(taken)
        figures[f"{prefix}.bpcer" if bona_fide else f"{prefix}.apcer.{kind}"] = figure(rate(errors, len(taken)))
    return figures
