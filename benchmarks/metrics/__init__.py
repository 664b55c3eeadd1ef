"""Error rates, curves and intervals: pure functions of counts and scores. They import nothing of ours.

Scores are similarities: a comparison is accepted when `score >= threshold`. Where a function takes
two sets of scores, impostors come first, then genuines.

- `rates`: FMR, FNMR, FAR, FRR, exact intervals, thresholds that promise at most a rate;
- `curve`: DET, EER, AUC, d′;
- `information`: Cllr and minCllr of log-likelihood ratios;
- `attack`: APCER per species, BPCER, ACER, IAPAR, RIAPAR, DFAR and DFRR;
- `groups`: differential performance;
- `unlinkability`: D_sys of protected templates;
- `resample`: intervals by person and by picture, and whether two systems differ.
"""

from idproof.benchmarks.metrics.rates import (
    Rate,
    Scores,
    attempts_for_claim,
    best_accuracy,
    false_accept_rate,
    false_reject_rate,
    fmr_at,
    fnmr_at,
    rate,
    threshold_at_fmr,
)

__all__ = [
    "Rate",
    "Scores",
    "attempts_for_claim",
    "best_accuracy",
    "false_accept_rate",
    "false_reject_rate",
    "fmr_at",
    "fnmr_at",
    "rate",
    "threshold_at_fmr",
]
