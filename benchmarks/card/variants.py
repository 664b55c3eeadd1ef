"""Measures two other systems on the same registrations in the same run.

- A supervised variant: one classifier over the values of all checks, trained on bona fide registrations and attacks,
  and once more per kind without that kind. It shows what learning from attacks gains on known kinds and loses on new
  ones.
- The published baseline (`midv_holo_baseline`) at the threshold with the best F-score on the tuning registrations.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.card.public_protocol import best_threshold
from idproof.benchmarks.harness.output import BONA_FIDE, figure
from idproof.benchmarks.metrics import rate

_GENUINE_HOLOGRAM = ("field_edit", "portrait_swap_digital", "portrait_swap_print")
_REFUSED = 0.01  # share of bona fide tuning registrations refused by the supervised variant. Chosen by hand.


class Examined(Protocol):
    """The measurements of a registration that the variants need."""

    @property
    def kind(self) -> str:
        """`bona_fide` or the attack's."""
        ...

    @property
    def values(self) -> Mapping[str, float | None]:
        """Check to value; empty when the card was not found."""
        ...

    @property
    def baseline(self) -> float | None:
        """Score of the published baseline."""
        ...


Figures = dict[str, dict[str, object]]
Accepts = Callable[[Examined], bool]


def supervised(tested: Sequence[Examined], tuned: Sequence[Examined], seed: int) -> Figures:
    """Returns `card.supervised.bpcer` and `….apcer.KIND`, and `….leave_one_out.apcer.KIND` trained without the kind."""
    names = sorted({name for m in [*tuned, *tested] for name in m.values})
    prefix = "card.supervised"
    figures = _table(tested, _trained(tuned, names, seed), f"{prefix}.bpcer", f"{prefix}.apcer")
    for kind in sorted({m.kind for m in tested} - {BONA_FIDE}):
        without = _trained([m for m in tuned if m.kind != kind], names, seed)
        alone = [m for m in tested if m.kind == kind]
        figures |= _table(alone, without, f"{prefix}.bpcer", f"{prefix}.leave_one_out.apcer")
    return figures


def baseline(tested: Sequence[Examined], tuned: Sequence[Examined]) -> Figures:
    """Returns `card.baseline.bpcer` and `card.baseline.apcer.KIND`; a card that was not found is refused."""
    # The hologram of these attacks is genuine: calibrated on them it could only become worse on the others.
    claimed = [m for m in tuned if m.kind not in _GENUINE_HOLOGRAM]
    scores = np.array([-np.inf if m.baseline is None else m.baseline for m in claimed])
    threshold, _ = best_threshold(scores, np.array([m.kind == BONA_FIDE for m in claimed]))

    def accepts(m: Examined) -> bool:
        return m.baseline is not None and m.baseline >= threshold

    return _table(tested, accepts, "card.baseline.bpcer", "card.baseline.apcer")


def _trained(tuned: Sequence[Examined], names: Sequence[str], seed: int) -> Accepts:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    usable = [m for m in tuned if m.values]
    features, genuine = _features(usable, names), np.array([m.kind == BONA_FIDE for m in usable])
    model = HistGradientBoostingClassifier(random_state=seed, min_samples_leaf=5, class_weight="balanced")
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    # The threshold comes from scores of registrations that the model was not trained on.
    held_out = cross_val_predict(model, features, genuine, cv=folds, method="predict_proba")[:, 1]
    threshold = float(np.quantile(held_out[genuine], _REFUSED, method="lower"))
    model.fit(features, genuine)

    def accepts(m: Examined) -> bool:
        return bool(m.values) and bool(model.predict_proba(_features([m], names))[0, 1] >= threshold)

    return accepts


def _features(measured: Sequence[Examined], names: Sequence[str]) -> NDArray[np.float64]:
    """Returns (registrations, checks): values, NaN where a check could not be assessed."""
    return np.array([[np.nan if (v := m.values.get(n)) is None else v for n in names] for m in measured], dtype=float)


def _table(tested: Sequence[Examined], accepts: Accepts, bpcer: str, apcer: str) -> Figures:
    figures: Figures = {}
    for kind in sorted({m.kind for m in tested}):
        taken = [accepts(m) for m in tested if m.kind == kind]
        bona_fide = kind == BONA_FIDE
        errors = len(taken) - sum(taken) if bona_fide else sum(taken)
        figures[bpcer if bona_fide else f"{apcer}.{kind}"] = figure(rate(errors, len(taken)))
    return figures
